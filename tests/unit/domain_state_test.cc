// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <random>

#include "domain_world.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

void check_same(const ClubState& a, const ClubState& b) {
  CHECK(a.club().SerializeAsString() == b.club().SerializeAsString());
  CHECK(a.president() == b.president());
  CHECK(a.last_room_id() == b.last_room_id());
  CHECK(a.last_invitation_id() == b.last_invitation_id());
  REQUIRE(a.rooms().size() == b.rooms().size());
  for (std::size_t i = 0; i < a.rooms().size(); ++i) {
    v1::Room x;
    v1::Room y;
    write_room(a.rooms()[i], x);
    write_room(b.rooms()[i], y);
    CHECK(x.SerializeAsString() == y.SerializeAsString());
  }
  REQUIRE(a.members().size() == b.members().size());
  for (std::size_t i = 0; i < a.members().size(); ++i) {
    CHECK(a.members()[i].account_id == b.members()[i].account_id);
    CHECK(a.members()[i].role == b.members()[i].role);
    CHECK(a.members()[i].status == b.members()[i].status);
  }
  for (int status = v1::MemberStatus_MIN; status <= v1::MemberStatus_MAX; ++status) {
    CHECK(a.count(static_cast<v1::MemberStatus>(status)) ==
          b.count(static_cast<v1::MemberStatus>(status)));
  }
  for (RoleSet roles = 0; roles < 128; roles += 2)
    CHECK(a.count_readers(roles) == b.count_readers(roles));
}

TEST_CASE(
    "a club loaded from rows is the club folded from its log, whatever the order of the rows") {
  World world;
  std::mt19937 random(1);
  for (int i = 0; i < 2'000; ++i) {
    world.put(10 + random() % 300, static_cast<v1::ClubRole>(1 + random() % 6),
              static_cast<v1::MemberStatus>(1 + random() % 9));
    v1::Event event;
    event.mutable_message_posted()->set_room_id(1 + random() % 5);
    event.mutable_message_posted()->set_number(static_cast<std::uint64_t>(i));
    world.club.apply(event);
    event.mutable_message_pinned()->set_room_id(1 + random() % 5);
    event.mutable_message_pinned()->set_number(random() % 20);
    event.mutable_message_pinned()->set_pinned(random() % 2 == 0);
    world.club.apply(event);
  }
  v1::Event event;
  event.mutable_invitation_created()->mutable_invitation()->set_invitation_id(4);
  world.club.apply(event);
  // One president at a time is the rules' promise, not the fold's.
  for (const auto& [account, row] : world.rows) {
    if (row.role() == v1::CLUB_ROLE_PRESIDENT && account != 5) {
      world.put(account, v1::CLUB_ROLE_MEMBER, row.status());
    }
  }
  world.put(5, v1::CLUB_ROLE_PRESIDENT, v1::MEMBER_STATUS_ACTIVE);

  ClubState loaded(world.club.id());
  std::vector<v1::Member> rows;
  for (const auto& [account, row] : world.rows) rows.push_back(row);
  std::shuffle(rows.begin(), rows.end(), random);
  for (const v1::Member& row : rows) loaded.load(row);
  loaded.load(world.club.club());
  for (const RoomState& room : world.club.rooms()) {
    v1::Room row;
    write_room(room, row);
    loaded.load(row);
  }
  loaded.load(event.invitation_created().invitation());
  check_same(world.club, loaded);
}

TEST_CASE("counts follow members through every status") {
  World world;
  CHECK(world.club.club().active_members() == 6);
  CHECK(world.club.places_taken() == 6);
  CHECK(world.club.president() == 5);
  world.put(5, v1::CLUB_ROLE_PRESIDENT, v1::MEMBER_STATUS_PAUSED);
  CHECK(world.club.president() == 5);
  CHECK(world.club.club().active_members() == 5);
  CHECK(world.club.places_taken() == 6);
  CHECK(world.club.count_readers(all_roles) == 6);
  world.put(5, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_LEFT);
  CHECK(world.club.president() == 0);
  CHECK(world.club.places_taken() == 5);
  CHECK(world.club.count_readers(called_as_committee) == 1);
}

TEST_CASE("values and events of a newer version give nobody a right") {
  World world;
  world.put(50, static_cast<v1::ClubRole>(60), v1::MEMBER_STATUS_ACTIVE);
  world.put(51, v1::CLUB_ROLE_MEMBER, static_cast<v1::MemberStatus>(61));
  world.put(52, static_cast<v1::ClubRole>(-1), v1::MEMBER_STATUS_ACTIVE);
  for (const std::uint64_t account : {50, 51, 52}) {
    CHECK(code_of(may(world.actor(account), Action::read_club)) == v1::REFUSAL_CODE_NOT_FOUND);
  }
  CHECK(world.club.places_taken() == 6);
  world.club.apply(v1::Event{});
  v1::Event stray;
  stray.mutable_message_posted()->set_room_id(404);
  world.club.apply(stray);
  CHECK(world.club.find_room(404) == nullptr);
}

TEST_CASE("a direct conversation loaded from its row is the one folded from its log") {
  DirectState folded(direct_id(8, 3));
  CHECK(folded.id() == direct_id(3, 8));
  CHECK(folded.other_side(3) == 8);
  CHECK(folded.other_side(8) == 3);
  v1::Event event;
  event.mutable_direct_changed()->set_status(v1::DIRECT_STATUS_OPEN);
  event.mutable_direct_changed()->set_requested_by(3);
  event.mutable_direct_changed()->set_introduction("Bonjour");
  event.mutable_direct_changed()->add_blocked_by(8);
  folded.apply(event);
  event.mutable_message_posted()->set_number(12);
  folded.apply(event);

  store::DirectRow row;
  row.set_status(v1::DIRECT_STATUS_OPEN);
  row.set_requested_by(3);
  row.set_introduction("Bonjour");
  row.add_blocked_by(8);
  row.set_head_number(12);
  DirectState loaded(direct_id(3, 8));
  loaded.load(row);
  for (const DirectState* state : {&folded, &loaded}) {
    CHECK(state->status() == v1::DIRECT_STATUS_OPEN);
    CHECK(state->requested_by() == 3);
    CHECK(state->introduction() == "Bonjour");
    CHECK(state->room().head_number == 12);
    CHECK(state->status_for(8) == v1::DIRECT_STATUS_BLOCKED);
    CHECK(state->status_for(3) == v1::DIRECT_STATUS_OPEN);
  }
}

TEST_CASE("an account and the site load as they fold") {
  AccountState folded(9);
  v1::Event event;
  event.mutable_profile_changed()->set_login("amy");
  folded.apply(event);
  for (const std::uint64_t id : {1, 2, 3}) {
    event.mutable_token_issued()->set_token_id(id);
    folded.apply(event);
  }
  event.mutable_token_revoked()->set_token_id(3);
  folded.apply(event);

  AccountState loaded(9);
  store::AccountRow account;
  account.set_login("amy");
  loaded.load(account);
  for (const std::uint64_t id : {2, 1}) {
    store::TokenRow row;
    row.set_token_id(id);
    loaded.load(row);
  }
  loaded.load_last_token_id(3);
  for (const AccountState* state : {&folded, &loaded}) {
    CHECK(state->opened());
    CHECK(state->site_role() == v1::SITE_ROLE_NONE);
    CHECK(state->tokens() == std::vector<std::uint64_t>{1, 2});
    CHECK(state->has_token(2));
    CHECK(!state->has_token(3));
    CHECK(state->last_token_id() == 3);
  }

  SiteState site;
  event.mutable_site_created()->set_name("Réseau");
  site.apply(event);
  event.mutable_account_registered()->set_account_id(4);
  site.apply(event);
  event.mutable_site_role_changed()->set_account_id(4);
  event.mutable_site_role_changed()->set_role(v1::SITE_ROLE_OWNER);
  site.apply(event);
  CHECK(site.created());
  CHECK(site.last_account_id() == 4);
  CHECK(site.owners() == 1);
  event.mutable_site_role_changed()->set_role(v1::SITE_ROLE_NONE);
  site.apply(event);
  CHECK(site.staff().empty());
  CHECK(site.role_of(4) == v1::SITE_ROLE_NONE);
}

}  // namespace
}  // namespace amicale::domain_test
