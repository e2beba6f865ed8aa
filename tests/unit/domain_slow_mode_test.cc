// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/slow_mode.h"

#include <string>
#include <utility>

#include "domain_world.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint32_t bound = 60;
constexpr Watch watching{.busy_room_posts = bound};
constexpr std::uint64_t first_member = 100;

// A room that a dozen members and more write in, and a clock that is moved by hand.
struct Busy : World {
  std::int64_t time = now_ms;
  std::uint64_t hall = room(v1::ROOM_ACCESS_ALL).room_id;

  explicit Busy(std::uint64_t members = 12) {
    for (std::uint64_t i = 0; i < members; ++i) {
      put(first_member + i, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE);
    }
  }

  const RoomState& state() const { return *club.find_room(hall); }

  Actor who(std::uint64_t account) const {
    return actor_in(club, account, v1::SITE_ROLE_NONE, time);
  }

  Result<Decision> posting(std::uint64_t account, const Watch& watch = watching) const {
    v1::PostMessage request;
    request.set_room_id(hall);
    request.set_body("bonjour");
    return post_message({.club = &club}, request, who(account), {.watch = watch});
  }

  Decision commit(Result<Decision> result, std::uint64_t by) {
    if (!result) FAIL(result.error().rule_id, " ", static_cast<int>(result.error().code));
    for (Decided& decided : result->events) {
      decided.event.set_time_ms(time);
      if (!decided.automatic) decided.event.set_actor(by);
    }
    fold(club, *result);
    return *std::move(result);
  }

  // Posts in turns until the room is slow; how many it took.
  std::uint32_t flood(std::uint64_t members, std::int64_t pause_ms, std::uint32_t most,
                      const Watch& watch = watching) {
    for (std::uint32_t i = 0; i < most; ++i, time += pause_ms) {
      const std::uint64_t account = first_member + i % members;
      commit(posting(account, watch), account);
      if (state().auto_slow_until_ms != 0) return i + 1;
    }
    return 0;
  }

  Result<Decision> set_slow(std::uint32_t seconds) const {
    v1::ChangeRoom request;
    request.set_room_id(hall);
    request.set_slow_mode_s(seconds);
    return change_room(club, request, who(v1::CLUB_ROLE_COMMITTEE));
  }
};

TEST_CASE("a room in which too many say too much is slowed down for a while, by nobody") {
  Busy busy;
  CHECK(busy.flood(12, 0, bound) == 0);
  const auto decision = busy.commit(busy.posting(first_member), first_member);
  REQUIRE(decision.events.size() == 2);
  CHECK(decision.events[0].event.has_message_posted());
  CHECK(decision.events[1].automatic);
  CHECK(decision.events[1].event.actor() == 0);
  CHECK(decision.events[1].audience.roles() == busy.state().readers());
  const v1::RoomSlowed& slowed = decision.events[1].event.room_slowed();
  CHECK(slowed.automatic());
  CHECK(slowed.count() == bound + 1);
  CHECK(slowed.authors() == 12);
  CHECK(slowed.until_ms() == busy.time + limits::auto_slow_ms);

  // Each has one message more, and then waits; the committee does not.
  busy.time += 1'000;
  busy.commit(busy.posting(first_member), first_member);
  busy.time += 1'000;
  const auto refused = busy.posting(first_member);
  CHECK(code_of(refused) == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(rule_of(refused) == "room.busy");
  CHECK(refused.error().retry_after_ms == limits::auto_slow_s * 1'000 - 1'000);
  CHECK(busy.posting(first_member + 1));
  busy.commit(busy.posting(v1::CLUB_ROLE_COMMITTEE), v1::CLUB_ROLE_COMMITTEE);
  CHECK(busy.posting(v1::CLUB_ROLE_COMMITTEE));
  busy.time += limits::auto_slow_s * 1'000;
  CHECK(busy.posting(first_member));
}

TEST_CASE("slow mode that began by itself ends by the clock, and what waits for it as well") {
  Busy busy;
  REQUIRE(busy.flood(12, 0, bound + 1) == bound + 1);
  const std::int64_t until = busy.state().auto_slow_until_ms;
  busy.time = until - 1'000;
  busy.commit(busy.posting(first_member), first_member);
  CHECK(busy.posting(first_member).error().retry_after_ms == 1'000);
  CHECK(lapse_slow_mode(busy.club, busy.hall, busy.time).events.empty());
  busy.time = until;
  CHECK(busy.posting(first_member));
  const auto lapsed = lapse_slow_mode(busy.club, busy.hall, busy.time);
  REQUIRE(lapsed.events.size() == 1);
  CHECK_FALSE(lapsed.events[0].event.room_slow_ended().lifted());
  fold(busy.club, lapsed);
  CHECK(busy.state().auto_slow_s == 0);
  CHECK(lapse_slow_mode(busy.club, busy.hall, busy.time).events.empty());
  CHECK(lapse_slow_mode(busy.club, 999, busy.time).events.empty());
  // It may begin again.
  CHECK(busy.flood(12, 0, bound + 1) != 0);
}

TEST_CASE(
    "few people, a slower pace, another watch and a club that does not want it slow nothing") {
  CHECK(Busy().flood(limits::busy_room_authors - 1, 0, 3 * bound) == 0);
  CHECK(Busy().flood(limits::busy_room_authors, 0, 3 * bound) == bound + 1);
  CHECK(Busy().flood(12, 170, 3 * bound) == 0);
  CHECK(Busy().flood(12, 160, 3 * bound) != 0);
  CHECK(Busy().flood(12, 0, 3 * bound, {}) == 0);
  Busy off;
  v1::ChangeClub change;
  change.set_watch_off(true);
  off.commit(change_club(off.club, change, off.who(v1::CLUB_ROLE_PRESIDENT)), 5);
  CHECK(off.flood(12, 0, 3 * bound) == 0);
}

TEST_CASE("who sets slow mode by hand ends the other, which does not begin again for a while") {
  Busy busy;
  REQUIRE(busy.flood(12, 0, bound + 1) != 0);
  busy.time += 1'000;
  busy.commit(busy.posting(first_member), first_member);
  const auto lifted = busy.commit(busy.set_slow(0), v1::CLUB_ROLE_COMMITTEE);
  REQUIRE(lifted.events.size() == 1);
  CHECK(lifted.events[0].event.room_slow_ended().lifted());
  CHECK(lifted.events[0].event.actor() == v1::CLUB_ROLE_COMMITTEE);
  CHECK(busy.posting(first_member));
  CHECK(busy.commit(busy.set_slow(0), v1::CLUB_ROLE_COMMITTEE).events.empty());
  CHECK(busy.flood(12, 0, 3 * bound) == 0);
  busy.time += limits::auto_slow_quiet_ms;
  CHECK(busy.flood(12, 0, bound + 1) != 0);
}

TEST_CASE("a slow mode by hand that waits longer is told as that, and nothing is added to it") {
  Busy busy;
  busy.commit(busy.set_slow(60), v1::CLUB_ROLE_COMMITTEE);
  busy.commit(busy.posting(first_member), first_member);
  busy.time += 1'000;
  CHECK(rule_of(busy.posting(first_member)) == "room.slow_mode");
  // Those of the committee may still say too much together; the members wait already.
  for (std::uint64_t i = 0; i < 12; ++i) {
    busy.put(200 + i, v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_ACTIVE);
  }
  for (std::uint64_t i = 0; i < 2 * bound; ++i) {
    busy.commit(busy.posting(200 + i % 12), 200 + i % 12);
  }
  CHECK(busy.state().auto_slow_until_ms == 0);
}

TEST_CASE("a room that is loaded watches on, and holds back, as the one that was folded") {
  Busy busy;
  std::vector<v1::Event> posts;
  for (std::uint64_t i = 0; i < bound; ++i) {
    const auto decision = busy.commit(busy.posting(first_member + i % 12), first_member + i % 12);
    posts.push_back(decision.events[0].event);
  }
  ClubState loaded{busy.club.id()};
  loaded.load(busy.club.club());
  v1::Room row;
  write_room(busy.state(), row);
  loaded.load(row);
  for (const auto& [id, member] : busy.rows) loaded.load(member);
  for (const v1::Event& event : posts) loaded.load_recent(event);
  const RoomState& room = *loaded.find_room(busy.hall);
  CHECK(room.recent_posts.size() == busy.state().recent_posts.size());
  const RoomLoad load = load_of(room, first_member, busy.time);
  CHECK(load.posts == bound + 1);
  CHECK(load.authors == 12);

  REQUIRE(busy.flood(12, 0, 1) == 1);
  busy.time += 1'000;
  busy.commit(busy.posting(first_member), first_member);
  ClubState again{busy.club.id()};
  again.load(busy.club.club());
  row.Clear();
  write_room(busy.state(), row);
  again.load(row);
  v1::Message message;
  message.set_room_id(busy.hall);
  message.set_author(first_member);
  message.set_time_ms(busy.time);
  again.load(message);
  CHECK(again.find_room(busy.hall)->slow_wait_ms(first_member, busy.time) ==
        busy.state().slow_wait_ms(first_member, busy.time));
  CHECK(busy.state().slow_wait_ms(first_member, busy.time) == limits::auto_slow_s * 1'000);
}

}  // namespace
}  // namespace amicale::domain_test
