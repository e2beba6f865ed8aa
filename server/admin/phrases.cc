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

}  // namespace amicale::admin
