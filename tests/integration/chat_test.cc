// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Members chat in a room, over plain text and over TLS.
#include <doctest/doctest.h>

#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

template <class Edit>
v1::ClientFrame on_message(Edit edit, v1::StreamId stream, uint64_t room, uint64_t number) {
  v1::ClientFrame frame;
  auto* request = edit(frame);
  *request->mutable_stream() = stream;
  request->set_room_id(room);
  request->set_number(number);
  request->set_client_msg_id(message_id());
  return frame;
}

TEST_CASE(
    "members post, edit, react, reply, pin and delete, and each sees the same events in the same "
    "order") {
  for (bool tls : {false, true}) {
    CAPTURE(tls);
    ClubWorld world;
    world.add("ada");
    world.add("boris", v1::CLUB_ROLE_COMMITTEE);
    const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
    auto ada = world.connect("ada", tls);
    auto boris = world.connect("boris", tls);
    ada.follow(world.stream());
    boris.follow(world.stream());

    auto hello = post(world.stream(), room, "Bonjour **tout le monde** œ");
    auto first = ada.call(hello).post_message();
    CHECK(first.object_id() == 1);
    CHECK(first.first_seq() > 0);
    auto answer = post(world.stream(), room, "Salut @ada");
    answer.mutable_post_message()->set_reply_to(1);
    answer.mutable_post_message()->mutable_mentions()->add_accounts(world["ada"].account);
    auto second = boris.call(answer).post_message();
    CHECK(second.object_id() == 2);

    auto edit =
        on_message([](auto& f) { return f.mutable_edit_message(); }, world.stream(), room, 1);
    edit.mutable_edit_message()->set_body("Bonjour à tous");
    CHECK(ada.call(edit).has_edit_message());
    CHECK_MESSAGE(boris.call(edit).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN,
                  "only the author edits");
    auto react = on_message([](auto& f) { return f.mutable_react(); }, world.stream(), room, 1);
    react.mutable_react()->set_emoji("👍");
    CHECK(boris.call(react).has_react());
    auto pin = on_message([](auto& f) { return f.mutable_pin_message(); }, world.stream(), room, 1);
    CHECK(ada.call(pin).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
    CHECK(boris.call(pin).has_pin_message());
    auto remove =
        on_message([](auto& f) { return f.mutable_delete_message(); }, world.stream(), room, 2);
    auto last = boris.call(remove).delete_message();

    const auto& seen_by_ada = ada.wait_for(world.stream(), last.last_seq()).events;
    const auto& seen_by_boris = boris.wait_for(world.stream(), last.last_seq()).events;
    REQUIRE(seen_by_ada.size() == seen_by_boris.size());
    for (std::size_t i = 0; i < seen_by_ada.size(); ++i) {
      CHECK(seen_by_ada[i].SerializeAsString() == seen_by_boris[i].SerializeAsString());
    }
    CHECK(seen_by_ada[0].message_posted().body() == "Bonjour **tout le monde** œ");
    CHECK(seen_by_ada[0].client_msg_id() == hello.post_message().client_msg_id());
    CHECK(seen_by_ada[1].message_posted().reply_to() == 1);
    CHECK(seen_by_ada[1].message_posted().mentions().accounts(0) == world["ada"].account);

    v1::ClientFrame history;
    *history.mutable_get_history()->mutable_stream() = world.stream();
    history.mutable_get_history()->set_room_id(room);
    history.mutable_get_history()->set_before(10);
    auto page = ada.call(history).get_history();
    REQUIRE(page.messages_size() == 2);
    CHECK(page.messages(0).body() == "Bonjour à tous");
    CHECK(page.messages(0).edited_seq() > 0);
    CHECK(page.messages(0).reactions(0).emoji() == "👍");
    CHECK(page.messages(1).deleted());
    CHECK(page.messages(1).body().empty());
    CHECK(page.head_number() == 2);
  }
}

TEST_CASE("a page of history reaches both ways around a place, and never beyond a bound") {
  ClubWorld world;
  world.add("ada");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  for (int i = 1; i <= 25; ++i)
    REQUIRE(ada.call(post(world.stream(), room, "no " + std::to_string(i))).has_post_message());
  v1::ClientFrame history;
  auto* request = history.mutable_get_history();
  *request->mutable_stream() = world.stream();
  request->set_room_id(room);
  request->set_around(10);
  request->set_before(3);
  request->set_after(4);
  auto page = ada.call(history).get_history();
  REQUIRE(page.messages_size() == 7);
  for (int i = 0; i < 7; ++i) CHECK(page.messages(i).number() == static_cast<uint64_t>(8 + i));
  request->set_before(100'000);
  CHECK(ada.call(history).refusal().code() == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("unread counts come from dense numbers and a mark that never goes back") {
  ClubWorld world;
  auto ada_account = world.add("ada").account;
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  for (int i = 0; i < 5; ++i)
    REQUIRE(boris.call(post(world.stream(), room, "encore")).has_post_message());
  auto mark = [&](uint64_t number) {
    v1::ClientFrame frame;
    *frame.mutable_mark_read()->mutable_stream() = world.stream();
    frame.mutable_mark_read()->set_room_id(room);
    frame.mutable_mark_read()->set_number(number);
    frame.mutable_mark_read()->set_client_msg_id(message_id());
    return ada.call(frame);
  };
  CHECK(mark(4).has_mark_read());
  CHECK(mark(2).has_mark_read());
  CHECK_MESSAGE(mark(99).refusal().code() == v1::REFUSAL_CODE_BAD_REQUEST, "beyond the head");
  auto snapshot = ada.follow(account_stream(ada_account)).snapshot().account();
  REQUIRE(snapshot.read_marks_size() == 1);
  CHECK(snapshot.read_marks(0).number() == 4);
  auto club = ada.follow(world.stream()).snapshot().club();
  CHECK(club.rooms(0).head_number() - snapshot.read_marks(0).number() == 1);
}

TEST_CASE(
    "a repeated client_msg_id answers the first result and changes nothing, even for another "
    "body") {
  ClubWorld world;
  world.add("ada");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  auto frame = post(world.stream(), room, "une fois");
  auto first = ada.call(frame).post_message();
  frame.mutable_post_message()->set_body("autre chose");
  auto again = ada.call(frame).post_message();
  CHECK(again.repeated());
  CHECK(again.first_seq() == first.first_seq());
  CHECK(again.object_id() == first.object_id());
  auto react = on_message([](auto& f) { return f.mutable_react(); }, world.stream(), room, 1);
  react.mutable_react()->set_emoji("👍");
  react.mutable_react()->set_client_msg_id(frame.post_message().client_msg_id());
  CHECK_MESSAGE(ada.call(react).refusal().code() == v1::REFUSAL_CODE_CONFLICT,
                "the id is spent on a post");
}

TEST_CASE("@all and @committee count heads, and @all needs a permission") {
  ClubWorld world;
  world.add("ada");
  world.add("boris", v1::CLUB_ROLE_COMMITTEE);
  world.add("chloe");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  v1::ClientFrame count;
  count.mutable_count_mentions()->set_club_id(world.club);
  count.mutable_count_mentions()->set_room_id(room);
  count.mutable_count_mentions()->set_all(true);
  auto counted = boris.call(count).count_mentions();
  CHECK(counted.head_count() == 2);
  CHECK(counted.allowed());
  CHECK_FALSE(ada.call(count).count_mentions().allowed());
  auto everyone = post(world.stream(), room, "@all réunion");
  everyone.mutable_post_message()->mutable_mentions()->set_all(true);
  CHECK(ada.call(everyone).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  ada.follow(world.stream());
  auto posted = boris.call(everyone).post_message();
  const auto& events = ada.wait_for(world.stream(), posted.last_seq()).events;
  CHECK(events.back().message_posted().mentions().head_count() == 2);
}

TEST_CASE("typing and presence reach the others, and whoever did not ask gets none") {
  ClubWorld world;
  auto ada_account = world.add("ada").account;
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto boris = world.connect("boris");
  boris.follow(world.stream());
  auto ada = world.connect("ada");
  ada.follow(world.stream());
  auto present = boris.wait_for_signal(
      [](const v1::Signal& s) { return s.has_presence() && s.presence().count() >= 2; });
  CHECK(present.presence().count() >= 2);
  v1::ClientFrame typing;
  *typing.mutable_set_typing()->mutable_stream() = world.stream();
  typing.mutable_set_typing()->set_room_id(room);
  CHECK(ada.call(typing).has_set_typing());
  auto types = boris.wait_for_signal(
      [](const v1::Signal& s) { return s.has_typing() && s.typing().accounts_size() > 0; });
  CHECK(types.typing().accounts(0) == ada_account);
  ada.cut();
  boris.wait_for_signal(
      [](const v1::Signal& s) { return s.has_presence() && s.presence().count() <= 1; });
}

TEST_CASE("too many posts in ten seconds are refused with a time to wait") {
  ClubWorld world([](Config& config) { config.limits.posts_per_10s = 3; });
  world.add("ada");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  for (int i = 0; i < 3; ++i)
    REQUIRE(ada.call(post(world.stream(), room, "vite")).has_post_message());
  auto refused = ada.call(post(world.stream(), room, "trop vite")).refusal();
  CHECK(refused.code() == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(refused.retry_after_ms() > 0);
  CHECK_FALSE(refused.message().empty());
}

}  // namespace
}  // namespace amicale
