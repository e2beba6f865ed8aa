// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/limits.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"

namespace amicale::queries {
namespace {

Result<v1::ClubSnapshot> club_snapshot(const View& view, const Caller& caller, uint64_t club_id) {
  auto actor = actor_in(view, caller, club_id);
  auto club = view.club(club_id);
  if (!club) return domain::not_found();
  v1::ClubSnapshot snapshot;
  *snapshot.mutable_club() = std::move(*club);
  for (auto& room : view.rooms_of(club_id)) {
    auto state = room_state(room);
    if (domain::may(actor, domain::Action::read_room, {.room = &state}))
      *snapshot.add_rooms() = std::move(room);
  }
  if (auto me = view.member(club_id, caller.account_id)) {
    *snapshot.mutable_me() = std::move(*me);
  } else {
    // Site staff read without being members.
    snapshot.mutable_me()->set_account_id(caller.account_id);
    snapshot.mutable_me()->set_role(domain::reading_role(actor));
  }
  for (auto& row : view.sanctions_on(caller.account_id, storage::PartitionId::club(club_id))) {
    if (row.sanction().end() == v1::SANCTION_END_UNSPECIFIED)
      *snapshot.add_sanctions() = std::move(*row.mutable_sanction());
  }
  if (auto raid = view.raid(club_id); raid && raid->end() == v1::RAID_END_UNSPECIFIED) {
    *snapshot.mutable_raid() = std::move(*raid);
  }
  v1::ListMembers first;
  first.set_club_id(club_id);
  auto page = members(view, caller, first);
  if (!page) return std::unexpected(page.error());
  snapshot.mutable_members()->Swap(page->mutable_members());
  snapshot.set_members_after(page->next());
  return snapshot;
}

v1::AccountSnapshot account_snapshot(const View& view, const Caller& caller) {
  v1::AccountSnapshot snapshot;
  auto row = view.account(caller.account_id).value_or(store::AccountRow{});
  snapshot.set_account_id(caller.account_id);
  snapshot.set_login(row.login());
  snapshot.set_display_name(row.display_name());
  snapshot.set_language(row.language());
  snapshot.set_site_role(row.site_role());
  for (auto& mark : view.read_marks_of(caller.account_id))
    *snapshot.add_read_marks() = std::move(mark);
  for (auto& level : view.levels_of(caller.account_id)) *snapshot.add_levels() = std::move(level);
  if (auto devices = tokens(view, caller, {}))
    snapshot.mutable_devices()->Swap(devices->mutable_devices());
  return snapshot;
}

}  // namespace

Result<v1::ClubRole> follow_role(const View& view, const Caller& caller,
                                 storage::PartitionId stream) {
  switch (stream.kind) {
    case v1::STREAM_KIND_CLUB: {
      auto actor = actor_in(view, caller, stream.id);
      if (auto allowed = domain::may(actor, domain::Action::read_club); !allowed) {
        return std::unexpected(allowed.error());
      }
      if (!view.club(stream.id)) return domain::not_found();
      return domain::reading_role(actor);
    }
    case v1::STREAM_KIND_ACCOUNT:
      if (stream.id != caller.account_id) return domain::not_found();
      return v1::CLUB_ROLE_UNSPECIFIED;
    case v1::STREAM_KIND_DIRECT: {
      domain::DirectState state(stream.id);
      if (!state.is_side(caller.account_id)) return domain::not_found();
      auto row = view.direct(stream.id);
      if (row) state.load(*row);
      // Where nobody has asked there may be a block, which is its maker's alone to see.
      const bool there =
          state.status() != v1::DIRECT_STATUS_UNSPECIFIED || state.is_blocked_by(caller.account_id);
      if (!row || !there) return domain::not_found();
      return v1::CLUB_ROLE_UNSPECIFIED;
    }
    case v1::STREAM_KIND_SITE: {
      auto allowed = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                                 domain::Action::read_site);
      if (!allowed) return std::unexpected(allowed.error());
      return v1::CLUB_ROLE_UNSPECIFIED;
    }
    default: return domain::bad_request("stream");
  }
}

Result<v1::Snapshot> snapshot(const View& view, const Caller& caller, storage::PartitionId stream) {
  if (auto role = follow_role(view, caller, stream); !role) return std::unexpected(role.error());
  v1::Snapshot snapshot;
  snapshot.set_seq(view.head(stream).seq());
  switch (stream.kind) {
    case v1::STREAM_KIND_CLUB: {
      auto club = club_snapshot(view, caller, stream.id);
      if (!club) return std::unexpected(club.error());
      *snapshot.mutable_club() = std::move(*club);
      return snapshot;
    }
    case v1::STREAM_KIND_ACCOUNT:
      *snapshot.mutable_account() = account_snapshot(view, caller);
      return snapshot;
    case v1::STREAM_KIND_DIRECT:
      *snapshot.mutable_direct()->mutable_direct() =
          direct_for(view, view.direct(stream.id).value_or(store::DirectRow{}), caller.account_id);
      return snapshot;
    default:
      snapshot.mutable_site()->set_name(view.site().name());
      for (auto& club : view.clubs()) *snapshot.mutable_site()->add_clubs() = std::move(club);
      return snapshot;
  }
}

}  // namespace amicale::queries
