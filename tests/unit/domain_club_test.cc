// SPDX-License-Identifier: AGPL-3.0-or-later
#include <set>
#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

v1::CreateClub club_request(v1::ClubKind kind = v1::CLUB_KIND_SOCIAL) {
  v1::CreateClub request;
  request.set_slug("vin");
  request.set_name("Club Vin");
  request.set_kind(kind);
  return request;
}

v1::CreateRoom room_request(std::string name, v1::RoomAccess access = v1::ROOM_ACCESS_ALL) {
  v1::CreateRoom request;
  request.set_name(name);
  request.set_access(access);
  return request;
}

TEST_CASE("each of the six kinds of club has its rooms, in French and in English") {
  std::set<std::string> names;
  for (int kind = v1::CLUB_KIND_REGIONAL; kind <= v1::CLUB_KIND_SOCIAL; ++kind) {
    const auto fr = template_rooms(static_cast<v1::ClubKind>(kind), v1::LANGUAGE_FR);
    const auto en = template_rooms(static_cast<v1::ClubKind>(kind), v1::LANGUAGE_EN);
    REQUIRE(fr.size() == 5);
    REQUIRE(en.size() == 5);
    CHECK(fr.front().name == "général");
    CHECK(en.front().name == "general");
    int announcement = 0;
    int committee = 0;
    for (std::size_t i = 0; i < fr.size(); ++i) {
      CHECK(fr[i].access == en[i].access);
      CHECK(fr[i].roles == en[i].roles);
      CHECK(fr[i].name != en[i].name);
      for (const RoomTemplate& room : {fr[i], en[i]}) {
        CHECK(check_name(room.name, "name", limits::name_characters) == room.name);
        CHECK(check_paragraph(room.topic, "topic", limits::purpose_bytes).has_value());
        CHECK(!room.topic.empty());
      }
      announcement += static_cast<int>(fr[i].access == v1::ROOM_ACCESS_ANNOUNCEMENT);
      committee += static_cast<int>(fr[i].access == v1::ROOM_ACCESS_ROLES);
    }
    CHECK(announcement == 1);
    CHECK(committee == 1);
    names.insert(std::string(fr[2].name));
  }
  CHECK(names.size() == 6);
  CHECK(template_rooms(v1::CLUB_KIND_UNSPECIFIED, v1::LANGUAGE_FR).empty());
}

TEST_CASE(
    "a new club has its template's rooms, numbered from 1, and the committee's room is not "
    "everybody's") {
  ClubState club(3);
  const auto decided =
      create_club(club, club_request(), actor_on_site(1, v1::SITE_ROLE_STAFF), now_ms);
  REQUIRE(decided);
  CHECK(decided->object_id == 3);
  REQUIRE(decided->events.size() == 6);
  CHECK(decided->events.front().event.club_created().club().capacity() == limits::club_capacity);
  CHECK(decided->events.front().audience.roles() == all_roles);
  fold(club, *decided);
  CHECK(club.created());
  CHECK(club.club().language() == v1::LANGUAGE_FR);
  REQUIRE(club.rooms().size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(club.rooms()[i].room_id == i + 1);
  const Decided& committee = decided->events.back();
  CHECK(committee.event.room_created().room().name() == "comité");
  CHECK(committee.audience.roles() == committee_and_above);

  // The second half of a creation that was cut in two is safe to repeat.
  const auto again = create_club(club, club_request(), console, now_ms);
  REQUIRE(again);
  CHECK(again->events.empty());
}

TEST_CASE("only site staff create clubs, and only well-formed ones") {
  const ClubState club(3);
  CHECK(code_of(create_club(club, club_request(), actor_on_site(1, v1::SITE_ROLE_NONE), now_ms)) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  const auto field_of = [](const v1::CreateClub& request) {
    const auto checked = check_create_club(request);
    return checked ? std::string() : checked.error().field;
  };
  auto request = club_request();
  CHECK(field_of(request).empty());
  request.set_slug("Vin!");
  CHECK(field_of(request) == "slug");
  request = club_request();
  request.set_name("\u200b");
  CHECK(field_of(request) == "name");
  request = club_request(v1::CLUB_KIND_UNSPECIFIED);
  CHECK(field_of(request) == "kind");
  request = club_request();
  request.set_capacity(limits::members_per_club + 1);
  CHECK(field_of(request) == "capacity");
  request = club_request();
  request.set_purpose(std::string(limits::purpose_bytes + 1, 'a'));
  CHECK(field_of(request) == "purpose");
  request = club_request();
  request.set_language(static_cast<v1::Language>(77));
  CHECK(field_of(request) == "language");
}

TEST_CASE("the president changes the club; what is not named stays") {
  World world;
  v1::ChangeClub request;
  request.set_purpose("Échanger sur le métier");
  CHECK(code_of(change_club(world.club, request, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  world.take(change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT)));
  CHECK(world.club.club().purpose() == "Échanger sur le métier");
  CHECK(world.club.club().name() == "Marketing");
  CHECK(world.club.club().capacity() == limits::club_capacity);
  CHECK(world.take(change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT)))
            .events.empty());
  CHECK(world.club.created());
}

TEST_CASE("the capacity stays above the members, and above a thousand only the site raises it") {
  World world;  // six members
  v1::ChangeClub request;
  request.set_capacity(5);
  const auto low = change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT));
  CHECK(rule_of(low) == "club.capacity_below_members");
  CHECK(low.error().actual == 6);
  request.set_capacity(6);
  world.take(change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT)));
  CHECK(world.club.is_full());
  request.set_capacity(limits::club_capacity + 1);
  CHECK(rule_of(change_club(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT))) ==
        "may.raise_capacity");
  world.take(change_club(world.club, request, world.actor(outsider, v1::SITE_ROLE_STAFF)));
  request.set_capacity(limits::members_per_club + 1);
  CHECK(code_of(change_club(world.club, request, console)) == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("the committee makes rooms, with names that differ for a reader") {
  World world;
  const Actor committee = world.as(v1::CLUB_ROLE_COMMITTEE);
  CHECK(code_of(create_room(world.club, room_request("projets"), world.as(v1::CLUB_ROLE_MEMBER))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  const auto made = world.take(create_room(world.club, room_request("projets"), committee));
  CHECK(made.object_id == 6);
  CHECK(world.club.find_room(6)->name == "projets");
  CHECK(rule_of(create_room(world.club, room_request("GENERAL"), committee)) == "room.name_taken");
  CHECK(code_of(create_room(world.club, room_request("x", v1::ROOM_ACCESS_UNSPECIFIED),
                            committee)) == v1::REFUSAL_CODE_BAD_REQUEST);
}

TEST_CASE("a room for named roles names some, and never locks out who makes it") {
  World world;
  auto request = room_request("parrains", v1::ROOM_ACCESS_ROLES);
  const Actor committee = world.as(v1::CLUB_ROLE_COMMITTEE);
  CHECK(rule_of(create_room(world.club, request, committee)) == "room.roles");
  request.add_roles(v1::CLUB_ROLE_SPONSOR);
  CHECK(rule_of(create_room(world.club, request, committee)) == "room.locks_you_out");
  request.add_roles(v1::CLUB_ROLE_COMMITTEE);
  const auto made = world.take(create_room(world.club, request, committee));
  CHECK(
      made.events.front().audience.roles() ==
      (bit(v1::CLUB_ROLE_SPONSOR) | bit(v1::CLUB_ROLE_COMMITTEE) | bit(v1::CLUB_ROLE_SUPERVISOR)));
  request.set_name("autres");
  request.add_roles(v1::CLUB_ROLE_UNSPECIFIED);
  CHECK(rule_of(create_room(world.club, request, committee)) == "room.roles");
}

TEST_CASE("a club has at most so many rooms") {
  World world;
  for (auto i = world.club.rooms().size(); i < limits::rooms_per_club; ++i) {
    world.take(create_room(world.club, room_request("salon " + std::to_string(i)),
                           world.actor(0, v1::SITE_ROLE_OWNER)));
  }
  const auto over =
      create_room(world.club, room_request("un de plus"), world.actor(0, v1::SITE_ROLE_OWNER));
  CHECK(code_of(over) == v1::REFUSAL_CODE_CAPACITY);
  CHECK(over.error().limit == limits::rooms_per_club);
}

TEST_CASE(
    "closing a room to some tells them that alone, and its new name only to those who keep it") {
  World world;
  v1::ChangeRoom request;
  request.set_room_id(3);
  request.set_access(v1::ROOM_ACCESS_ROLES);
  request.add_roles(v1::CLUB_ROLE_COMMITTEE);
  request.set_name("secret");
  const std::string old_name = world.club.find_room(3)->name;
  const auto decided =
      world.take(change_room(world.club, request, world.as(v1::CLUB_ROLE_COMMITTEE)));
  REQUIRE(decided.events.size() == 2);
  CHECK(decided.events[0].audience.roles() == all_roles);
  CHECK(decided.events[0].event.room_changed().room().name() == old_name);
  CHECK(decided.events[1].audience.roles() ==
        (bit(v1::CLUB_ROLE_COMMITTEE) | bit(v1::CLUB_ROLE_SUPERVISOR)));
  CHECK(decided.events[1].event.room_changed().room().name() == "secret");
  // From here on, it does not exist for a member, nor for the president.
  CHECK(code_of(change_room(world.club, request, world.as(v1::CLUB_ROLE_MEMBER))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(change_room(world.club, request, world.as(v1::CLUB_ROLE_PRESIDENT))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("a change of a room keeps its messages and pins, and nothing changes twice") {
  World world;
  v1::Event event;
  event.mutable_message_posted()->set_room_id(1);
  event.mutable_message_posted()->set_number(1);
  world.club.apply(event);
  event.mutable_message_pinned()->set_room_id(1);
  event.mutable_message_pinned()->set_number(1);
  event.mutable_message_pinned()->set_pinned(true);
  world.club.apply(event);

  v1::ChangeRoom request;
  request.set_room_id(1);
  request.set_topic("Tout et rien");
  request.set_archived(true);
  world.take(change_room(world.club, request, world.as(v1::CLUB_ROLE_COMMITTEE)));
  const RoomState& room = *world.club.find_room(1);
  CHECK(room.topic == "Tout et rien");
  CHECK(room.archived);
  CHECK(room.head_number == 1);
  CHECK(room.has_pin(1));
  CHECK(world.take(change_room(world.club, request, world.as(v1::CLUB_ROLE_COMMITTEE)))
            .events.empty());
  v1::Room wire;
  write_room(room, wire);
  CHECK(wire.head_number() == 1);
  CHECK(wire.pins_size() == 1);

  // Its name is free while it is archived, and must be free again to come back.
  world.take(create_room(world.club, room_request("général"), world.as(v1::CLUB_ROLE_COMMITTEE)));
  v1::ChangeRoom back;
  back.set_room_id(1);
  back.set_archived(false);
  CHECK(rule_of(change_room(world.club, back, world.as(v1::CLUB_ROLE_COMMITTEE))) ==
        "room.name_taken");
  back.set_name("général (ancien)");
  world.take(change_room(world.club, back, world.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(!world.club.find_room(1)->archived);
}

TEST_CASE("a club to practise in is one from its first event on, and stays one") {
  ClubState club{8};
  v1::CreateClub request;
  request.set_slug("essai");
  request.set_name("Bac à sable");
  request.set_kind(v1::CLUB_KIND_SOCIAL);
  request.set_sandbox(true);
  CHECK(code_of(create_club(club, request, Actor{.account_id = 1, .site_role = v1::SITE_ROLE_NONE},
                            now_ms)) == v1::REFUSAL_CODE_FORBIDDEN);
  const auto decision = create_club(club, request, console, now_ms);
  REQUIRE(decision);
  fold(club, *decision);
  CHECK(club.is_sandbox());
  v1::ChangeClub change;
  change.set_name("Autre nom");
  const auto changed = change_club(club, change, actor_in(club, 0, v1::SITE_ROLE_OWNER, now_ms));
  REQUIRE(changed);
  fold(club, *changed);
  CHECK(club.is_sandbox());
  CHECK_FALSE(World().club.is_sandbox());
}

}  // namespace
}  // namespace amicale::domain_test
