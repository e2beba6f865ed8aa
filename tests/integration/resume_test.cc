// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Cursors: after a cut, a restart, or a slow hour, a reader is exactly where it was. WireClient checks every batch, so each of
// these fails on a single lost, repeated or disordered event.
#include <doctest/doctest.h>

#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

void say(WireClient& client, const ClubWorld& world, uint64_t room, int times) {
  for (int i = 0; i < times; ++i) {
    auto reply = client.call(post(world.stream(), room, "message " + std::to_string(i)));
    REQUIRE_MESSAGE(reply.has_post_message(), reply.refusal().message());
  }
}

TEST_CASE("cut again and again, plain and TLS, a reader gets each event once and in order") {
  for (bool tls : {false, true}) {
    CAPTURE(tls);
    ClubWorld world([](Config& config) {
      config.limits.posts_per_10s = 10'000;
      config.limits.joins_per_minute = 0;
    });
    world.add("ada");
    world.add("boris");
    const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
    auto boris = world.connect("boris");
    Followed held;
    {
      auto ada = world.connect("ada", tls);
      ada.follow(world.stream());
      held = ada.at(world.stream());
      ada.cut();
    }
    uint64_t head = held.cursor;
    for (int round = 0; round < 10; ++round) {
      say(boris, world, room, 3 + round);
      auto ada = world.connect("ada", tls);
      auto resumed = ada.resume(world.stream(), held);
      CHECK(resumed.outcome() == v1::SUBSCRIBE_OUTCOME_REPLAYING);
      head = boris.call(post(world.stream(), room, "live")).post_message().last_seq();
      held = ada.wait_for(world.stream(), head);
      ada.cut();
    }
    CHECK(held.events.size() == 10 * 4 + 45);
    auto ada = world.connect("ada", tls);
    CHECK(ada.resume(world.stream(), held).outcome() == v1::SUBSCRIBE_OUTCOME_CAUGHT_UP);
  }
}

TEST_CASE("a reader that fell off the ring is fed from the log, then lives from the ring again") {
  ClubWorld world([](Config& config) {
    config.limits.ring_events = 16;
    config.limits.posts_per_10s = 10'000;
    config.limits.joins_per_minute = 0;
    config.limits.request_burst = 10'000;
  });
  world.add("ada");
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto boris = world.connect("boris");
  boris.follow(world.stream());
  auto ada = world.connect("ada");
  ada.follow(world.stream());
  Followed held = ada.at(world.stream());
  ada.cut();
  say(boris, world, room, 200);
  auto back = world.connect("ada");
  back.resume(world.stream(), held);
  auto live = boris.call(post(world.stream(), room, "live")).post_message();
  CHECK(back.wait_for(world.stream(), live.last_seq()).events.size() == 201);
}

TEST_CASE("cursors and client_msg_ids outlive a restart of the server") {
  ClubWorld world;
  world.add("ada");
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  Followed held;
  auto frame = post(world.stream(), room, "avant");
  v1::Committed first;
  {
    auto ada = world.connect("ada");
    ada.follow(world.stream());
    held = ada.at(world.stream());
    auto boris = world.connect("boris");
    first = boris.call(frame).post_message();
  }
  world.running.stop();
  world.running.start();
  auto boris = world.connect("boris");
  auto again = boris.call(frame).post_message();
  CHECK(again.repeated());
  CHECK(again.first_seq() == first.first_seq());
  auto after = boris.call(post(world.stream(), room, "après")).post_message();
  CHECK(after.first_seq() == first.last_seq() + 1);
  auto ada = world.connect("ada");
  CHECK(ada.resume(world.stream(), held).outcome() == v1::SUBSCRIBE_OUTCOME_REPLAYING);
  CHECK(ada.wait_for(world.stream(), after.last_seq()).events.size() == 2);
}

TEST_CASE("a cursor of another epoch, or beyond the head, is a gap that says why") {
  ClubWorld world;
  world.add("ada");
  auto ada = world.connect("ada");
  ada.follow(world.stream());
  Followed held = ada.at(world.stream());
  Followed ahead = held;
  ahead.cursor += 1'000;
  CHECK(ada.resume(world.stream(), ahead).gap().reason() == v1::GAP_REASON_AHEAD);
  Followed other = held;
  other.epoch ^= 1;
  auto gap = ada.resume(world.stream(), other);
  CHECK(gap.outcome() == v1::SUBSCRIBE_OUTCOME_GAP);
  CHECK(gap.gap().reason() == v1::GAP_REASON_EPOCH);
}

TEST_CASE("the event that removes a member is the last thing that their cursor passes") {
  ClubWorld world;
  auto ada_account = world.add("ada").account;
  world.add("boris", v1::CLUB_ROLE_PRESIDENT);
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  ada.follow(world.stream());
  auto boris = world.connect("boris");
  REQUIRE(boris.call(post(world.stream(), room, "encore là")).has_post_message());
  // A president alone would only propose it.
  auto owner = world.connect(RunningServer::kLogin);
  auto removed = owner.call(set_status(world.club, ada_account, v1::MEMBER_STATUS_REMOVED));
  REQUIRE_MESSAGE(removed.has_set_member_status(), removed.refusal().message());
  REQUIRE(boris.call(post(world.stream(), room, "partie")).has_post_message());
  const auto& seen = ada.wait_for_end(world.stream());
  REQUIRE_FALSE(seen.events.empty());
  CHECK(seen.events.back().member_changed().member().status() == v1::MEMBER_STATUS_REMOVED);
  CHECK(seen.cursor <= removed.set_member_status().last_seq());
  v1::ClientFrame again;
  *again.mutable_subscribe()->mutable_stream() = world.stream();
  CHECK(ada.call(again).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(ada.call(post(world.stream(), room, "fantôme")).refusal().code() ==
        v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("a room of named roles is for these alone: live, resumed, in snapshots and in history") {
  ClubWorld world;
  auto ada_account = world.add("ada").account;
  world.add("boris", v1::CLUB_ROLE_PRESIDENT);
  const uint64_t open = world.room(v1::ROOM_ACCESS_ALL);
  const uint64_t closed = world.room(v1::ROOM_ACCESS_ROLES);
  auto boris = world.connect("boris");
  auto ada = world.connect("ada");
  auto snapshot = ada.follow(world.stream()).snapshot().club();
  for (const auto& room : snapshot.rooms()) CHECK(room.room_id() != closed);
  Followed held = ada.at(world.stream());
  REQUIRE(boris.call(post(world.stream(), closed, "entre nous")).has_post_message());
  auto said = boris.call(post(world.stream(), open, "pour tous")).post_message();
  for (const auto& event : ada.wait_for(world.stream(), said.last_seq()).events) {
    CHECK(event.message_posted().room_id() != closed);
  }
  v1::ClientFrame history;
  *history.mutable_get_history()->mutable_stream() = world.stream();
  history.mutable_get_history()->set_room_id(closed);
  history.mutable_get_history()->set_before(10);
  CHECK(ada.call(history).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(ada.call(post(world.stream(), closed, "moi aussi")).refusal().code() ==
        v1::REFUSAL_CODE_NOT_FOUND);

  // Named to the committee: from that event on, and no earlier, the room's events are theirs.
  REQUIRE(boris.call(set_role(world.club, ada_account, v1::CLUB_ROLE_COMMITTEE)).has_set_role());
  auto second = boris.call(post(world.stream(), closed, "bienvenue")).post_message();
  int inside = 0;
  for (const auto& event : ada.wait_for(world.stream(), second.last_seq()).events) {
    inside += event.message_posted().room_id() == closed;
  }
  CHECK(inside == 1);
  auto later = world.connect("ada");
  later.resume(world.stream(), held);
  CHECK(later.wait_for(world.stream(), second.last_seq()).events.size() ==
        ada.at(world.stream()).events.size());

  // Back among the members: what was said in that room is no longer given, not even to an old cursor.
  REQUIRE(boris.call(set_role(world.club, ada_account, v1::CLUB_ROLE_MEMBER)).has_set_role());
  auto last = boris.call(post(world.stream(), open, "fin")).post_message();
  auto oldest = world.connect("ada");
  oldest.resume(world.stream(), held);
  for (const auto& event : oldest.wait_for(world.stream(), last.last_seq()).events) {
    CHECK(event.message_posted().room_id() != closed);
  }
}

TEST_CASE(
    "a reader that takes nothing costs the others nothing, and catches up when it reads again") {
  ClubWorld world([](Config& config) {
    config.limits.ring_events = 64;
    config.limits.posts_per_10s = 100'000;
    config.limits.joins_per_minute = 0;
    config.limits.request_burst = 100'000;
  });
  world.add("ada");
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto slow = world.connect("ada");
  // Not less than a segment of loopback: below it the kernel sends by its timers, some kilobytes a second.
  slow.set_window(64 * 1024);
  slow.follow(world.stream());
  auto boris = world.connect("boris");
  boris.follow(world.stream());
  const std::string text(8'000, 'x');
  v1::Committed last;
  for (int i = 0; i < 300; ++i) last = boris.call(post(world.stream(), room, text)).post_message();
  CHECK(boris.wait_for(world.stream(), last.last_seq()).events.size() == 300);
  slow.set_window(1 << 20);
  CHECK(slow.wait_for(world.stream(), last.last_seq()).events.size() == 300);
}

}  // namespace
}  // namespace amicale
