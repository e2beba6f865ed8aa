// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/phrases.h"

#include <cstdlib>

namespace amicale::admin {
namespace {

constexpr NamedPhrase kPhrases[] = {
#define AMICALE_PHRASE(name, fr, en) {#name, phrase::name},
#include "server/admin/phrases.inc"
#undef AMICALE_PHRASE
};

}  // namespace

std::span<const NamedPhrase> all_phrases() { return kPhrases; }

v1::Language language_of_environment() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value && *value) {
      return std::string_view(value).starts_with("fr") ? v1::LANGUAGE_FR : v1::LANGUAGE_EN;
    }
  }
  return v1::LANGUAGE_EN;
}

const Phrase& name_of(v1::ClubRole role) {
  switch (role) {
    case v1::CLUB_ROLE_GUEST: return phrase::role_guest;
    case v1::CLUB_ROLE_MEMBER: return phrase::role_member;
    case v1::CLUB_ROLE_SPONSOR: return phrase::role_sponsor;
    case v1::CLUB_ROLE_COMMITTEE: return phrase::role_committee;
    case v1::CLUB_ROLE_PRESIDENT: return phrase::role_president;
    case v1::CLUB_ROLE_SUPERVISOR: return phrase::role_supervisor;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::SiteRole role) {
  switch (role) {
    case v1::SITE_ROLE_STAFF: return phrase::site_role_staff;
    case v1::SITE_ROLE_OWNER: return phrase::site_role_owner;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::MemberStatus status) {
  switch (status) {
    case v1::MEMBER_STATUS_INVITED: return phrase::status_invited;
    case v1::MEMBER_STATUS_OPTED_IN: return phrase::status_opted_in;
    case v1::MEMBER_STATUS_ACTIVE: return phrase::status_active;
    case v1::MEMBER_STATUS_WAITLISTED: return phrase::status_waitlisted;
    case v1::MEMBER_STATUS_REFUSED: return phrase::status_refused;
    case v1::MEMBER_STATUS_PAUSED: return phrase::status_paused;
    case v1::MEMBER_STATUS_REMOVED: return phrase::status_removed;
    case v1::MEMBER_STATUS_BANNED: return phrase::status_banned;
    case v1::MEMBER_STATUS_LEFT: return phrase::status_left;
    case v1::MEMBER_STATUS_SUSPENDED: return phrase::status_suspended;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::RoomAccess access) {
  switch (access) {
    case v1::ROOM_ACCESS_ROLES: return phrase::access_roles;
    case v1::ROOM_ACCESS_ANNOUNCEMENT: return phrase::access_announcement;
    case v1::ROOM_ACCESS_ALL: return phrase::access_all;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::ClubKind kind) {
  switch (kind) {
    case v1::CLUB_KIND_REGIONAL: return phrase::kind_regional;
    case v1::CLUB_KIND_COMPANY: return phrase::kind_company;
    case v1::CLUB_KIND_COHORT: return phrase::kind_cohort;
    case v1::CLUB_KIND_PROFESSIONAL: return phrase::kind_professional;
    case v1::CLUB_KIND_SOCIO_PROFESSIONAL: return phrase::kind_socio_professional;
    case v1::CLUB_KIND_SOCIAL: return phrase::kind_social;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::NotificationLevel level) {
  switch (level) {
    case v1::NOTIFICATION_LEVEL_MUTED: return phrase::level_muted;
    case v1::NOTIFICATION_LEVEL_ALL: return phrase::level_all;
    default: return phrase::level_mentions;
  }
}

const Phrase& name_of(v1::SanctionKind kind) {
  switch (kind) {
    case v1::SANCTION_KIND_WARNING: return phrase::sanction_warning;
    case v1::SANCTION_KIND_MUTE: return phrase::sanction_mute;
    case v1::SANCTION_KIND_SUSPENSION: return phrase::sanction_suspension;
    case v1::SANCTION_KIND_KICK: return phrase::sanction_kick;
    case v1::SANCTION_KIND_BAN: return phrase::sanction_ban;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::ReasonCode reason) {
  switch (reason) {
    case v1::REASON_CODE_SPAM: return phrase::reason_spam;
    case v1::REASON_CODE_ADVERTISING: return phrase::reason_advertising;
    case v1::REASON_CODE_INSULT: return phrase::reason_insult;
    case v1::REASON_CODE_HARASSMENT: return phrase::reason_harassment;
    case v1::REASON_CODE_HATE: return phrase::reason_hate;
    case v1::REASON_CODE_OFF_TOPIC: return phrase::reason_off_topic;
    case v1::REASON_CODE_PRIVACY: return phrase::reason_privacy;
    case v1::REASON_CODE_IMPERSONATION: return phrase::reason_impersonation;
    case v1::REASON_CODE_ILLEGAL: return phrase::reason_illegal;
    case v1::REASON_CODE_OTHER: return phrase::reason_other;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::Measure measure) {
  switch (measure) {
    case v1::MEASURE_NUDGE: return phrase::measure_nudge;
    case v1::MEASURE_HOLD: return phrase::measure_hold;
    case v1::MEASURE_WARNING: return phrase::sanction_warning;
    case v1::MEASURE_MUTE: return phrase::sanction_mute;
    case v1::MEASURE_SUSPENSION: return phrase::sanction_suspension;
    case v1::MEASURE_KICK: return phrase::sanction_kick;
    case v1::MEASURE_BAN: return phrase::sanction_ban;
    default: return phrase::none;
  }
}

const Phrase& name_of(v1::ProposalState state) {
  switch (state) {
    case v1::PROPOSAL_STATE_CONFIRMED: return phrase::proposal_confirmed;
    case v1::PROPOSAL_STATE_DECLINED: return phrase::proposal_declined;
    case v1::PROPOSAL_STATE_WITHDRAWN: return phrase::proposal_withdrawn;
    case v1::PROPOSAL_STATE_EXPIRED: return phrase::proposal_expired;
    default: return phrase::proposal_open;
  }
}

const Phrase& name_of(v1::SanctionEnd end) {
  switch (end) {
    case v1::SANCTION_END_AT_ONCE: return phrase::sanction_at_once;
    case v1::SANCTION_END_LAPSED: return phrase::sanction_lapsed;
    case v1::SANCTION_END_LIFTED: return phrase::sanction_lifted;
    case v1::SANCTION_END_REPLACED: return phrase::sanction_replaced;
    default: return phrase::sanction_stands;
  }
}

const Phrase& name_of(v1::RaidTrigger trigger) {
  switch (trigger) {
    case v1::RAID_TRIGGER_JOIN_RATE: return phrase::raid_by_joins;
    case v1::RAID_TRIGGER_SIMILARITY: return phrase::raid_by_similarity;
    default: return phrase::raid_by_hand;
  }
}

}  // namespace amicale::admin
