// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/queries/reading.h"

#include "server/domain/raid.h"

namespace amicale::queries {

domain::Actor actor_in(const storage::View& view, const Caller& caller, uint64_t club_id) {
  domain::Actor actor{.account_id = caller.account_id, .site_role = caller.site_role};
  actor.club_id = club_id;
  if (auto member = view.member(club_id, caller.account_id)) {
    actor.role = member->role();
    actor.status = member->status();
  }
  return actor;
}

std::optional<domain::Held> find_hold(const storage::View& view, uint64_t account, uint64_t club_id,
                                      uint64_t room_id, int64_t now_ms) {
  domain::ClubState club(club_id);
  for (const auto& row : view.sanctions_on(account, storage::PartitionId::club(club_id)))
    club.load(row.sanction());
  const domain::Actor actor{.account_id = account,
                            .site_role = v1::SITE_ROLE_NONE,
                            .sanctions = club.sanctions_on(account),
                            .now_ms = now_ms};
  const auto* hold = domain::find_hold(actor, room_id);
  return hold ? std::optional(hold->held) : std::nullopt;
}

int64_t raid_until(const storage::View& view, uint64_t account, uint64_t club_id, int64_t now_ms) {
  auto raid = view.raid(club_id);
  if (!raid) return 0;
  domain::ClubState club(club_id);
  club.load(*raid);
  if (!club.in_raid_mode(now_ms)) return 0;
  auto member = view.member(club_id, account);
  if (!member) return 0;
  club.load(*member);
  const bool is_new = domain::is_newcomer(*club.find_member(account), raid->newcomers_since_ms());
  const auto row = view.account(account);
  return is_new && !(row && domain::is_site_staff(row->site_role())) ? raid->until_ms() : 0;
}

domain::RoomState room_state(const v1::Room& room) {
  domain::RoomState state;
  state.room_id = room.room_id();
  state.access = room.access();
  for (auto role : room.roles()) state.roles |= domain::bit(static_cast<v1::ClubRole>(role));
  state.archived = room.archived();
  state.head_number = room.head_number();
  return state;
}

domain::Result<v1::Room> read_room(const storage::View& view, const Caller& caller,
                                   storage::PartitionId stream, uint64_t room_id) {
  if (stream.kind == v1::STREAM_KIND_DIRECT) {
    auto row = view.direct(stream.id);
    domain::DirectState direct(stream.id);
    if (row) direct.load(*row);
    auto allowed = domain::may_in_direct(direct, caller.account_id, domain::Action::read_room);
    if (!allowed) return std::unexpected(allowed.error());
    if (!row || room_id != 0) return domain::not_found();
    v1::Room room;
    room.set_head_number(row->head_number());
    return room;
  }
  if (stream.kind != v1::STREAM_KIND_CLUB) return domain::bad_request("stream");
  auto room = view.room(stream.id, room_id);
  domain::RoomState state;
  if (room) state = room_state(*room);
  auto allowed = domain::may(actor_in(view, caller, stream.id), domain::Action::read_room,
                             {.room = room ? &state : nullptr});
  if (!allowed) return std::unexpected(allowed.error());
  if (!room) return domain::not_found();
  return *room;
}

domain::RoleSet readers_of(const storage::View& view, storage::PartitionId stream,
                           uint64_t room_id) {
  if (stream.kind != v1::STREAM_KIND_CLUB) return domain::stream_followers;
  const auto room = view.room(stream.id, room_id);
  return room ? room_state(*room).readers() : domain::RoleSet{0};
}

}  // namespace amicale::queries
