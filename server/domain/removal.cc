// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/removal.h"

#include <set>
#include <string>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/raid.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

Result<void> check_refs(const v1::RemoveMessages& request) {
  const auto named = static_cast<std::uint32_t>(request.messages_size());
  if (named == 0) return bad_request("messages");
  if (named > limits::removal_batch) return too_large("messages", limits::removal_batch, named);
  std::set<std::pair<std::uint64_t, std::uint64_t>> once;
  for (const v1::MessageRef& ref : request.messages()) {
    if (!once.emplace(ref.room_id(), ref.number()).second) return bad_request("messages");
  }
  return {};
}

v1::ClubRole role_of(const ClubState& club, std::uint64_t account_id) {
  const MemberState* member = club.find_member(account_id);
  return member != nullptr ? member->role : v1::CLUB_ROLE_UNSPECIFIED;
}

}  // namespace

Result<Decision> remove_messages(const ClubState& club, const std::vector<v1::Message>& messages,
                                 const v1::RemoveMessages& request, const Actor& actor) {
  if (auto allowed = may(actor, Action::remove_messages); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_refs(request); !checked) return std::unexpected(checked.error());
  if (request.reason() == v1::REASON_CODE_UNSPECIFIED ||
      !v1::ReasonCode_IsValid(request.reason())) {
    return bad_request("reason");
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (request.newcomers() && request.account_id() != 0) return bad_request("account_id");
  // Of newcomers each may rank otherwise: looked at below, when it is known who they are.
  const v1::ClubRole role =
      request.newcomers() ? v1::CLUB_ROLE_UNSPECIFIED : role_of(club, request.account_id());
  for (const v1::MessageRef& ref : request.messages()) {
    if (auto allowed =
            may(actor, Action::delete_any, {.room = club.find_room(ref.room_id()), .target = role});
        !allowed) {
      return std::unexpected(allowed.error());
    }
  }
  if (messages.size() != static_cast<std::size_t>(request.messages_size())) return not_found();

  Decision decision;
  v1::Removal removal;
  const std::int64_t since_ms = newcomers_since(club.raid(), actor.now_ms);
  for (const v1::Message& message : messages) {
    const RoomState& room = *club.find_room(message.room_id());
    if (request.newcomers()) {
      const MemberState* author = club.find_member(message.author());
      if (author == nullptr || !is_newcomer(*author, since_ms)) {
        return bad_request("messages", "removal.newcomers");
      }
      if (auto allowed = may(actor, Action::delete_any, {.room = &room, .target = author->role});
          !allowed) {
        return std::unexpected(allowed.error());
      }
    } else if (message.author() != request.account_id() || message.author() == 0) {
      return bad_request("messages", "sanction.evidence");
    }
    if (message.deleted()) continue;
    Decided& decided = decision.add(room.readers());
    v1::MessageDeleted& deleted = *decided.event.mutable_message_deleted();
    deleted.set_room_id(room.room_id);
    deleted.set_number(message.number());
    deleted.set_reason(request.reason());
    deleted.set_text(request.text());
    decided.private_part.set_previous_body(message.body());
    if (message.has_mentions()) {
      *decided.private_part.mutable_previous_mentions() = message.mentions();
    }
    if (room.has_pin(message.number())) {
      v1::MessagePinned& unpinned = *decision.add(room.readers()).event.mutable_message_pinned();
      unpinned.set_room_id(room.room_id);
      unpinned.set_number(message.number());
    }
    v1::MessageRef& ref = *removal.add_messages();
    ref.set_room_id(room.room_id);
    ref.set_number(message.number());
  }
  if (decision.events.empty()) return decision;
  decision.object_id = club.last_removal_id() + 1;
  removal.set_removal_id(decision.object_id);
  removal.set_account_id(request.account_id());
  removal.set_newcomers(request.newcomers());
  removal.set_reason(request.reason());
  removal.set_text(request.text());
  removal.set_entries(static_cast<std::uint32_t>(decision.events.size()));
  removal.set_removed_by(actor.account_id);
  removal.set_time_ms(actor.now_ms);
  *decision.add(committee_and_above).event.mutable_messages_removed()->mutable_removal() =
      std::move(removal);
  return decision;
}

Result<Decision> undo_removal(const ClubState& club, const v1::Removal* removal,
                              const std::vector<Removed>& messages, const Actor& actor) {
  if (auto allowed = may(actor, Action::remove_messages); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (removal == nullptr) return not_found();
  Decision decision{.object_id = removal->removal_id()};
  if (removal->undone_ms() != 0) return decision;
  for (const Removed& removed : messages) {
    const RoomState* room = club.find_room(removed.message.room_id());
    const v1::ClubRole role = role_of(club, removed.message.author());
    if (auto allowed = may(actor, Action::restore_message, {.room = room, .target = role});
        !allowed) {
      return std::unexpected(allowed.error());
    }
    // Deleted by this very commit, and not otherwise since.
    const std::uint64_t seq = removed.message.deleted_seq();
    const bool by_this = removed.message.deleted() && seq < removal->seq() &&
                         seq + removal->entries() >= removal->seq();
    if (!by_this || !removed.words || removed.words->body.empty()) continue;
    v1::MessageRestored& restored = *decision.add(room->readers()).event.mutable_message_restored();
    restored.set_room_id(room->room_id);
    restored.set_number(removed.message.number());
    restored.set_body(removed.words->body);
    if (removed.words->mentions.ByteSizeLong() != 0) {
      *restored.mutable_mentions() = removed.words->mentions;
    }
  }
  decision.add(committee_and_above)
      .event.mutable_removal_undone()
      ->set_removal_id(removal->removal_id());
  return decision;
}

}  // namespace amicale::domain
