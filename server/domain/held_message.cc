// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/held_message.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/raid.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

// Who hears of a held message beside its author: those of the committee who read the room.
RoleSet reviewers(const ClubState& club, std::uint64_t room_id) {
  const RoomState* room = club.find_room(room_id);
  return room == nullptr ? committee_and_above
                         : static_cast<RoleSet>(committee_and_above & room->readers());
}

Decision hold(const antispam::Verdict& verdict, Decision decided, const ClubState& club,
              std::uint64_t author) {
  const v1::Event& event = decided.events.front().event;
  v1::MessageHeld held;
  held.set_held_id(club.last_held_id() + 1);
  if (event.has_message_edited()) {
    const v1::MessageEdited& edited = event.message_edited();
    held.set_room_id(edited.room_id());
    held.set_number(edited.number());
    held.set_body(edited.body());
    if (edited.has_mentions()) *held.mutable_mentions() = edited.mentions();
  } else {
    const v1::MessagePosted& posted = event.message_posted();
    held.set_room_id(posted.room_id());
    held.set_body(posted.body());
    held.set_reply_to(posted.reply_to());
    if (posted.has_mentions()) *held.mutable_mentions() = posted.mentions();
  }
  *held.mutable_why() = verdict.why;

  Decision decision{.object_id = held.held_id()};
  const RoleSet audience = reviewers(club, held.room_id());
  Decided& kept = decision.add(audience, author);
  *kept.event.mutable_message_held() = std::move(held);
  *kept.private_part.mutable_spam() = verdict.record;
  if (verdict.action == antispam::Action::mute) {
    v1::MemberQuieted& quieted =
        *decision.add(committee_and_above, author).event.mutable_member_quieted();
    quieted.set_account_id(author);
    quieted.set_until_ms(verdict.quiet_until_ms);
    *quieted.mutable_why() = verdict.why;
  }
  // A post that completes a raid starts raid mode all the same.
  std::move(decided.events.begin() + 1, decided.events.end(), std::back_inserter(decision.events));
  return decision;
}

// What is released appears in its author's name, so it waits like anything else of theirs: while a sanction holds them back, when they have
// left, and in a room that is closed. To reject it is free.
Result<void> check_releasable(const ClubState& club, const RoomState& room, std::uint64_t author,
                              std::int64_t now_ms) {
  if (room.archived) return refuse(v1::REFUSAL_CODE_CONFLICT, "room.archived");
  const MemberState* member = club.find_member(author);
  if (member == nullptr || !has(placed, member->status))
    return refuse(v1::REFUSAL_CODE_CONFLICT, "held.author_gone");
  if (room.locked && rank(member->role) < rank(v1::CLUB_ROLE_COMMITTEE))
    return refuse(v1::REFUSAL_CODE_CONFLICT, "room.locked");
  if (club.in_raid_mode(now_ms) && is_newcomer(*member, club.raid().newcomers_since_ms())) {
    return std::unexpected(
        Refusal{.code = v1::REFUSAL_CODE_CONFLICT,
                .rule_id = "held.author_new",
                .retry_after_ms = static_cast<std::uint64_t>(club.raid().until_ms() - now_ms)});
  }
  const Actor them{.account_id = author, .sanctions = club.sanctions_on(author), .now_ms = now_ms};
  if (const SanctionState* hold = find_hold(them, room.room_id)) {
    Refusal refusal{.code = v1::REFUSAL_CODE_CONFLICT, .rule_id = "held.author_held"};
    if (hold->held.until_ms > now_ms)
      refusal.retry_after_ms = static_cast<std::uint64_t>(hold->held.until_ms - now_ms);
    return std::unexpected(std::move(refusal));
  }
  return {};
}

}  // namespace

Result<Decision> act_on(const antispam::Verdict& verdict, Decision decided, const ClubState& club,
                        std::uint64_t author) {
  if (decided.events.empty()) return decided;
  switch (verdict.action) {
    case antispam::Action::refuse: {
      const v1::Finding& finding = verdict.why.findings(0);
      return std::unexpected(Refusal{.code = verdict.retry_after_ms != 0
                                                 ? v1::REFUSAL_CODE_RATE_LIMITED
                                                 : v1::REFUSAL_CODE_FORBIDDEN,
                                     .rule_id = finding.rule_id(),
                                     .limit = finding.limit(),
                                     .actual = finding.counter(),
                                     .retry_after_ms = verdict.retry_after_ms,
                                     .why = verdict.why.SerializeAsString()});
    }
    case antispam::Action::hold:
    case antispam::Action::mute: return hold(verdict, std::move(decided), club, author);
    case antispam::Action::nudge:
      *decided.events.front().private_part.mutable_advice() = verdict.why;
      break;
    case antispam::Action::allow: break;
  }
  *decided.events.front().private_part.mutable_spam() = verdict.record;
  return decided;
}

Result<Decision> review_held(const ClubState& club, const v1::HeldMessage* held,
                             const v1::Message* edited, const v1::ReviewHeld& request,
                             const Actor& actor) {
  if (auto allowed = may(actor, Action::review_held); !allowed) {
    return std::unexpected(allowed.error());
  }
  const RoomState* room = held != nullptr ? club.find_room(held->room_id()) : nullptr;
  if (room == nullptr || !has(room->readers(), reading_role(actor))) return not_found();
  if (held->author() == actor.account_id) return refuse(v1::REFUSAL_CODE_FORBIDDEN, "held.own");
  if (held->reviewed()) return refuse(v1::REFUSAL_CODE_CONFLICT, "held.reviewed");
  if (auto checked = check_paragraph(request.reason(), "reason", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  Decision decision{.object_id = held->held_id()};
  if (request.release()) {
    if (auto free = check_releasable(club, *room, held->author(), actor.now_ms); !free)
      return std::unexpected(free.error());
    if (held->number() == 0) {
      Decided& decided = decision.add(room->readers());
      v1::MessagePosted& posted = *decided.event.mutable_message_posted();
      posted.set_room_id(held->room_id());
      posted.set_number(room->head_number + 1);
      posted.set_body(held->body());
      posted.set_reply_to(held->reply_to());
      if (held->has_mentions()) *posted.mutable_mentions() = held->mentions();
      posted.set_author(held->author());
      decided.private_part.set_held_seq(held->seq());
    } else {
      if (edited == nullptr || edited->deleted()) {
        return refuse(v1::REFUSAL_CODE_CONFLICT, "held.gone");
      }
      Decided& decided = decision.add(room->readers());
      v1::MessageEdited& changed = *decided.event.mutable_message_edited();
      changed.set_room_id(held->room_id());
      changed.set_number(held->number());
      changed.set_body(held->body());
      if (held->has_mentions()) *changed.mutable_mentions() = held->mentions();
      decided.private_part.set_previous_body(edited->body());
      decided.private_part.set_held_seq(held->seq());
    }
  }
  v1::HeldReviewed& reviewed =
      *decision.add(reviewers(club, held->room_id()), held->author()).event.mutable_held_reviewed();
  reviewed.set_held_id(held->held_id());
  reviewed.set_released(request.release());
  reviewed.set_reason(request.reason());
  reviewed.set_author(held->author());
  return decision;
}

}  // namespace amicale::domain
