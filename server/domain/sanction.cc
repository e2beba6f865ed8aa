// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/sanction.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/domain/charter.h"
#include "server/domain/limits.h"
#include "server/domain/membership.h"
#include "server/domain/permissions.h"
#include "server/domain/proposal.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

using enum v1::MemberStatus;

// The permission that imposing a kind takes, in a club.
Result<Action> action_of(v1::SanctionKind kind) {
  switch (kind) {
    case v1::SANCTION_KIND_WARNING: return Action::warn;
    case v1::SANCTION_KIND_MUTE: return Action::mute;
    case v1::SANCTION_KIND_SUSPENSION: return Action::suspend;
    case v1::SANCTION_KIND_KICK: return Action::kick;
    case v1::SANCTION_KIND_BAN: return Action::ban;
    default: return bad_request("kind");
  }
}

// Statuses that a kind can be imposed on. Who was banned may be banned anew, for another time.
StatusSet statuses_for(v1::SanctionKind kind) {
  switch (kind) {
    case v1::SANCTION_KIND_WARNING:
    case v1::SANCTION_KIND_MUTE: return placed;
    case v1::SANCTION_KIND_SUSPENSION: return placed;
    case v1::SANCTION_KIND_KICK: return insiders;
    default:
      return insiders | admission | bit(MEMBER_STATUS_REMOVED) | bit(MEMBER_STATUS_LEFT) |
             bit(MEMBER_STATUS_BANNED);
  }
}

Result<void> check_duration(v1::SanctionKind kind, std::uint32_t seconds) {
  std::uint32_t most = 0;
  bool may_be_open = true;
  switch (kind) {
    case v1::SANCTION_KIND_MUTE:
      most = limits::mute_max_s;
      may_be_open = false;
      break;
    case v1::SANCTION_KIND_SUSPENSION:
      most = limits::suspension_max_s;
      may_be_open = false;
      break;
    case v1::SANCTION_KIND_BAN: most = limits::ban_max_s; break;
    default: break;
  }
  const bool none = seconds == 0;
  if (none ? !may_be_open : most == 0 || seconds < limits::sanction_min_s) {
    auto refusal = bad_request("duration_s", "sanction.duration");
    refusal.error().limit = limits::sanction_min_s;
    return refusal;
  }
  if (seconds > most) return too_large("duration_s", most, seconds);
  return {};
}

Result<void> check_words(const v1::ImposeSanction& request) {
  if (request.reason() == v1::REASON_CODE_UNSPECIFIED ||
      !v1::ReasonCode_IsValid(request.reason())) {
    return bad_request("reason");
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return checked;
  }
  if (request.reason() == v1::REASON_CODE_OTHER && is_blank(request.text())) {
    return bad_request("text", "sanction.text");
  }
  return check_paragraph(request.note(), "note", limits::purpose_bytes);
}

// The messages that a decision rests on: the person's own, in rooms that the actor reads.
Result<void> check_evidence(const ClubState& club, const SanctionFacts& facts,
                            const v1::ImposeSanction& request, const Actor& actor) {
  const auto named = static_cast<std::uint32_t>(request.evidence_size());
  if (named > limits::evidence_messages) {
    return too_large("evidence", limits::evidence_messages, named);
  }
  for (const v1::MessageRef& ref : request.evidence()) {
    if (auto allowed = may(actor, Action::read_room, {.room = club.find_room(ref.room_id())});
        !allowed) {
      return allowed;
    }
  }
  if (facts.evidence.size() != named) return not_found();
  for (const v1::Message& message : facts.evidence) {
    if (message.author() != request.account_id()) {
      return bad_request("evidence", "sanction.evidence");
    }
  }
  return {};
}

const SanctionState* find_standing(const ClubState& club, std::uint64_t account_id,
                                   v1::SanctionKind kind, std::uint64_t room_id) {
  for (const SanctionState& sanction : club.sanctions_on(account_id)) {
    if (sanction.held.kind == kind && sanction.held.room_id == room_id) return &sanction;
  }
  return nullptr;
}

void add_ended(Decision& decision, RoleSet roles, const SanctionState& sanction,
               v1::SanctionEnd end, std::string_view text = {}) {
  v1::SanctionEnded& ended =
      *decision.add(roles, sanction.account_id).event.mutable_sanction_ended();
  ended.set_sanction_id(sanction.held.sanction_id);
  ended.set_account_id(sanction.account_id);
  ended.set_end(end);
  ended.set_text(std::string(text));
}

// What a sanction is, whoever imposes it and wherever.
v1::Sanction fresh_sanction(std::uint64_t id, const Actor& actor, std::int64_t now_ms) {
  v1::Sanction sanction;
  sanction.set_sanction_id(id);
  sanction.set_start_ms(now_ms);
  sanction.set_imposed_by(actor.account_id);
  sanction.set_by_site(is_site_staff(actor.site_role));
  return sanction;
}

v1::Sanction asked_sanction(std::uint64_t id, const v1::ImposeSanction& request, const Actor& actor,
                            std::int64_t now_ms) {
  v1::Sanction sanction = fresh_sanction(id, actor, now_ms);
  sanction.set_account_id(request.account_id());
  sanction.set_club_id(request.club_id());
  sanction.set_kind(request.kind());
  sanction.set_room_id(request.room_id());
  sanction.set_reason(request.reason());
  sanction.set_text(request.text());
  if (request.duration_s() != 0) sanction.set_until_ms(now_ms + request.duration_s() * 1'000ll);
  *sanction.mutable_evidence() = request.evidence();
  const bool lasts =
      request.kind() != v1::SANCTION_KIND_WARNING && request.kind() != v1::SANCTION_KIND_KICK;
  if (!lasts) {
    sanction.set_end(v1::SANCTION_END_AT_ONCE);
    sanction.set_ended_ms(now_ms);
  }
  return sanction;
}

// Where the membership goes by a sanction; the same when it stays.
v1::MemberStatus status_after(v1::SanctionKind kind, v1::MemberStatus before) {
  switch (kind) {
    case v1::SANCTION_KIND_SUSPENSION: return MEMBER_STATUS_SUSPENDED;
    case v1::SANCTION_KIND_KICK: return MEMBER_STATUS_LEFT;
    case v1::SANCTION_KIND_BAN: return MEMBER_STATUS_BANNED;
    default: return before;
  }
}

// Where the membership goes when a sanction ends; the same when it stays.
v1::MemberStatus status_at_end(const SanctionState& sanction, v1::MemberStatus now) {
  if (sanction.held.kind == v1::SANCTION_KIND_SUSPENSION && now == MEMBER_STATUS_SUSPENDED) {
    return has(readers, sanction.status_before) ? sanction.status_before : MEMBER_STATUS_ACTIVE;
  }
  if (sanction.held.kind == v1::SANCTION_KIND_BAN && now == MEMBER_STATUS_BANNED) {
    return MEMBER_STATUS_REMOVED;
  }
  return now;
}

// Appends what the ends of `ended` change about the membership.
void add_return(Decision& decision, const ClubState& club, std::span<const SanctionState> ended,
                const EndFacts& facts, std::int64_t now_ms) {
  if (facts.target == nullptr) return;
  v1::Member member = *facts.target;
  for (const SanctionState& sanction : ended) {
    set_status(member, status_at_end(sanction, member.status()), now_ms);
  }
  // The place was kept; the office may have been given away meanwhile.
  if (member.status() != facts.target->status() && has(readers, member.status())) {
    yield_presidency(club, member);
  }
  // A name that was changed elsewhere in the meantime comes along once nothing holds the person back.
  const bool free = ended.size() == club.sanctions_on(member.account_id()).size();
  if (free && !facts.display_name.empty()) {
    member.set_display_name(std::string(facts.display_name));
  }
  if (member.status() == facts.target->status() &&
      member.display_name() == facts.target->display_name()) {
    return;
  }
  add_member_changed(decision, facts.target->status(), std::move(member));
}

v1::Proposal proposal_of(const v1::ImposeSanction& request) {
  v1::Proposal proposal;
  proposal.set_kind(v1::PROPOSAL_KIND_SANCTION);
  proposal.set_account_id(request.account_id());
  proposal.set_sanction(request.kind());
  proposal.set_reason(request.reason());
  proposal.set_text(request.text());
  proposal.set_duration_s(request.duration_s());
  *proposal.mutable_evidence() = request.evidence();
  proposal.set_note(request.note());
  return proposal;
}

}  // namespace

bool is_heavy(v1::SanctionKind kind, v1::MemberStatus from) {
  return kind == v1::SANCTION_KIND_BAN || (kind == v1::SANCTION_KIND_KICK && has(placed, from));
}

// Above site staff in a club stands the site's owner alone, whatever role their membership has.
bool outranks(const Actor& actor, v1::ClubRole role, v1::SiteRole site_role) {
  const int target = std::max(rank(role), rank(Actor{.site_role = site_role}));
  return rank(actor) > target;
}

Result<Decision> impose_sanction(const ClubState& club, const SanctionFacts& facts,
                                 const v1::ImposeSanction& request, const Actor& actor,
                                 std::int64_t now_ms) {
  const Result<Action> action = action_of(request.kind());
  // Whether one may at all comes before anything that the answer would tell.
  if (auto allowed = may(actor, action.value_or(Action::warn)); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (!action) return std::unexpected(action.error());
  if (auto checked = check_words(request); !checked) return std::unexpected(checked.error());
  if (auto checked = check_duration(request.kind(), request.duration_s()); !checked) {
    return std::unexpected(checked.error());
  }
  if (request.room_id() != 0) {
    if (request.kind() != v1::SANCTION_KIND_MUTE) return bad_request("room_id");
    if (auto reads = may(actor, Action::read_room, {.room = club.find_room(request.room_id())});
        !reads) {
      return std::unexpected(reads.error());
    }
  }
  const bool proposed = facts.consent == Consent::two;
  if (!proposed) {
    if (auto checked = check_evidence(club, facts, request, actor); !checked) {
      return std::unexpected(checked.error());
    }
  }
  if (request.account_id() == actor.account_id && actor.account_id != 0) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.own_case");
  }
  const MemberState* target = club.find_member(request.account_id());
  if (target == nullptr || facts.target == nullptr) return not_found();
  if (!outranks(actor, target->role, facts.target_site_role)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.rank");
  }
  if (!has(statuses_for(request.kind()), target->status)) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.step");
  }

  Decision decision{.object_id = club.last_sanction_id() + 1};
  v1::MemberStatus before = target->status;
  if (const SanctionState* standing =
          find_standing(club, target->account_id, request.kind(), request.room_id())) {
    if (standing->by_site && !is_site_staff(actor.site_role)) {
      return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.by_site");
    }
    if (standing->status_before != MEMBER_STATUS_UNSPECIFIED) before = standing->status_before;
    add_ended(decision, committee_and_above, *standing, v1::SANCTION_END_REPLACED);
  } else if (club.sanctions_on(target->account_id).size() >= limits::sanctions_standing) {
    return too_large("account_id", limits::sanctions_standing, limits::sanctions_standing + 1);
  }
  if (!proposed && takes_two(actor) && is_heavy(request.kind(), target->status)) {
    return propose(club, proposal_of(request), facts.evidence, actor, now_ms);
  }
  v1::Sanction sanction = asked_sanction(decision.object_id, request, actor, now_ms);
  sanction.set_club_id(club.id());
  note_rule(sanction, club.charter());
  if (request.kind() == v1::SANCTION_KIND_SUSPENSION) sanction.set_status_before(before);
  Decided& imposed = decision.add(committee_and_above, target->account_id);
  *imposed.event.mutable_sanction_imposed()->mutable_sanction() = std::move(sanction);
  imposed.private_part.set_note(request.note());
  imposed.private_part.mutable_evidence()->Assign(facts.evidence.begin(), facts.evidence.end());

  const v1::MemberStatus to = status_after(request.kind(), target->status);
  if (to == target->status) return decision;
  v1::Member member = *facts.target;
  // Who goes gives up the office: coming back does not bring it back.
  const bool goes = to == MEMBER_STATUS_LEFT || to == MEMBER_STATUS_BANNED;
  if (goes && rank(member.role()) > rank(v1::CLUB_ROLE_MEMBER)) {
    member.set_role(v1::CLUB_ROLE_MEMBER);
  }
  set_status(member, to, now_ms);
  add_member_changed(decision, target->status, std::move(member), request.text());
  return decision;
}

Result<Decision> lift_sanction(const ClubState& club, const v1::Sanction* sanction,
                               const EndFacts& facts, const v1::LiftSanction& request,
                               const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::lift_sanction); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (sanction == nullptr) return not_found();
  const std::uint64_t account_id = sanction->account_id();
  if (account_id == actor.account_id && actor.account_id != 0) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.own_case");
  }
  if (const MemberState* target = club.find_member(account_id)) {
    if (auto allowed = may(actor, Action::lift_sanction, {.target = target->role}); !allowed) {
      return std::unexpected(allowed.error());
    }
  }
  const auto standing = club.sanctions_on(account_id);
  const auto at = std::ranges::find_if(standing, [&](const SanctionState& s) {
    return s.held.sanction_id == sanction->sanction_id();
  });
  if (at == standing.end()) return refuse(v1::REFUSAL_CODE_CONFLICT, "sanction.ended");
  if (at->by_site && !is_site_staff(actor.site_role)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.by_site");
  }
  Decision decision{.object_id = sanction->sanction_id()};
  add_lift(decision, club, *sanction, facts, request.text(), now_ms);
  return decision;
}

void add_lift(Decision& decision, const ClubState& club, const v1::Sanction& sanction,
              const EndFacts& facts, std::string_view text, std::int64_t now_ms) {
  const auto standing = club.sanctions_on(sanction.account_id());
  const auto at = std::ranges::find_if(standing, [&](const SanctionState& s) {
    return s.held.sanction_id == sanction.sanction_id();
  });
  if (at == standing.end()) return;
  // What has lapsed already is not lifted, whoever is asked first.
  const bool lapsed = !at->held.stands_at(now_ms);
  add_ended(decision, committee_and_above, *at,
            lapsed ? v1::SANCTION_END_LAPSED : v1::SANCTION_END_LIFTED, text);
  add_return(decision, club, std::span(&*at, 1), facts, now_ms);
}

Decision lapse_sanctions(const ClubState& club, std::uint64_t account_id, const EndFacts& facts,
                         std::int64_t now_ms) {
  Decision decision{.object_id = account_id};
  std::vector<SanctionState> over;
  for (const SanctionState& sanction : club.sanctions_on(account_id)) {
    if (sanction.held.stands_at(now_ms)) continue;
    add_ended(decision, committee_and_above, sanction, v1::SANCTION_END_LAPSED);
    over.push_back(sanction);
  }
  if (!over.empty()) add_return(decision, club, over, facts, now_ms);
  return decision;
}

void add_ban(Decision& decision, const ClubState& club, const v1::Member& target,
             std::string_view reason, const Actor& actor, std::int64_t now_ms) {
  v1::Sanction sanction = fresh_sanction(club.last_sanction_id() + 1, actor, now_ms);
  sanction.set_club_id(club.id());
  sanction.set_account_id(target.account_id());
  sanction.set_kind(v1::SANCTION_KIND_BAN);
  sanction.set_reason(v1::REASON_CODE_OTHER);
  sanction.set_text(std::string(reason));
  note_rule(sanction, club.charter());
  *decision.add(committee_and_above, target.account_id())
       .event.mutable_sanction_imposed()
       ->mutable_sanction() = std::move(sanction);
}

Result<void> end_ban(Decision& decision, const ClubState& club, std::uint64_t account_id,
                     const Actor& actor) {
  for (const SanctionState& sanction : club.sanctions_on(account_id)) {
    if (sanction.held.kind != v1::SANCTION_KIND_BAN) continue;
    if (sanction.by_site && !is_site_staff(actor.site_role)) {
      return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.by_site");
    }
    add_ended(decision, committee_and_above, sanction, v1::SANCTION_END_LIFTED);
  }
  return {};
}

bool is_suspended(const ClubState& club, std::uint64_t account_id, std::int64_t now_ms) {
  return std::ranges::any_of(club.sanctions_on(account_id), [&](const SanctionState& sanction) {
    return sanction.held.kind == v1::SANCTION_KIND_SUSPENSION && sanction.held.stands_at(now_ms);
  });
}

// --- The whole site ---

Result<Decision> ban_account(const AccountState& account, const v1::ImposeSanction& request,
                             const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::ban_account); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (request.kind() != v1::SANCTION_KIND_BAN) return bad_request("kind");
  if (request.room_id() != 0) return bad_request("room_id");
  if (!request.evidence().empty()) return bad_request("evidence");
  if (auto checked = check_words(request); !checked) return std::unexpected(checked.error());
  if (auto checked = check_duration(request.kind(), request.duration_s()); !checked) {
    return std::unexpected(checked.error());
  }
  if (account.id() == actor.account_id) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.own_case");
  }
  if (!account.opened()) return not_found();
  if (rank(actor) <= rank(Actor{.site_role = account.site_role()})) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.rank");
  }

  Decision decision{.object_id = account.last_sanction_id() + 1};
  const Held& standing = account.ban();
  if (standing.kind != v1::SANCTION_KIND_UNSPECIFIED) {
    add_ended(decision, stream_followers, {.account_id = account.id(), .held = standing},
              v1::SANCTION_END_REPLACED);
  }
  Decided& imposed = decision.add(stream_followers);
  *imposed.event.mutable_sanction_imposed()->mutable_sanction() =
      asked_sanction(decision.object_id, request, actor, now_ms);
  imposed.private_part.set_note(request.note());
  for (const std::uint64_t token_id : account.tokens()) {
    decision.add(stream_followers).event.mutable_token_revoked()->set_token_id(token_id);
  }
  return decision;
}

Result<Decision> lift_account_ban(const AccountState& account, const v1::LiftSanction& request,
                                  const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::ban_account); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  const Held& ban = account.ban();
  if (request.sanction_id() == 0 || request.sanction_id() > account.last_sanction_id()) {
    return not_found();
  }
  if (ban.sanction_id != request.sanction_id() || !ban.stands_at(now_ms)) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "sanction.ended");
  }
  Decision decision{.object_id = ban.sanction_id};
  add_ended(decision, stream_followers, {.account_id = account.id(), .held = ban},
            v1::SANCTION_END_LIFTED, request.text());
  return decision;
}

void add_site_lift(Decision& decision, const AccountState& account, const v1::Sanction& sanction,
                   std::string_view text, std::int64_t now_ms) {
  const Held& ban = account.ban();
  if (ban.kind == v1::SANCTION_KIND_UNSPECIFIED || ban.sanction_id != sanction.sanction_id()) {
    return;
  }
  const auto end = ban.stands_at(now_ms) ? v1::SANCTION_END_LIFTED : v1::SANCTION_END_LAPSED;
  add_ended(decision, stream_followers, {.account_id = account.id(), .held = ban}, end, text);
}

Result<void> check_not_banned(const AccountState& account, std::int64_t now_ms) {
  const Held& ban = account.ban();
  if (ban.kind == v1::SANCTION_KIND_UNSPECIFIED || !ban.stands_at(now_ms)) return {};
  auto refusal = refuse_held(ban, now_ms);
  refusal.error().rule_id = "sanction.site_ban";
  return refusal;
}

Decision notice_sanction(const v1::Sanction& sanction) {
  Decision decision{.object_id = sanction.sanction_id()};
  *decision.add(stream_followers).event.mutable_sanction_noticed()->mutable_sanction() = sanction;
  return decision;
}

}  // namespace amicale::domain
