// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Events do not tell what a room held before it opened to a reader. The SDK asks for it, and still tells each event once.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/simulated_client.h"

using namespace amicale::testing;
using amicale::client::Renewed;
using amicale::client::Resynced;
using State = SessionCore::State;

namespace {

const Stream club = Stream::club(1);
constexpr std::uint64_t open_room = 1;
constexpr std::uint64_t back_room = 2;

std::vector<std::uint64_t> one_to(std::uint64_t n) {
  std::vector<std::uint64_t> out(n);
  std::iota(out.begin(), out.end(), 1);
  return out;
}

v1::Room room(std::uint64_t id, std::vector<v1::ClubRole> roles = {}) {
  v1::Room out;
  out.set_room_id(id);
  out.set_access(roles.empty() ? v1::ROOM_ACCESS_ALL : v1::ROOM_ACCESS_ROLES);
  for (const auto role : roles) out.add_roles(role);
  return out;
}

// A member of a club that has a room for all, and one for its committee.
struct Member {
  SimulatedServer server;
  SimulatedClient client;

  explicit Member(std::optional<Position> from = std::nullopt, Settings settings = with_account())
      : client(server, std::move(settings)) {
    auto& me = *server.clubs[club].mutable_me();
    me.set_account_id(server.account);
    me.set_role(v1::CLUB_ROLE_MEMBER);
    me.set_status(v1::MEMBER_STATUS_ACTIVE);
    *server.clubs[club].add_rooms() = room(open_room);
    client.core.follow(club, from, client.now);
    client.go_online();
  }

  static Settings with_account() {
    Settings settings = SimulatedClient::with_token();
    settings.follow_account = true;
    return settings;
  }

  // The server's state and its event, as one.
  void change_room(const v1::Room& changed) {
    *server.append(club).mutable_room_changed()->mutable_room() = changed;
  }
  void tell_of(std::uint64_t id, std::uint64_t head) {
    auto& told = *server.clubs[club].add_rooms();
    told = room(id);
    told.set_head_number(head);
  }
  void change_me(v1::ClubRole role, v1::MemberStatus status = v1::MEMBER_STATUS_ACTIVE) {
    auto& me = *server.append(club).mutable_member_changed()->mutable_member();
    me.set_account_id(server.account);
    me.set_role(role);
    me.set_status(status);
    *server.clubs[club].mutable_me() = me;
  }
  // Until nothing is asked for any more.
  void rest() {
    client.settle();
    for (int i = 0; i < 20 && client.core.renews(club); ++i) {
      client.advance_to_deadline();
      client.settle();
    }
    CHECK_FALSE(client.core.renews(club));
  }
  std::size_t renewals() const { return client.all<Renewed>().size(); }
};

}  // namespace

TEST_CASE("a room that opens is asked for, and each event is still told once") {
  Member member;
  member.server.append_post(club, open_room, "before");
  member.tell_of(back_room, 7);
  member.change_room(room(back_room));
  member.client.settle();
  CHECK(member.client.core.renews(club));
  CHECK(member.renewals() == 0);
  // What is said before the answer is in the state already, and is told all the same.
  member.client.advance_to_deadline();
  member.server.append_post(club, open_room, "meanwhile");
  member.server.append_post(club, back_room, "meanwhile");
  member.rest();
  REQUIRE(member.renewals() == 1);
  const auto renewed = member.client.all<Renewed>().front();
  CHECK(renewed.seq == 4);
  CHECK(renewed.held == std::set<std::uint64_t>{open_room});
  CHECK(renewed.snapshot.club().rooms(1).head_number() == 7);
  CHECK(member.client.seqs(club) == one_to(4));
  CHECK(member.client.all<Resynced>().size() == 2);  // the club and the account, at the start
}

TEST_CASE("a state that is not beyond the cursor needs no second way there") {
  Member member;
  member.tell_of(back_room, 7);
  member.change_room(room(back_room));
  member.client.settle();
  member.server.seen.clear();
  member.rest();
  REQUIRE(member.renewals() == 1);
  CHECK(std::ranges::count_if(member.server.seen,
                              [](const auto& frame) { return frame.has_subscribe(); }) == 1);
  member.server.append_post(club, back_room, "after");
  member.client.settle();
  CHECK(member.client.seqs(club) == one_to(2));
}

TEST_CASE("a room that is made, or changed while it is read, is not asked for") {
  Member member;
  *member.server.append(club).mutable_room_created()->mutable_room() = room(3);
  member.change_room(room(3));
  member.change_room(room(open_room));
  member.change_room(room(back_room, {v1::CLUB_ROLE_COMMITTEE}));
  member.client.settle();
  CHECK_FALSE(member.client.core.renews(club));
  member.client.advance(Milliseconds{5'000});
  member.client.settle();
  CHECK(member.renewals() == 0);
}

TEST_CASE("a room that closes and opens again is asked for, as what was said meanwhile is hidden") {
  Member member;
  member.change_room(room(open_room, {v1::CLUB_ROLE_COMMITTEE}));
  member.change_room(room(open_room));
  member.rest();
  REQUIRE(member.renewals() == 1);
  CHECK(member.client.all<Renewed>().front().held.empty());
}

TEST_CASE("another role of one's own asks for everything, another's role for nothing") {
  Member member;
  auto& other = *member.server.append(club).mutable_member_changed()->mutable_member();
  other.set_account_id(7);
  other.set_role(v1::CLUB_ROLE_COMMITTEE);
  other.set_status(v1::MEMBER_STATUS_ACTIVE);
  member.client.settle();
  CHECK_FALSE(member.client.core.renews(club));
  member.change_me(v1::CLUB_ROLE_COMMITTEE);
  member.rest();
  REQUIRE(member.renewals() == 1);
  CHECK(member.client.all<Renewed>().front().held.empty());
  member.change_me(v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_PAUSED);  // reads as before
  member.rest();
  CHECK(member.renewals() == 1);
}

TEST_CASE("whoever left and came back while away asks for what was said meanwhile") {
  Member member;
  member.client.cut();
  member.change_me(v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_LEFT);
  member.change_me(v1::CLUB_ROLE_MEMBER);
  member.client.advance_to_deadline();
  member.rest();
  CHECK(member.renewals() == 1);
  CHECK(member.client.seqs(club) == one_to(2));
}

TEST_CASE("becoming site staff opens every room, at once or while away") {
  Member member;
  SUBCASE("at once") {
    auto& profile =
        *member.server.append(Stream::account(member.server.account)).mutable_profile_changed();
    profile.set_site_role(v1::SITE_ROLE_STAFF);
  }
  SUBCASE("while away") {
    member.client.cut();
    member.server.site_role = v1::SITE_ROLE_STAFF;
    member.client.advance_to_deadline();
  }
  member.rest();
  CHECK(member.renewals() == 1);
  // As staff it reads whatever room there is.
  member.tell_of(back_room, 7);
  member.rest();
  member.change_room(room(open_room, {v1::CLUB_ROLE_COMMITTEE}));
  member.rest();
  CHECK(member.renewals() == 1);
}

TEST_CASE("a cut while the state is on its way delays it, and loses nothing") {
  Member member;
  member.tell_of(back_room, 7);
  member.change_room(room(back_room));
  member.client.settle();
  member.client.advance_to_deadline();
  REQUIRE(member.client.core.renews(club));
  member.client.cut();
  member.server.append_post(club, open_room, "meanwhile");
  for (int i = 0; i < 20 && member.client.core.state() != State::Online; ++i) {
    member.client.advance_to_deadline();
    member.client.settle();
  }
  member.rest();
  CHECK(member.renewals() == 1);
  CHECK(member.client.seqs(club) == one_to(2));
}

TEST_CASE("from a stored cursor nobody knows what is held, and the first change settles it") {
  Member member(Position{1, 0});
  member.change_room(room(open_room));
  member.rest();
  REQUIRE(member.renewals() == 1);
  CHECK(member.client.all<Renewed>().front().held.empty());
  member.change_room(room(open_room));
  member.rest();
  CHECK(member.renewals() == 1);
}

TEST_CASE("logs that went back while a room was asked for are a gap") {
  Member member;
  member.server.append_post(club, open_room, "lost");
  member.change_room(room(back_room));
  member.client.settle();
  member.client.cut();
  member.server.epoch = 2;
  member.server.logs[club].resize(1);
  for (int i = 0; i < 20 && member.client.core.state() != State::Online; ++i) {
    member.client.advance_to_deadline();
    member.client.settle();
  }
  member.rest();
  CHECK(member.renewals() == 0);
  REQUIRE(member.client.core.position(club) == Position{2, 1});
  CHECK(std::ranges::any_of(member.client.all<Resynced>(), [](const Resynced& resynced) {
    return resynced.stream == club && resynced.gap == v1::GAP_REASON_EPOCH;
  }));
}
