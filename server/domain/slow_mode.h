// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of the slow mode that begins by itself: when many members say more in a room than anybody can read, each of them
// below the committee waits a little between two messages, for a few minutes. It ends by the clock, as raid mode does, and
// when somebody sets the room's slow mode by hand. What the club sets by hand is club.h's.
#pragma once

#include <cstdint>

#include "server/domain/decision.h"
#include "server/domain/raid.h"
#include "server/domain/state.h"

namespace amicale::domain {

// How much was said in a room within limits::post_window_ms of `now_ms`, with the message that is being decided.
struct RoomLoad {
  std::uint32_t posts = 0;
  std::uint32_t authors = 0;
};
RoomLoad load_of(const RoomState& room, std::uint64_t author, std::int64_t now_ms);

// Appends its beginning when the message of `actor` is one too many.
void watch_room(Decision& decision, const ClubState& club, const RoomState& room,
                const Watch& watch, const Actor& actor);

// Appends its end, by who sets the room's slow mode. Nothing when it does not last.
void add_slow_lifted(Decision& decision, const RoomState& room, std::int64_t now_ms);

// Says of a room's that its time is over. Empty when it is not.
Decision lapse_slow_mode(const ClubState& club, std::uint64_t room_id, std::int64_t now_ms);

}  // namespace amicale::domain
