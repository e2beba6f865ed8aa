// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/message.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "server/domain/charter.h"
#include "server/domain/direct.h"
#include "server/domain/limits.h"
#include "server/domain/slow_mode.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

// What an archived room or a conversation without consent is closed to. Taking one's words back
// stays open everywhere.
constexpr bool is_writing(Action action) {
  switch (action) {
    case Action::post_message:
    case Action::edit_own:
    case Action::react:
    case Action::pin:
    case Action::signal_typing: return true;
    default: return false;
  }
}

// What a member does only under the charter in force: taking back, and keeping order, stay open.
constexpr bool says_something(Action action) {
  return action == Action::post_message || action == Action::edit_own || action == Action::react;
}

bool contains(const google::protobuf::RepeatedField<std::uint64_t>& list, std::uint64_t value) {
  return std::ranges::find(list, value) != list.end();
}

bool reads(const Place& place, const RoomState& room, std::uint64_t account_id) {
  if (place.direct != nullptr) return place.direct->is_side(account_id);
  const MemberState* member = place.club->find_member(account_id);
  return member != nullptr && has(readers, member->status) && has(room.readers(), member->role);
}

bool same_mentions(const v1::Mentions& a, const v1::Mentions& b) {
  return a.committee() == b.committee() && a.all() == b.all() &&
         std::ranges::equal(a.accounts(), b.accounts());
}

// What the author asked to mention, checked, into `out`: accounts that do not read the room are
// dropped, since a member may have left while the author typed.
Result<void> resolve_mentions(const Place& place, const RoomState& room, const Actor& actor,
                              const v1::Mentions& asked, v1::Mentions& out) {
  if (static_cast<std::uint32_t>(asked.accounts_size()) > limits::mentions_per_message) {
    return too_large("mentions.accounts", limits::mentions_per_message,
                     static_cast<std::uint64_t>(asked.accounts_size()));
  }
  if (asked.committee() || asked.all()) {
    if (place.club == nullptr) return bad_request("mentions", "message.mention_in_direct");
    if (asked.committee()) {
      if (auto allowed = may(actor, Action::mention_committee, {.room = &room}); !allowed) {
        return allowed;
      }
    }
    if (asked.all()) {
      if (auto allowed = may(actor, Action::mention_all, {.room = &room}); !allowed) return allowed;
    }
    out.set_committee(asked.committee());
    out.set_all(asked.all());
    out.set_head_count(count_mentioned(*place.club, room, asked, actor.account_id));
  }
  for (const std::uint64_t account_id : asked.accounts()) {
    if (!contains(out.accounts(), account_id) && reads(place, room, account_id)) {
      out.add_accounts(account_id);
    }
  }
  return {};
}

Result<void> check_reply(const RoomState& room, std::uint64_t reply_to) {
  // Numbers are dense and tombstones keep theirs: up to the head, every number exists.
  if (reply_to > room.head_number) return bad_request("reply_to", "message.reply");
  return {};
}

// Whether `actor` may do that to another's message: whose author ranks below.
Result<void> may_moderate(const Place& place, const RoomState& room, const v1::Message& message,
                          const Actor& actor, Action action) {
  if (place.club == nullptr) return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.delete_any");
  const MemberState* author = place.club->find_member(message.author());
  const v1::ClubRole role = author != nullptr ? author->role : v1::CLUB_ROLE_UNSPECIFIED;
  return may(actor, action, {.room = &room, .target = role});
}

std::string path(int index, std::string_view field) {
  return "messages." + std::to_string(index) + "." + std::string(field);
}

// The number that an imported message answers, 0 for none.
Result<std::uint64_t> reply_of(const v1::ImportedMessage& message, int index,
                               std::span<const std::uint64_t> numbers, std::uint64_t head) {
  if (message.reply_to_number() != 0) {
    if (message.reply_to_number() > head) {
      return bad_request(path(index, "reply_to_number"), "message.reply");
    }
    return message.reply_to_number();
  }
  if (message.reply_to_index() > numbers.size()) {
    return bad_request(path(index, "reply_to_index"), "message.reply");
  }
  return message.reply_to_index() == 0 ? 0 : numbers[message.reply_to_index() - 1];
}

}  // namespace

const RoomState* Place::find_room(std::uint64_t room_id) const {
  if (club != nullptr) return club->find_room(room_id);
  return room_id == 0 ? &direct->room() : nullptr;
}

Result<const RoomState*> enter(const Place& place, std::uint64_t room_id, const Actor& actor,
                               Action action) {
  const RoomState* room = place.find_room(room_id);
  if (place.club != nullptr) {
    if (auto allowed = may(actor, action, {.room = room}); !allowed) {
      return std::unexpected(allowed.error());
    }
    if (says_something(action)) {
      if (auto accepted = check_accepted(*place.club, actor); !accepted) {
        return std::unexpected(accepted.error());
      }
    }
    if (room->archived && is_writing(action)) {
      return refuse(v1::REFUSAL_CODE_CONFLICT, "room.archived");
    }
    if (room->locked && is_writing(action) && !allowed(Action::post_announcement, actor)) {
      return refuse(v1::REFUSAL_CODE_CONFLICT, "room.locked");
    }
    return room;
  }
  if (auto allowed = may_in_direct(*place.direct, actor.account_id, action); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (room == nullptr) return not_found();
  if (is_writing(action)) {
    if (auto talking = check_talking(*place.direct); !talking) {
      return std::unexpected(talking.error());
    }
  }
  return room;
}

std::uint32_t count_mentioned(const ClubState& club, const RoomState& room,
                              const v1::Mentions& mentions, std::uint64_t author) {
  RoleSet roles = 0;
  if (mentions.all()) {
    roles = room.readers();
  } else if (mentions.committee()) {
    roles = room.readers() & called_as_committee;
  }
  const std::uint32_t reached = club.count_readers(roles);
  const MemberState* self = club.find_member(author);
  const bool counted = self != nullptr && has(readers, self->status) && has(roles, self->role);
  return counted ? reached - 1 : reached;
}

Result<Decision> post_message(const Place& place, const v1::PostMessage& request,
                              const Actor& actor, const PostFacts& facts) {
  const Result<const RoomState*> entered =
      enter(place, request.room_id(), actor, Action::post_message);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (const std::int64_t wait = room.slow_wait_ms(actor.account_id, actor.now_ms);
      wait > 0 && !allowed(Action::post_announcement, actor)) {
    const bool automatic = room.is_wait_automatic(actor.account_id, actor.now_ms);
    return rate_limited(automatic ? "room.busy" : "room.slow_mode",
                        static_cast<std::uint32_t>(wait));
  }
  if (auto checked = check_body(request.body()); !checked) return std::unexpected(checked.error());
  if (auto checked = check_reply(room, request.reply_to()); !checked) {
    return std::unexpected(checked.error());
  }

  Decision decision{.object_id = room.head_number + 1};
  decision.events.reserve(1);
  v1::MessagePosted& posted = *decision.add(place.audience(room)).event.mutable_message_posted();
  if (request.has_mentions()) {
    if (auto resolved =
            resolve_mentions(place, room, actor, request.mentions(), *posted.mutable_mentions());
        !resolved) {
      return std::unexpected(resolved.error());
    }
  }
  posted.set_room_id(room.room_id);
  posted.set_number(decision.object_id);
  posted.set_body(request.body());
  posted.set_reply_to(request.reply_to());
  if (place.club != nullptr) watch_room(decision, *place.club, room, facts.watch, actor);
  if (place.club != nullptr && facts.watch.joins_per_minute != 0) {
    // Of a text without variety, a sketch tells nothing.
    const Cluster same = find_cluster(*place.club, request.body(), actor);
    const bool wider = facts.cluster && facts.cluster->authors >= same.authors;
    watch_post(decision, *place.club, wider ? *facts.cluster : same, facts.watch, actor.now_ms);
  }
  return decision;
}

Result<Decision> edit_message(const Place& place, const v1::Message* message,
                              const v1::EditMessage& request, const Actor& actor) {
  const Result<const RoomState*> entered = enter(place, request.room_id(), actor, Action::edit_own);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();
  if (message->author() == 0 || message->author() != actor.account_id) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.edit_own");
  }
  if (message->deleted()) return refuse(v1::REFUSAL_CODE_CONFLICT, "message.deleted");
  if (message->edit_locked()) return refuse(v1::REFUSAL_CODE_CONFLICT, "message.locked");
  if (auto checked = check_body(request.body()); !checked) return std::unexpected(checked.error());

  v1::Mentions mentions;
  if (auto resolved = resolve_mentions(place, room, actor, request.mentions(), mentions);
      !resolved) {
    return std::unexpected(resolved.error());
  }
  Decision decision{.object_id = message->number()};
  if (message->body() == request.body() && same_mentions(message->mentions(), mentions)) {
    return decision;
  }
  Decided& decided = decision.add(place.audience(room));
  v1::MessageEdited& edited = *decided.event.mutable_message_edited();
  edited.set_room_id(room.room_id);
  edited.set_number(message->number());
  edited.set_body(request.body());
  if (request.has_mentions()) *edited.mutable_mentions() = std::move(mentions);
  decided.private_part.set_previous_body(message->body());
  return decision;
}

Result<Decision> delete_message(const Place& place, const v1::Message* message,
                                const v1::DeleteMessage& request, const Actor& actor) {
  const Result<const RoomState*> entered =
      enter(place, request.room_id(), actor, Action::delete_own);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();
  const bool own = actor.account_id != 0 && message->author() == actor.account_id;
  if (!own) {
    if (auto allowed = may_moderate(place, room, *message, actor, Action::delete_any); !allowed) {
      return std::unexpected(allowed.error());
    }
    if (!v1::ReasonCode_IsValid(request.reason())) return bad_request("reason");
    if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
      return std::unexpected(checked.error());
    }
  } else if (message->edit_locked()) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "message.locked");
  }

  Decision decision{.object_id = message->number()};
  if (message->deleted()) return decision;
  Decided& decided = decision.add(place.audience(room));
  v1::MessageDeleted& deleted = *decided.event.mutable_message_deleted();
  deleted.set_room_id(room.room_id);
  deleted.set_number(message->number());
  if (!own) {
    deleted.set_reason(request.reason());
    deleted.set_text(request.text());
  }
  decided.private_part.set_previous_body(message->body());
  if (message->has_mentions()) {
    *decided.private_part.mutable_previous_mentions() = message->mentions();
  }
  if (room.has_pin(message->number())) {
    v1::MessagePinned& unpinned =
        *decision.add(place.audience(room)).event.mutable_message_pinned();
    unpinned.set_room_id(room.room_id);
    unpinned.set_number(message->number());
  }
  return decision;
}

Result<Decision> restore_message(const Place& place, const v1::Message* message,
                                 const DeletedWords* words, const v1::RestoreMessage& request,
                                 const Actor& actor) {
  const Result<const RoomState*> entered =
      enter(place, request.room_id(), actor, Action::restore_message);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();
  if (auto allowed = may_moderate(place, room, *message, actor, Action::restore_message);
      !allowed) {
    return std::unexpected(allowed.error());
  }
  Decision decision{.object_id = message->number()};
  if (!message->deleted()) return decision;
  // What somebody took back themselves is not for others to say again.
  if (message->author() != 0 && message->deleted_by() == message->author()) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "message.taken_back");
  }
  if (words == nullptr || words->body.empty()) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "message.words_gone");
  }
  v1::MessageRestored& restored =
      *decision.add(place.audience(room)).event.mutable_message_restored();
  restored.set_room_id(room.room_id);
  restored.set_number(message->number());
  restored.set_body(words->body);
  if (words->mentions.ByteSizeLong() != 0) *restored.mutable_mentions() = words->mentions;
  return decision;
}

Result<Decision> lock_message(const Place& place, const v1::Message* message,
                              const v1::LockMessage& request, const Actor& actor) {
  const Result<const RoomState*> entered =
      enter(place, request.room_id(), actor, Action::lock_message);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();
  if (auto allowed = may_moderate(place, room, *message, actor, Action::lock_message); !allowed) {
    return std::unexpected(allowed.error());
  }
  Decision decision{.object_id = message->number()};
  if (message->edit_locked() == !request.unlock()) return decision;
  if (message->deleted()) return refuse(v1::REFUSAL_CODE_CONFLICT, "message.deleted");
  v1::MessageLocked& locked = *decision.add(place.audience(room)).event.mutable_message_locked();
  locked.set_room_id(room.room_id);
  locked.set_number(message->number());
  locked.set_locked(!request.unlock());
  return decision;
}

Result<Decision> react(const Place& place, const v1::Message* message, const v1::React& request,
                       const Actor& actor) {
  const Result<const RoomState*> entered = enter(place, request.room_id(), actor, Action::react);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();
  if (message->deleted()) return refuse(v1::REFUSAL_CODE_CONFLICT, "message.deleted");
  Result<std::string> emoji = check_emoji(request.emoji());
  if (!emoji) return std::unexpected(emoji.error());

  const auto reaction = std::ranges::find(message->reactions(), *emoji, &v1::Reaction::emoji);
  const bool known = reaction != message->reactions().end();
  const bool mine = known && contains(reaction->accounts(), actor.account_id);
  Decision decision{.object_id = message->number()};
  if (mine == !request.remove()) return decision;
  const auto distinct = static_cast<std::uint32_t>(message->reactions_size());
  if (!request.remove() && !known && distinct >= limits::reactions_per_message) {
    return too_large("emoji", limits::reactions_per_message, distinct + 1);
  }
  v1::ReactionChanged& changed =
      *decision.add(place.audience(room)).event.mutable_reaction_changed();
  changed.set_room_id(room.room_id);
  changed.set_number(message->number());
  changed.set_emoji(*std::move(emoji));
  changed.set_added(!request.remove());
  return decision;
}

Result<Decision> pin_message(const Place& place, const v1::Message* message,
                             const v1::PinMessage& request, const Actor& actor) {
  const Result<const RoomState*> entered = enter(place, request.room_id(), actor, Action::pin);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (message == nullptr) return not_found();

  Decision decision{.object_id = message->number()};
  if (room.has_pin(message->number()) == !request.unpin()) return decision;
  if (!request.unpin()) {
    if (message->deleted()) return refuse(v1::REFUSAL_CODE_CONFLICT, "message.deleted");
    if (room.pins.size() >= limits::pins_per_room) {
      return too_large("number", limits::pins_per_room, room.pins.size() + 1);
    }
  }
  v1::MessagePinned& pinned = *decision.add(place.audience(room)).event.mutable_message_pinned();
  pinned.set_room_id(room.room_id);
  pinned.set_number(message->number());
  pinned.set_pinned(!request.unpin());
  return decision;
}

Result<Decision> import_messages(const Place& place, std::span<const std::uint64_t> known,
                                 const v1::ImportMessages& request, const Actor& actor,
                                 std::int64_t now_ms) {
  assert(known.size() == static_cast<std::size_t>(request.messages_size()));
  if (place.club == nullptr) return not_found();
  const Result<const RoomState*> entered =
      enter(place, request.room_id(), actor, Action::import_messages);
  if (!entered) return std::unexpected(entered.error());
  const RoomState& room = **entered;
  if (request.messages().empty()) return bad_request("messages");
  if (known.size() > limits::import_batch) {
    return too_large("messages", limits::import_batch, known.size());
  }

  Decision decision{.object_id = room.room_id};
  decision.events.reserve(known.size());
  decision.numbers.reserve(known.size());
  std::unordered_set<std::string_view> ids;
  std::uint64_t head = room.head_number;
  for (int i = 0; i < request.messages_size(); ++i) {
    const v1::ImportedMessage& message = request.messages(i);
    if (!check_client_msg_id(message.client_msg_id()) ||
        !ids.insert(message.client_msg_id()).second) {
      return bad_request(path(i, "client_msg_id"));
    }
    if (known[static_cast<std::size_t>(i)] != 0) {
      decision.numbers.push_back(known[static_cast<std::size_t>(i)]);
      continue;
    }
    Result<std::string> author =
        check_name(message.author_name(), path(i, "author_name"), limits::club_name_characters);
    if (!author) return std::unexpected(author.error());
    if (auto checked = check_body(message.body(), path(i, "body")); !checked) {
      return std::unexpected(checked.error());
    }
    if (message.time_ms() <= 0 || message.time_ms() > now_ms) {
      return bad_request(path(i, "time_ms"));
    }
    const Result<std::uint64_t> reply_to = reply_of(message, i, decision.numbers, head);
    if (!reply_to) return std::unexpected(reply_to.error());

    Decided& decided = decision.add(place.audience(room));
    decided.event.set_client_msg_id(message.client_msg_id());
    v1::MessagePosted& posted = *decided.event.mutable_message_posted();
    posted.set_room_id(room.room_id);
    posted.set_number(++head);
    posted.set_body(message.body());
    posted.set_reply_to(*reply_to);
    posted.set_imported_author(*std::move(author));
    posted.set_imported_time_ms(message.time_ms());
    decision.numbers.push_back(head);
  }
  return decision;
}

}  // namespace amicale::domain
