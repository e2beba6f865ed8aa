// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Messages that wait for the committee: who hears of them, who decides, and what comes of it.
#include <doctest/doctest.h>

#include "server/domain/held_message.h"
#include "tests/unit/domain_world.h"

namespace amicale::domain {
namespace {

antispam::Verdict verdict_of(antispam::Action action) {
  antispam::Verdict verdict;
  verdict.action = action;
  v1::Finding& finding = *verdict.why.add_findings();
  finding.set_rule_id("spam.links");
  finding.set_rule_version(1);
  finding.set_text_fr("Trop de liens.");
  finding.set_text_en("Too many links.");
  verdict.record.set_score(7);
  verdict.quiet_until_ms = 99;
  return verdict;
}

struct Review {
  ClubState club{1};
  v1::HeldMessage held;

  Review() {
    v1::Club made;
    made.set_club_id(1);
    made.set_created_ms(1);
    club.load(made);
    v1::Room room;
    room.set_room_id(1);
    room.set_head_number(4);
    room.set_access(v1::ROOM_ACCESS_ALL);
    club.load(room);
    for (const auto& [account, role] :
         {std::pair{2u, v1::CLUB_ROLE_PRESIDENT}, std::pair{3u, v1::CLUB_ROLE_COMMITTEE},
          std::pair{4u, v1::CLUB_ROLE_MEMBER}, std::pair{5u, v1::CLUB_ROLE_GUEST}}) {
      v1::Member member;
      member.set_account_id(account);
      member.set_role(role);
      member.set_status(v1::MEMBER_STATUS_ACTIVE);
      club.load(member);
    }
    held.set_held_id(1);
    held.set_seq(12);
    held.set_room_id(1);
    held.set_author(4);
    held.set_body("trois liens");
  }
  Actor actor(std::uint64_t account) const {
    return actor_in(club, account, v1::SITE_ROLE_NONE, 0);
  }
  static v1::ReviewHeld request(bool release) {
    v1::ReviewHeld asked;
    asked.set_club_id(1);
    asked.set_held_id(1);
    asked.set_release(release);
    return asked;
  }
  Decision posted() const {
    Decision decision{.object_id = 5};
    v1::MessagePosted& made = *decision.add(all_roles).event.mutable_message_posted();
    made.set_room_id(1);
    made.set_number(5);
    made.set_body("trois liens");
    return decision;
  }
};

TEST_CASE("a held message is seen by its author and the committee alone") {
  const Review world;
  const auto decided = act_on(verdict_of(antispam::Action::hold), world.posted(), world.club, 4);
  REQUIRE(decided);
  REQUIRE(decided->events.size() == 1);
  const Decided& held = decided->events[0];
  CHECK(held.audience.roles() == committee_and_above);
  CHECK(held.audience.account() == 4);
  CHECK(held.event.message_held().body() == "trois liens");
  CHECK(held.event.message_held().held_id() == 1);
  CHECK(held.private_part.spam().score() == 7);
  CHECK(decided->object_id == 1);
}

TEST_CASE("a post that completes a raid starts raid mode even where it is held itself") {
  const Review world;
  Decision posted = world.posted();
  posted.add(all_roles).event.mutable_raid_mode_started()->mutable_raid()->set_raid_id(1);
  posted.events.back().automatic = true;
  const auto decided = act_on(verdict_of(antispam::Action::hold), std::move(posted), world.club, 4);
  REQUIRE(decided);
  REQUIRE(decided->events.size() == 2);
  CHECK(decided->events[0].event.has_message_held());
  CHECK(decided->events[1].event.raid_mode_started().raid().raid_id() == 1);
  CHECK(decided->events[1].automatic);
}

TEST_CASE("allow and advice post, refuse says why, mute tells until when") {
  const Review world;
  auto decided = act_on(verdict_of(antispam::Action::allow), world.posted(), world.club, 4);
  REQUIRE(decided);
  CHECK(decided->events[0].event.has_message_posted());
  CHECK(!decided->events[0].private_part.has_advice());
  decided = act_on(verdict_of(antispam::Action::nudge), world.posted(), world.club, 4);
  REQUIRE(decided);
  CHECK(decided->events[0].event.has_message_posted());
  CHECK(decided->events[0].private_part.has_advice());
  decided = act_on(verdict_of(antispam::Action::mute), world.posted(), world.club, 4);
  REQUIRE(decided);
  REQUIRE(decided->events.size() == 2);
  CHECK(decided->events[1].event.member_quieted().until_ms() == 99);
  decided = act_on(verdict_of(antispam::Action::refuse), world.posted(), world.club, 4);
  REQUIRE(!decided);
  const auto wire = to_wire(decided.error(), v1::LANGUAGE_EN);
  CHECK(wire.message() == "Too many links.");
  CHECK(wire.rule_id() == "spam.links");
  CHECK(wire.why().findings_size() == 1);
}

TEST_CASE("the committee releases or rejects, never their own, and once") {
  Review world;
  CHECK(review_held(world.club, &world.held, nullptr, Review::request(true), world.actor(4))
            .error()
            .code == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(review_held(world.club, &world.held, nullptr, Review::request(true), world.actor(5))
            .error()
            .code == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(review_held(world.club, nullptr, nullptr, Review::request(true), world.actor(3))
            .error()
            .code == v1::REFUSAL_CODE_NOT_FOUND);

  const auto released =
      review_held(world.club, &world.held, nullptr, Review::request(true), world.actor(3));
  REQUIRE(released);
  REQUIRE(released->events.size() == 2);
  const auto& posted = released->events[0].event.message_posted();
  CHECK(posted.number() == 5);
  CHECK(posted.author() == 4);
  CHECK(posted.body() == "trois liens");
  CHECK(released->events[0].private_part.held_seq() == 12);
  CHECK(released->events[1].audience.account() == 4);
  CHECK(released->events[1].event.held_reviewed().released());

  const auto rejected =
      review_held(world.club, &world.held, nullptr, Review::request(false), world.actor(2));
  REQUIRE(rejected);
  REQUIRE(rejected->events.size() == 1);
  CHECK(!rejected->events[0].event.held_reviewed().released());

  world.held.set_author(3);
  CHECK(review_held(world.club, &world.held, nullptr, Review::request(true), world.actor(3))
            .error()
            .rule_id == "held.own");
  world.held.set_author(4);
  world.held.set_reviewed(true);
  CHECK(review_held(world.club, &world.held, nullptr, Review::request(true), world.actor(3))
            .error()
            .rule_id == "held.reviewed");
}

TEST_CASE("what its author could not write now is not released, and may be rejected") {
  Review world;
  const auto rule = [&](std::int64_t now_ms) {
    Actor reviewer = world.actor(3);
    reviewer.now_ms = now_ms;
    const auto release =
        review_held(world.club, &world.held, nullptr, Review::request(true), reviewer);
    CHECK(review_held(world.club, &world.held, nullptr, Review::request(false), reviewer));
    return release ? std::string() : release.error().rule_id;
  };
  v1::Sanction mute;
  mute.set_account_id(4);
  mute.set_kind(v1::SANCTION_KIND_MUTE);
  mute.set_until_ms(60'000);
  mute.set_sanction_id(1);
  mute.set_room_id(2);
  world.club.load(mute);
  CHECK(rule(0).empty());  // of another room
  mute.set_sanction_id(2);
  mute.set_room_id(1);
  world.club.load(mute);
  CHECK(rule(59'999) == "held.author_held");
  CHECK(rule(60'000).empty());
  v1::RaidMode raid;
  raid.set_raid_id(1);
  raid.set_start_ms(60'000);
  raid.set_until_ms(90'000);
  raid.set_newcomers_since_ms(50'000);
  world.club.load(raid);
  CHECK(rule(60'000).empty());  // who has been here for long
  v1::Member author;
  author.set_account_id(4);
  author.set_role(v1::CLUB_ROLE_MEMBER);
  author.set_status(v1::MEMBER_STATUS_ACTIVE);
  author.set_joined_ms(50'000);
  world.club.load(author);
  CHECK(rule(60'000) == "held.author_new");
  CHECK(rule(90'000).empty());
  author.set_status(v1::MEMBER_STATUS_LEFT);
  world.club.load(author);
  CHECK(rule(60'000) == "held.author_gone");
  v1::Room room;
  room.set_room_id(1);
  room.set_access(v1::ROOM_ACCESS_ALL);
  author.set_status(v1::MEMBER_STATUS_ACTIVE);
  world.club.load(author);
  room.set_locked(true);
  world.club.load(room);
  CHECK(rule(90'000) == "room.locked");
  room.set_archived(true);
  world.club.load(room);
  CHECK(rule(60'000) == "room.archived");
}

TEST_CASE("a held edit changes the message when it is released, if it is still there") {
  Review world;
  world.held.set_number(2);
  v1::Message message;
  message.set_number(2);
  message.set_author(4);
  message.set_body("avant");
  const auto released =
      review_held(world.club, &world.held, &message, Review::request(true), world.actor(3));
  REQUIRE(released);
  CHECK(released->events[0].event.message_edited().body() == "trois liens");
  CHECK(released->events[0].private_part.previous_body() == "avant");
  message.set_deleted(true);
  CHECK(review_held(world.club, &world.held, &message, Review::request(true), world.actor(3))
            .error()
            .rule_id == "held.gone");
}

}  // namespace
}  // namespace amicale::domain
