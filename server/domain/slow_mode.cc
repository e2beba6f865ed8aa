// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/slow_mode.h"

#include <algorithm>
#include <ranges>
#include <vector>

#include "server/domain/limits.h"

namespace amicale::domain {

RoomLoad load_of(const RoomState& room, std::uint64_t author, std::int64_t now_ms) {
  RoomLoad load{.posts = 1, .authors = 0};
  std::vector<std::uint64_t> authors{author};
  // The newest first: the rest is older still.
  for (const RecentPost& post : std::views::reverse(room.recent_posts)) {
    if (now_ms - post.time_ms >= limits::post_window_ms) break;
    ++load.posts;
    authors.push_back(post.author);
  }
  std::ranges::sort(authors);
  const auto same = std::ranges::unique(authors);
  authors.erase(same.begin(), same.end());
  load.authors = static_cast<std::uint32_t>(authors.size());
  return load;
}

void watch_room(Decision& decision, const ClubState& club, const RoomState& room,
                const Watch& watch, const Actor& actor) {
  const std::uint32_t bound = watch.busy_room_posts;
  // Almost every message ends here.
  if (bound == 0 || room.recent_posts.size() < bound) return;
  if (club.club().watch_off() || room.auto_slow_until_ms > actor.now_ms) return;
  if (actor.now_ms - room.auto_slow_lifted_ms < limits::auto_slow_quiet_ms) return;
  if (room.slow_mode_s >= limits::auto_slow_s) return;
  const RoomLoad load = load_of(room, actor.account_id, actor.now_ms);
  if (load.posts <= bound || load.authors < limits::busy_room_authors) return;
  Decided& decided = decision.add(room.readers());
  decided.automatic = true;
  v1::RoomSlowed& slowed = *decided.event.mutable_room_slowed();
  slowed.set_room_id(room.room_id);
  slowed.set_automatic(true);
  slowed.set_slow_mode_s(limits::auto_slow_s);
  slowed.set_until_ms(actor.now_ms + limits::auto_slow_ms);
  slowed.set_count(load.posts);
  slowed.set_authors(load.authors);
}

void add_slow_lifted(Decision& decision, const RoomState& room, std::int64_t now_ms) {
  if (room.auto_slow_until_ms <= now_ms) return;
  v1::RoomSlowEnded& ended = *decision.add(room.readers()).event.mutable_room_slow_ended();
  ended.set_room_id(room.room_id);
  ended.set_lifted(true);
}

Decision lapse_slow_mode(const ClubState& club, std::uint64_t room_id, std::int64_t now_ms) {
  Decision decision{.object_id = room_id};
  const RoomState* room = club.find_room(room_id);
  if (room == nullptr || room->auto_slow_s == 0 || room->auto_slow_until_ms > now_ms) {
    return decision;
  }
  decision.add(room->readers()).event.mutable_room_slow_ended()->set_room_id(room_id);
  return decision;
}

}  // namespace amicale::domain
