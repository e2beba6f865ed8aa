// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of a club and its rooms. Memberships are in membership.h, messages in message.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "amicale/v1/club.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// A first room of a new club.
struct RoomTemplate {
  std::string_view name;
  std::string_view topic;
  v1::RoomAccess access = v1::ROOM_ACCESS_ALL;
  RoleSet roles = 0;
};

// The first rooms of a club of `kind`; English for EN, else French. Empty for a kind that does not
// exist.
std::span<const RoomTemplate> template_rooms(v1::ClubKind kind, v1::Language language);

// The fields of the request, before any id is given. Used by register_club (site.h) and
// create_club.
Result<void> check_create_club(const v1::CreateClub& request);

// The club's own first events, after the site registered it under the id of `club`. Empty when it
// already is created.
Result<Decision> create_club(const ClubState& club, const v1::CreateClub& request,
                             const Actor& actor, std::int64_t now_ms);
Result<Decision> change_club(const ClubState& club, const v1::ChangeClub& request,
                             const Actor& actor);

Result<Decision> create_room(const ClubState& club, const v1::CreateRoom& request,
                             const Actor& actor);

// A change that takes the room from some is first told to them under its old name, then the rest to
// those who keep it.
Result<Decision> change_room(const ClubState& club, const v1::ChangeRoom& request,
                             const Actor& actor);

// The room as the wire has it. With head_number and pins, as snapshots do; RoomChanged has neither.
void write_room(const RoomState& room, v1::Room& out);

}  // namespace amicale::domain
