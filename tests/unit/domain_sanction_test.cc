// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/sanction.h"

#include <string>

#include "domain_world.h"
#include "server/domain/account.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;
using enum v1::MemberStatus;

constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role
constexpr std::uint64_t president = v1::CLUB_ROLE_PRESIDENT;

v1::ImposeSanction request_of(v1::SanctionKind kind, std::uint64_t account,
                              std::uint32_t seconds = 0) {
  v1::ImposeSanction request;
  request.set_club_id(7);
  request.set_account_id(account);
  request.set_kind(kind);
  request.set_reason(v1::REASON_CODE_INSULT);
  request.set_text("Restons courtois");
  request.set_duration_s(seconds);
  return request;
}

struct Scene : World {
  std::int64_t now = now_ms;

  Actor at(std::uint64_t account, v1::SiteRole site = v1::SITE_ROLE_NONE) const {
    return actor_in(club, account, site, now);
  }
  Result<Decision> impose(const v1::ImposeSanction& request, const Actor& who,
                          v1::SiteRole target = v1::SITE_ROLE_NONE) const {
    // As two of the committee do it: domain_proposal_test.cc has the one.
    return impose_sanction(
        club,
        {.target = row(request.account_id()), .target_site_role = target, .consent = Consent::two},
        request, who, now);
  }
  Result<Decision> lift(const v1::Sanction& sanction, const Actor& who) const {
    v1::LiftSanction request;
    request.set_sanction_id(sanction.sanction_id());
    return lift_sanction(club, &sanction, {.target = row(sanction.account_id())}, request, who,
                         now);
  }
  Decision lapse(std::uint64_t account, std::string_view name = {}) {
    return take(
        lapse_sanctions(club, account, {.target = row(account), .display_name = name}, now));
  }
  v1::Sanction given(const v1::ImposeSanction& request, const Actor& who) {
    for (const auto& one : take(impose(request, who)).events) {
      if (one.event.has_sanction_imposed()) return one.event.sanction_imposed().sanction();
    }
    FAIL("no sanction");
    return {};
  }
  bool may_post(std::uint64_t account) const {
    return may(at(account), Action::post_message, {.room = &room(v1::ROOM_ACCESS_ALL)}).has_value();
  }
};

TEST_CASE("a mute holds from its event on and ends by the clock alone") {
  Scene scene;
  CHECK(scene.may_post(member));
  const auto mute = scene.given(request_of(v1::SANCTION_KIND_MUTE, member, 60), scene.at(4));
  CHECK(mute.sanction_id() == 1);
  CHECK(mute.until_ms() == now_ms + 60'000);
  CHECK(!scene.may_post(member));
  CHECK(scene.row(member)->status() == MEMBER_STATUS_ACTIVE);
  scene.now += 59'999;
  CHECK(!scene.may_post(member));
  scene.now += 1;
  CHECK(scene.may_post(member));  // and nobody has said so yet
  const auto told = scene.lapse(member);
  REQUIRE(told.events.size() == 1);
  CHECK(told.events[0].event.sanction_ended().end() == v1::SANCTION_END_LAPSED);
  CHECK(told.events[0].audience.roles() == committee_and_above);
  CHECK(told.events[0].audience.account() == member);
  CHECK(scene.lapse(member).events.empty());
  CHECK(scene.club.sanctions_on(member).empty());
}

TEST_CASE("a mute of one room leaves the others open") {
  Scene scene;
  auto request = request_of(v1::SANCTION_KIND_MUTE, member, 60);
  const auto& hall = scene.room(v1::ROOM_ACCESS_ALL);
  request.set_room_id(hall.room_id);
  scene.given(request, scene.at(4));
  CHECK(rule_of(may(scene.at(member), Action::react, {.room = &hall})) == "sanction.mute_in_room");
  CHECK(may(scene.at(member), Action::react, {.room = &scene.room(v1::ROOM_ACCESS_ANNOUNCEMENT)}));
  CHECK(may(scene.at(member), Action::invite));
  request.set_room_id(999);
  CHECK(code_of(scene.impose(request, scene.at(4))) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("of two mutes that hold back, the one that ends last is quoted") {
  Scene scene;
  const auto& hall = scene.room(v1::ROOM_ACCESS_ALL);
  auto here = request_of(v1::SANCTION_KIND_MUTE, member, 3'600);
  here.set_room_id(hall.room_id);
  scene.take(scene.impose(here, scene.at(4)));
  scene.take(scene.impose(request_of(v1::SANCTION_KIND_MUTE, member, 600), scene.at(4)));
  const Actor held = scene.at(member);
  REQUIRE(find_hold(held, hall.room_id));
  CHECK(find_hold(held, hall.room_id)->held.room_id == hall.room_id);
  CHECK(find_hold(held, 0)->held.room_id == 0);
  CHECK(find_hold(held, any_room)->held.room_id == hall.room_id);
  scene.now += 600'000;
  CHECK(find_hold(scene.at(member), 0) == nullptr);
  CHECK(find_hold(scene.at(member), any_room));
}

TEST_CASE("a suspension ends reading, keeps the place, and gives back what was") {
  Scene scene;
  const auto places = scene.club.places_taken();
  scene.take(scene.set_status(member, MEMBER_STATUS_PAUSED, scene.at(4)));
  const auto decision =
      scene.take(scene.impose(request_of(v1::SANCTION_KIND_SUSPENSION, member, 600), scene.at(4)));
  // The reason comes before what ends the stream.
  REQUIRE(decision.events.size() == 3);
  CHECK(decision.events[0].event.has_sanction_imposed());
  CHECK(decision.events[1].event.member_changed().member().status() == MEMBER_STATUS_SUSPENDED);
  CHECK(decision.events[1].audience.account() == member);
  CHECK(decision.events[2].event.member_changed().reason().empty());
  CHECK(scene.club.places_taken() == places);
  CHECK(reading_role(scene.at(member)) == v1::CLUB_ROLE_UNSPECIFIED);
  const auto refused = may(scene.at(member), Action::read_club);
  CHECK(code_of(refused) == v1::REFUSAL_CODE_SANCTIONED);
  CHECK(refused.error().held.sanction_id == 1);
  CHECK(refused.error().retry_after_ms == 600'000);
  CHECK(may(scene.at(member), Action::leave));
  scene.now += 600'000;
  scene.lapse(member);
  CHECK(scene.row(member)->status() == MEMBER_STATUS_PAUSED);
}

TEST_CASE("who leaves under a suspension is not let in before it ends") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_SUSPENSION, member, 600), scene.at(4));
  scene.take(scene.set_status(member, MEMBER_STATUS_LEFT, scene.at(member)));
  scene.put(member, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_OPTED_IN);
  CHECK(rule_of(scene.set_status(member, MEMBER_STATUS_ACTIVE, scene.at(4))) == "sanction.stands");
  scene.now += 600'001;
  const auto told = scene.lapse(member);
  CHECK(told.events.size() == 1);
  CHECK(scene.row(member)->status() == MEMBER_STATUS_OPTED_IN);
  CHECK(scene.set_status(member, MEMBER_STATUS_ACTIVE, scene.at(4)).has_value());
}

TEST_CASE("a kick puts out at once, a ban stays, and neither brings an office back") {
  Scene scene;
  auto kick = request_of(v1::SANCTION_KIND_KICK, v1::CLUB_ROLE_COMMITTEE);
  CHECK(scene.given(kick, scene.at(president)).end() == v1::SANCTION_END_AT_ONCE);
  CHECK(scene.row(4)->status() == MEMBER_STATUS_LEFT);
  CHECK(scene.row(4)->role() == v1::CLUB_ROLE_MEMBER);
  CHECK(scene.club.sanctions_on(4).empty());

  const auto ban =
      scene.given(request_of(v1::SANCTION_KIND_BAN, v1::CLUB_ROLE_SPONSOR), scene.at(president));
  CHECK(ban.until_ms() == 0);
  CHECK(scene.row(3)->status() == MEMBER_STATUS_BANNED);
  CHECK(code_of(may(scene.at(3), Action::read_club)) == v1::REFUSAL_CODE_NOT_FOUND);
  scene.take(scene.lift(ban, scene.at(president)));
  CHECK(scene.row(3)->status() == MEMBER_STATUS_REMOVED);
  CHECK(rule_of(scene.lift(ban, scene.at(president))) == "sanction.ended");
}

TEST_CASE("a ban for a time opens the way back through the committee when it is over") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_BAN, member, 60), scene.at(4));
  scene.now += 60'000;
  scene.lapse(member);
  CHECK(scene.row(member)->status() == MEMBER_STATUS_REMOVED);
}

TEST_CASE("a change of status to banned and back is a sanction and its end") {
  Scene scene;
  scene.take(scene.set_status(member, MEMBER_STATUS_BANNED, scene.at(4), "Publicité"));
  REQUIRE(scene.club.sanctions_on(member).size() == 1);
  CHECK(scene.club.sanctions_on(member)[0].held.kind == v1::SANCTION_KIND_BAN);
  scene.take(scene.set_status(member, MEMBER_STATUS_ACTIVE, scene.at(4)));
  CHECK(scene.club.sanctions_on(member).empty());
  // What site staff decided, the committee does not undo by another door.
  scene.take(
      scene.set_status(member, MEMBER_STATUS_BANNED, scene.at(outsider, v1::SITE_ROLE_STAFF)));
  CHECK(rule_of(scene.set_status(member, MEMBER_STATUS_ACTIVE, scene.at(president))) ==
        "sanction.by_site");
  CHECK(scene.set_status(member, MEMBER_STATUS_ACTIVE, scene.at(outsider, v1::SITE_ROLE_STAFF)));
}

TEST_CASE("nobody sanctions a peer, a superior or themselves, over every pair of roles") {
  for (int by = v1::CLUB_ROLE_GUEST; by <= v1::CLUB_ROLE_SUPERVISOR; ++by) {
    for (int on = v1::CLUB_ROLE_GUEST; on <= v1::CLUB_ROLE_SUPERVISOR; ++on) {
      for (const auto kind :
           {v1::SANCTION_KIND_WARNING, v1::SANCTION_KIND_MUTE, v1::SANCTION_KIND_SUSPENSION,
            v1::SANCTION_KIND_KICK, v1::SANCTION_KIND_BAN}) {
        const bool timed = kind == v1::SANCTION_KIND_MUTE || kind == v1::SANCTION_KIND_SUSPENSION;
        const Scene scene;
        const auto verdict =
            scene.impose(request_of(kind, static_cast<std::uint64_t>(on), timed ? 60 : 0),
                         scene.at(static_cast<std::uint64_t>(by)));
        CHECK(verdict.has_value() == (by >= v1::CLUB_ROLE_COMMITTEE && by > on));
        if (by == on && by >= v1::CLUB_ROLE_COMMITTEE) {
          CHECK(rule_of(verdict) == "sanction.own_case");
        }
      }
    }
  }
  // Site staff who are plain members of a club are above it all the same.
  const Scene scene;
  const auto warning = request_of(v1::SANCTION_KIND_WARNING, member);
  CHECK(rule_of(scene.impose(warning, scene.at(president), v1::SITE_ROLE_STAFF)) == "may.rank");
  CHECK(rule_of(scene.impose(warning, scene.at(outsider, v1::SITE_ROLE_STAFF),
                             v1::SITE_ROLE_STAFF)) == "may.rank");
  CHECK(scene.impose(warning, scene.at(outsider, v1::SITE_ROLE_OWNER), v1::SITE_ROLE_STAFF));
}

TEST_CASE("one's own sanction is not lifted, nor a superior's, nor the site's by the club") {
  Scene scene;
  const auto mute = scene.given(request_of(v1::SANCTION_KIND_MUTE, 4, 60), scene.at(president));
  CHECK(code_of(scene.lift(mute, scene.at(4))) == v1::REFUSAL_CODE_SANCTIONED);
  CHECK(code_of(scene.lift(mute, scene.at(member))) == v1::REFUSAL_CODE_FORBIDDEN);
  scene.now += 30'000;
  CHECK(scene.lift(mute, scene.at(president)));
  const auto by_site = scene.given(request_of(v1::SANCTION_KIND_MUTE, member, 60),
                                   scene.at(outsider, v1::SITE_ROLE_STAFF));
  CHECK(rule_of(scene.lift(by_site, scene.at(president))) == "sanction.by_site");
  CHECK(rule_of(scene.impose(request_of(v1::SANCTION_KIND_MUTE, member, 600),
                             scene.at(president))) == "sanction.by_site");
  CHECK(scene.lift(by_site, scene.at(outsider, v1::SITE_ROLE_STAFF)));
}

TEST_CASE("another of the same kind and scope takes the place of the one that stands") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_SUSPENSION, member, 60), scene.at(4));
  const auto decision =
      scene.take(scene.impose(request_of(v1::SANCTION_KIND_SUSPENSION, member, 600), scene.at(4)));
  REQUIRE(decision.events.size() == 2);
  CHECK(decision.events[0].event.sanction_ended().end() == v1::SANCTION_END_REPLACED);
  REQUIRE(scene.club.sanctions_on(member).size() == 1);
  CHECK(scene.club.sanctions_on(member)[0].held.sanction_id == 2);
  // Where the membership returns to is not forgotten on the way.
  CHECK(scene.club.sanctions_on(member)[0].status_before == MEMBER_STATUS_ACTIVE);
  scene.given(request_of(v1::SANCTION_KIND_MUTE, member, 60), scene.at(4));
  CHECK(scene.club.sanctions_on(member).size() == 2);
}

TEST_CASE("durations are bounded, and only what lasts has one") {
  const Scene scene;
  const auto code = [&](v1::SanctionKind kind, std::uint32_t seconds) {
    return code_of(scene.impose(request_of(kind, member, seconds), scene.at(4)));
  };
  constexpr auto yes = v1::REFUSAL_CODE_UNSPECIFIED;
  constexpr auto malformed = v1::REFUSAL_CODE_BAD_REQUEST;
  constexpr auto large = v1::REFUSAL_CODE_TOO_LARGE;
  CHECK(code(v1::SANCTION_KIND_WARNING, 0) == yes);
  CHECK(code(v1::SANCTION_KIND_WARNING, 60) == malformed);
  CHECK(code(v1::SANCTION_KIND_KICK, 60) == malformed);
  CHECK(code(v1::SANCTION_KIND_MUTE, 0) == malformed);
  CHECK(code(v1::SANCTION_KIND_MUTE, limits::sanction_min_s - 1) == malformed);
  CHECK(code(v1::SANCTION_KIND_MUTE, limits::sanction_min_s) == yes);
  CHECK(code(v1::SANCTION_KIND_MUTE, limits::mute_max_s) == yes);
  CHECK(code(v1::SANCTION_KIND_MUTE, limits::mute_max_s + 1) == large);
  CHECK(code(v1::SANCTION_KIND_SUSPENSION, 0) == malformed);
  CHECK(code(v1::SANCTION_KIND_SUSPENSION, limits::suspension_max_s + 1) == large);
  CHECK(code(v1::SANCTION_KIND_BAN, 0) == yes);
  CHECK(code(v1::SANCTION_KIND_BAN, limits::ban_max_s + 1) == large);
  CHECK(code(static_cast<v1::SanctionKind>(77), 0) == malformed);
}

TEST_CASE("a reason is always given, and its words when no code says it") {
  const Scene scene;
  auto request = request_of(v1::SANCTION_KIND_WARNING, member);
  request.set_reason(v1::REASON_CODE_UNSPECIFIED);
  CHECK(code_of(scene.impose(request, scene.at(4))) == v1::REFUSAL_CODE_BAD_REQUEST);
  request.set_reason(v1::REASON_CODE_OTHER);
  request.clear_text();
  CHECK(rule_of(scene.impose(request, scene.at(4))) == "sanction.text");
  request.set_text(" \u200b\u2060\u2800 ");  // nothing that can be seen
  CHECK(rule_of(scene.impose(request, scene.at(4))) == "sanction.text");
  request.set_text("Trois fois déjà");
  CHECK(scene.impose(request, scene.at(4)));
  request.set_note(std::string(limits::purpose_bytes + 1, 'n'));
  CHECK(code_of(scene.impose(request, scene.at(4))) == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("notes and evidence go into the private part, and evidence is the person's own words") {
  Scene scene;
  auto request = request_of(v1::SANCTION_KIND_WARNING, member);
  request.set_note("À surveiller");
  v1::MessageRef& ref = *request.add_evidence();
  ref.set_room_id(scene.room(v1::ROOM_ACCESS_ALL).room_id);
  ref.set_number(3);
  v1::Message message;
  message.set_author(member);
  message.set_body("des mots");
  const auto impose = [&](std::vector<v1::Message> evidence) {
    return impose_sanction(scene.club,
                           {.target = scene.row(member), .evidence = std::move(evidence)}, request,
                           scene.at(4), now_ms);
  };
  const auto decision = impose({message});
  REQUIRE(decision);
  CHECK(decision->events[0].private_part.note() == "À surveiller");
  CHECK(decision->events[0].private_part.evidence(0).body() == "des mots");
  CHECK(decision->events[0].event.SerializeAsString().find("surveiller") == std::string::npos);
  CHECK(decision->events[0].event.SerializeAsString().find("des mots") == std::string::npos);
  CHECK(code_of(impose({})) == v1::REFUSAL_CODE_NOT_FOUND);
  message.set_author(president);
  CHECK(rule_of(impose({message})) == "sanction.evidence");
  // A room that the moderator does not read is no room.
  ref.set_room_id(999);
  CHECK(code_of(impose({message})) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("a suspended president comes back as a committee member when the office was given away") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_SUSPENSION, president, 60),
              scene.at(v1::CLUB_ROLE_SUPERVISOR));
  CHECK(scene.club.president() == 0);
  scene.take(scene.set_role(4, v1::CLUB_ROLE_PRESIDENT, scene.at(v1::CLUB_ROLE_SUPERVISOR)));
  scene.now += 60'000;
  scene.lapse(president);
  CHECK(scene.row(president)->role() == v1::CLUB_ROLE_COMMITTEE);
  CHECK(scene.club.president() == 4);
}

TEST_CASE("a name changed elsewhere comes along when the last sanction ends") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_MUTE, member, 60), scene.at(4));
  CHECK(rename_member(*scene.row(member), "Autre Nom", scene.at(member)).events.empty());
  scene.now += 60'000;
  CHECK(!rename_member(*scene.row(member), "Autre Nom", scene.at(member)).events.empty());
  scene.lapse(member, "Autre Nom");
  CHECK(scene.row(member)->display_name() == "Autre Nom");
}

TEST_CASE("a club loaded from rows holds back whom the folded one does") {
  Scene scene;
  scene.given(request_of(v1::SANCTION_KIND_MUTE, member, 60), scene.at(4));
  const auto over = scene.given(request_of(v1::SANCTION_KIND_MUTE, 1, 60), scene.at(4));
  scene.take(scene.lift(over, scene.at(4)));
  ClubState loaded(7);
  auto row = over;
  row.set_end(v1::SANCTION_END_LIFTED);
  loaded.load(row);
  CHECK(loaded.last_sanction_id() == scene.club.last_sanction_id());
  CHECK(loaded.sanctions_on(1).empty());
  CHECK(scene.club.sanctions_on(1).empty());
  CHECK(scene.club.sanctions_on(member).size() == 1);
}

// --- The whole site

struct Banned {
  AccountState state{9};

  Banned() {
    take(open_account(state, {.login = "zoe", .display_name = "Zoé"}));
    take(issue_token(state, "hash", "phone", now_ms));
  }
  Decision take(const Result<Decision>& result) {
    REQUIRE(result);
    fold(state, *result);
    return *result;
  }
  Decision take(const Decision& decision) { return take(Result<Decision>(decision)); }
};

v1::ImposeSanction site_ban(std::uint32_t seconds) {
  auto request = request_of(v1::SANCTION_KIND_BAN, 9, seconds);
  request.set_club_id(0);
  return request;
}

TEST_CASE("a ban from the site revokes every device and lets none in until it is over") {
  Banned zoe;
  const Actor staff = actor_on_site(2, v1::SITE_ROLE_STAFF);
  const auto decision = zoe.take(ban_account(zoe.state, site_ban(60), staff, now_ms));
  CHECK(decision.events.size() == 2);
  CHECK(zoe.state.tokens().empty());
  const auto refused = issue_token(zoe.state, "h", "phone", now_ms + 59'999);
  CHECK(rule_of(refused) == "sanction.site_ban");
  CHECK(refused.error().retry_after_ms == 1);
  CHECK(issue_token(zoe.state, "h", "phone", now_ms + 60'000));
  v1::LiftSanction lift;
  lift.set_sanction_id(1);
  zoe.take(lift_account_ban(zoe.state, lift, staff, now_ms));
  CHECK(issue_token(zoe.state, "h", "phone", now_ms));
  CHECK(rule_of(lift_account_ban(zoe.state, lift, staff, now_ms)) == "sanction.ended");
  lift.set_sanction_id(2);
  CHECK(code_of(lift_account_ban(zoe.state, lift, staff, now_ms)) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE(
    "from the site bans who stands above: staff an account, the owner staff, nobody themselves") {
  Banned zoe;
  const auto request = site_ban(0);
  CHECK(code_of(ban_account(zoe.state, request, actor_on_site(2, v1::SITE_ROLE_NONE), now_ms)) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(rule_of(ban_account(zoe.state, request, actor_on_site(9, v1::SITE_ROLE_OWNER), now_ms)) ==
        "sanction.own_case");
  zoe.take(take_site_role(zoe.state, v1::SITE_ROLE_STAFF));
  CHECK(rule_of(ban_account(zoe.state, request, actor_on_site(2, v1::SITE_ROLE_STAFF), now_ms)) ==
        "may.rank");
  CHECK(ban_account(zoe.state, request, actor_on_site(2, v1::SITE_ROLE_OWNER), now_ms));
}

TEST_CASE("a refusal by a sanction says which, why and how long, in both languages") {
  Refusal refusal = refuse_held({.sanction_id = 3,
                                 .club_id = 7,
                                 .until_ms = now_ms + 7'500'000,
                                 .kind = v1::SANCTION_KIND_MUTE,
                                 .reason = v1::REASON_CODE_SPAM},
                                now_ms)
                        .error();
  const auto fr = to_wire(refusal, v1::LANGUAGE_FR);
  CHECK(fr.message() == "Vous êtes en sourdine dans ce club pour encore 2\u00a0h 5\u00a0min.");
  CHECK(fr.sanction().sanction_id() == 3);
  CHECK(fr.sanction().reason() == v1::REASON_CODE_SPAM);
  CHECK(fr.retry_after_ms() == 7'500'000);
  CHECK(to_wire(refusal, v1::LANGUAGE_EN).message() ==
        "You are muted in this club for another 2\u00a0h 5\u00a0min.");
  refusal = refuse_held({.sanction_id = 3, .kind = v1::SANCTION_KIND_BAN}, now_ms).error();
  CHECK(to_wire(refusal, v1::LANGUAGE_EN).message() == "You are banned from this club.");
}

}  // namespace
}  // namespace amicale::domain_test
