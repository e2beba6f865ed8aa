// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of messages, in rooms and in direct conversations alike.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "amicale/v1/message.pb.h"
#include "server/domain/decision.h"
#include "server/domain/permissions.h"
#include "server/domain/raid.h"
#include "server/domain/state.h"

namespace amicale::domain {

// Where a message is said: in a club (a room of it) or in a direct conversation. Exactly one is
// set. Not owning.
struct Place {
  const ClubState* club = nullptr;
  const DirectState* direct = nullptr;

  // In a direct conversation the one room has the id 0.
  const RoomState* find_room(std::uint64_t room_id) const;
  RoleSet audience(const RoomState& room) const {
    return club != nullptr ? room.readers() : stream_followers;
  }
};

// Whether `actor` may do `action` in that room, or the refusal; consent and blocks are looked at
// for what writes.
Result<const RoomState*> enter(const Place& place, std::uint64_t room_id, const Actor& actor,
                               Action action);

// What is watched for when somebody posts.
struct PostFacts {
  Watch watch{};
  // From who compares texts better than raid.h's exact key does; believed unless that one finds more.
  std::optional<Cluster> cluster{};
};

// object_id: the message's number. Mentioned accounts that do not read the room are dropped; the
// head count is computed. A post that completes a raid is still said, and starts raid mode.
Result<Decision> post_message(const Place& place, const v1::PostMessage& request,
                              const Actor& actor, const PostFacts& facts = {});

// `message` is the one that the request names, null when there is none. Nothing changes when the
// text is the same.
Result<Decision> edit_message(const Place& place, const v1::Message* message,
                              const v1::EditMessage& request, const Actor& actor);

// One's own, or anybody's of a lower rank by whoever moderates, who says why. A pinned one is unpinned. The
// old text goes to the private part.
Result<Decision> delete_message(const Place& place, const v1::Message* message,
                                const v1::DeleteMessage& request, const Actor& actor);

// What a deletion took away, from the private part of its entry.
struct DeletedWords {
  std::string body{};
  v1::Mentions mentions{};
};

// Brings back what a moderator deleted; what its author took back stays away. `words` are those of the
// deletion, null when they are not kept.
Result<Decision> restore_message(const Place& place, const v1::Message* message,
                                 const DeletedWords* words, const v1::RestoreMessage& request,
                                 const Actor& actor);

// Keeps a message from being edited or deleted by its author, or lets it go.
Result<Decision> lock_message(const Place& place, const v1::Message* message,
                              const v1::LockMessage& request, const Actor& actor);

Result<Decision> react(const Place& place, const v1::Message* message, const v1::React& request,
                       const Actor& actor);
Result<Decision> pin_message(const Place& place, const v1::Message* message,
                             const v1::PinMessage& request, const Actor& actor);

// `known[i]`: the number under which messages[i] was imported before, 0 when it is new. All or
// nothing. `numbers` has the number of each message. reply_to_number wins over reply_to_index,
// which counts within this request.
Result<Decision> import_messages(const Place& place, std::span<const std::uint64_t> known,
                                 const v1::ImportMessages& request, const Actor& actor,
                                 std::int64_t now_ms);

// How many people @committee or @all reaches in a room: its readers among them, without the author.
std::uint32_t count_mentioned(const ClubState& club, const RoomState& room,
                              const v1::Mentions& mentions, std::uint64_t author);

}  // namespace amicale::domain
