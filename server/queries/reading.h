// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Who may read what, judged on rows: the same table and the same rules as in the partitions.
#pragma once

#include <optional>

#include "server/auth/caller.h"
#include "server/domain/permissions.h"
#include "server/domain/refusal.h"
#include "storage/view.h"

namespace amicale::queries {

using auth::Caller;

// The caller as an actor in a club, from the membership row.
domain::Actor actor_in(const storage::View& view, const Caller& caller, uint64_t club_id);

// The sanction that holds an account back in a room of a club (0: in the club at large; domain::any_room) at `now_ms`, for what is judged
// on rows and not in the partition.
std::optional<domain::Held> find_hold(const storage::View& view, uint64_t account, uint64_t club_id,
                                      uint64_t room_id, int64_t now_ms);

// Until when raid mode holds an account back in a club at `now_ms`; 0: it does not. Judged on rows, too.
int64_t raid_until(const storage::View& view, uint64_t account, uint64_t club_id, int64_t now_ms);

// The roles that read a room now; everybody of a direct conversation's. None of a room that there is not.
domain::RoleSet readers_of(const storage::View& view, storage::PartitionId stream,
                           uint64_t room_id);

// The room (id 0: a direct conversation's only one, as a Room) if the caller reads it, else NOT_FOUND or NOT_ACTIVE.
domain::Result<v1::Room> read_room(const storage::View& view, const Caller& caller,
                                   storage::PartitionId stream, uint64_t room_id);

// The rule's view of a room row.
domain::RoomState room_state(const v1::Room& room);

}  // namespace amicale::queries
