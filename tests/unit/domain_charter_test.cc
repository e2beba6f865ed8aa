// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/charter.h"

#include <functional>
#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"
#include "server/domain/proposal.h"
#include "server/domain/sanction.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;
using enum v1::MemberStatus;

constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role
constexpr std::uint64_t officer = v1::CLUB_ROLE_COMMITTEE;
constexpr std::uint64_t president = v1::CLUB_ROLE_PRESIDENT;

v1::ProposeCharter request_of(const v1::Charter& charter) {
  v1::ProposeCharter request;
  request.set_club_id(7);
  *request.mutable_rules() = charter.rules();
  return request;
}

struct Hall : World {
  // As site staff adopt it: at once.
  void adopt(const v1::Charter& charter = default_charter()) {
    take(propose_charter(club, request_of(charter), actor(outsider, v1::SITE_ROLE_STAFF), now_ms));
  }
  Result<Decision> accept(std::uint64_t account, std::uint64_t version) const {
    v1::AcceptCharter request;
    request.set_version(version);
    return accept_charter(club, request, actor(account));
  }
  Result<Decision> post(const Actor& who) const {
    v1::PostMessage request;
    request.set_room_id(room(v1::ROOM_ACCESS_ALL).room_id);
    request.set_body("bonjour");
    return post_message({.club = &club}, request, who);
  }
};

// The default one, said a little otherwise.
v1::Charter reworded() {
  v1::Charter charter = default_charter();
  charter.mutable_rules(0)->set_fr("On se parle comme à table.");
  return charter;
}

TEST_CASE("the shipped charter is a good one, covers every reason, and begins with help") {
  const v1::Charter& charter = default_charter();
  CHECK(check_rules(charter.rules()));
  for (int reason = v1::REASON_CODE_SPAM; reason <= v1::ReasonCode_MAX; ++reason) {
    const auto* rule = find_rule(charter, static_cast<v1::ReasonCode>(reason));
    REQUIRE(rule != nullptr);
    CHECK(rule->ladder(0).measure() <= v1::MEASURE_WARNING);
  }
  CHECK(find_rule(charter, v1::REASON_CODE_UNSPECIFIED) == nullptr);
  REQUIRE(find_rule(charter, "room.slow_mode") != nullptr);
  CHECK(find_rule(charter, "room.slow_mode")->rule_id() == "pourriel");
  CHECK(find_rule(charter, "no.such") == nullptr);
}

TEST_CASE("what a charter may not be") {
  struct Row {
    const char* says;
    std::function<void(v1::Charter&)> spoil;
    v1::RefusalCode code;
    std::string rule;
  };
  const auto bad = v1::REFUSAL_CODE_BAD_REQUEST;
  const auto first = [](v1::Charter& c) { return c.mutable_rules(0); };
  const Row rows[] = {
      {"empty", [](v1::Charter& c) { c.clear_rules(); }, bad, "charter.rules"},
      {"too long",
       [](v1::Charter& c) {
         while (c.rules_size() <= static_cast<int>(limits::charter_rules)) c.add_rules();
       },
       v1::REFUSAL_CODE_TOO_LARGE, ""},
      {"an id twice", [](v1::Charter& c) { c.mutable_rules(1)->set_rule_id("respect"); }, bad,
       "charter.twice"},
      {"no id", [&](v1::Charter& c) { first(c)->clear_rule_id(); }, bad, "text.slug"},
      {"one language", [&](v1::Charter& c) { first(c)->clear_en(); }, bad, "charter.language"},
      {"a book",
       [&](v1::Charter& c) {
         first(c)->set_fr(std::string(limits::charter_sentence_bytes + 1, 'a'));
       },
       v1::REFUSAL_CODE_TOO_LARGE, ""},
      {"a reason twice", [&](v1::Charter& c) { first(c)->add_reasons(v1::REASON_CODE_SPAM); }, bad,
       "charter.twice"},
      {"no reason at all",
       [&](v1::Charter& c) { first(c)->add_reasons(static_cast<v1::ReasonCode>(77)); }, bad, ""},
      {"a detector twice", [&](v1::Charter& c) { first(c)->add_detectors("room.slow_mode"); }, bad,
       "charter.twice"},
      {"a detector with spaces", [&](v1::Charter& c) { first(c)->add_detectors("a b"); }, bad, ""},
      {"no ladder", [&](v1::Charter& c) { first(c)->clear_ladder(); }, bad, "charter.ladder"},
      {"a ladder that begins with a mute",
       [&](v1::Charter& c) {
         first(c)->mutable_ladder(0)->set_measure(v1::MEASURE_MUTE);
         first(c)->mutable_ladder(0)->set_duration_s(60);
       },
       bad, "charter.ladder"},
      {"a ban for a second mistake",
       [&](v1::Charter& c) {
         first(c)->clear_ladder();
         first(c)->add_ladder()->set_measure(v1::MEASURE_NUDGE);
         first(c)->add_ladder()->set_measure(v1::MEASURE_BAN);
       },
       bad, "charter.ladder"},
      {"a ladder that goes down",
       [&](v1::Charter& c) { first(c)->mutable_ladder(1)->set_measure(v1::MEASURE_BAN); }, bad,
       "charter.ladder"},
      {"a mute without a time",
       [&](v1::Charter& c) { first(c)->mutable_ladder(2)->clear_duration_s(); }, bad,
       "charter.ladder"},
      {"a word with a time",
       [&](v1::Charter& c) { first(c)->mutable_ladder(0)->set_duration_s(60); }, bad,
       "charter.ladder"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.says);
    v1::Charter charter = default_charter();
    row.spoil(charter);
    const auto checked = check_rules(charter.rules());
    CHECK(code_of(checked) == row.code);
    CHECK(rule_of(checked) == row.rule);
  }
}

TEST_CASE("another charter takes two of the committee, and is in force from then on") {
  Hall hall;
  const auto asked = hall.take(
      propose_charter(hall.club, request_of(default_charter()), hall.actor(officer), now_ms));
  CHECK(asked.proposal_id == 1);
  CHECK(asked.events[0].audience.roles() == committee_and_above);
  CHECK(hall.club.charter().version() == 0);
  store::ProposalRow row;
  *row.mutable_proposal() = asked.events[0].event.act_proposed().proposal();
  v1::DecideProposal confirm;
  confirm.set_confirm(true);
  CHECK(rule_of(decide_proposal(hall.club, &row, {}, confirm, hall.actor(officer), now_ms)) ==
        "proposal.own");
  CHECK(code_of(decide_proposal(hall.club, &row, {}, confirm, hall.actor(member), now_ms)) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  const auto done =
      hall.take(decide_proposal(hall.club, &row, {}, confirm, hall.actor(president), now_ms));
  REQUIRE(done.events.size() == 2);
  const auto& adopted = done.events[1].event.charter_adopted().charter();
  CHECK(done.events[1].audience.roles() == all_roles);
  CHECK(adopted.version() == 1);
  CHECK(adopted.proposed_by() == officer);
  CHECK(adopted.confirmed_by() == president);
  CHECK(hall.club.charter().version() == 1);
  CHECK(rule_of(propose_charter(hall.club, request_of(default_charter()), hall.actor(officer),
                                now_ms)) == "charter.same");
  CHECK(code_of(propose_charter(hall.club, request_of(reworded()), hall.actor(member), now_ms)) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  hall.adopt(reworded());
  CHECK(hall.club.charter().version() == 2);
}

TEST_CASE("where no charter is adopted nothing is asked") {
  Hall hall;
  CHECK(hall.post(hall.actor(member)));
  CHECK(check_joining(hall.club, 0));
  CHECK(rule_of(hall.accept(member, 1)) == "charter.none");
}

TEST_CASE(
    "whoever has not accepted the version in force reads, and says nothing, whatever their "
    "office") {
  Hall hall;
  hall.adopt();
  for (int role = v1::CLUB_ROLE_GUEST; role <= v1::CLUB_ROLE_SUPERVISOR; ++role) {
    const auto account = static_cast<std::uint64_t>(role);
    CAPTURE(role);
    const auto refused = hall.post(hall.actor(account));
    CHECK(code_of(refused) == v1::REFUSAL_CODE_CHARTER_NEEDED);
    CHECK(refused.error().quote.version == 1);
    CHECK(may(hall.actor(account), Action::read_room, {.room = &hall.room(v1::ROOM_ACCESS_ALL)}));
    CHECK(rule_of(hall.accept(account, 2)) == "charter.version");
    hall.take(hall.accept(account, 1));
    CHECK(hall.post(hall.actor(account)));
    CHECK(hall.take(hall.accept(account, 1)).events.empty());
  }
  // Keeping order stays open to who has not read it yet; and staff are not of the club.
  hall.adopt(reworded());
  CHECK(code_of(hall.post(hall.actor(officer))) == v1::REFUSAL_CODE_CHARTER_NEEDED);
  CHECK(may(hall.actor(officer), Action::mute));
  CHECK(hall.post(hall.actor(outsider, v1::SITE_ROLE_STAFF)));
  CHECK(code_of(hall.accept(outsider, 2)) == v1::REFUSAL_CODE_NOT_FOUND);
  // A muted member accepts, and is muted all the same.
  v1::ImposeSanction mute;
  mute.set_account_id(member);
  mute.set_kind(v1::SANCTION_KIND_MUTE);
  mute.set_reason(v1::REASON_CODE_SPAM);
  mute.set_duration_s(600);
  hall.take(
      impose_sanction(hall.club, {.target = hall.row(member)}, mute, hall.actor(officer), now_ms));
  hall.take(hall.accept(member, 2));
  CHECK(code_of(hall.post(hall.actor(member))) == v1::REFUSAL_CODE_SANCTIONED);
}

TEST_CASE("a charter is accepted at the door: by an invitation, and by opting in") {
  Hall hall;
  hall.adopt();
  store::InvitationRow row;
  row.mutable_invitation()->set_invitation_id(1);
  row.mutable_invitation()->set_club_id(7);
  row.mutable_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
  row.mutable_invitation()->set_max_uses(5);
  row.mutable_invitation()->set_expires_ms(now_ms + 1);
  row.mutable_invitation()->set_created_by(president);
  const auto use = [&](std::uint64_t version) {
    return use_invitation(
        hall.club,
        {.invitation = &row, .account_id = 20, .display_name = "Zoé", .charter_version = version},
        now_ms);
  };
  CHECK(rule_of(use(0)) == "charter.join");
  CHECK(rule_of(use(2)) == "charter.join");
  hall.take(use(1));
  CHECK(hall.row(20)->charter_version() == 1);
  CHECK(hall.post(hall.actor(20)));
  hall.put(21, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_INVITED);
  v1::SetMemberStatus request;
  request.set_account_id(21);
  request.set_status(MEMBER_STATUS_ACTIVE);
  CHECK(rule_of(set_member_status(hall.club, hall.row(21), request, hall.actor(21), now_ms)) ==
        "charter.join");
  request.set_charter_version(1);
  hall.take(set_member_status(hall.club, hall.row(21), request, hall.actor(21), now_ms));
  CHECK(hall.row(21)->charter_version() == 1);
  CHECK(hall.post(hall.actor(21)));
}

TEST_CASE("a sanction names the rule of its reason as it is worded then") {
  Hall hall;
  v1::ImposeSanction warning;
  warning.set_account_id(member);
  warning.set_kind(v1::SANCTION_KIND_WARNING);
  warning.set_reason(v1::REASON_CODE_ADVERTISING);
  const auto impose = [&] {
    return hall
        .take(impose_sanction(hall.club, {.target = hall.row(member)}, warning, hall.actor(officer),
                              now_ms))
        .events[0]
        .event.sanction_imposed()
        .sanction();
  };
  CHECK(!impose().has_rule());
  hall.adopt();
  const auto named = impose();
  CHECK(named.rule().rule_id() == "publicite");
  CHECK(named.rule().version() == 1);
  CHECK(named.rule().fr() == find_rule(default_charter(), v1::REASON_CODE_ADVERTISING)->fr());
}

TEST_CASE("a refusal quotes the rule in the caller's language") {
  const v1::Charter& charter = default_charter();
  Refusal refusal = refuse(v1::REFUSAL_CODE_RATE_LIMITED, "room.slow_mode").error();
  CHECK(keeps_order(refusal));
  CHECK(!to_wire(refusal, v1::LANGUAGE_FR).has_charter());
  v1::Charter adopted = charter;
  adopted.set_version(3);
  refusal.quote = quote_of(adopted, *find_rule(adopted, "room.slow_mode"));
  CHECK(to_wire(refusal, v1::LANGUAGE_EN).charter().sentence() ==
        find_rule(charter, "room.slow_mode")->en());
  CHECK(to_wire(refusal, v1::LANGUAGE_FR).charter().sentence() ==
        find_rule(charter, "room.slow_mode")->fr());
  CHECK(to_wire(refusal, v1::LANGUAGE_FR).charter().version() == 3);
  CHECK(!keeps_order(refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.pin").error()));
  CHECK(keeps_order(refuse(v1::REFUSAL_CODE_CONFLICT, "room.locked").error()));
  CHECK(keeps_order(refuse(v1::REFUSAL_CODE_CONFLICT, "spam.links").error()));
}

TEST_CASE("the ladder is climbed a step at a time, forgets after a year and what was taken back") {
  std::uint64_t id = 0;
  const auto given = [&](v1::SanctionKind kind, v1::ReasonCode reason, std::int64_t days_ago,
                         v1::SanctionEnd end = v1::SANCTION_END_LAPSED) {
    v1::Sanction sanction;
    sanction.set_sanction_id(++id);
    sanction.set_kind(kind);
    sanction.set_reason(reason);
    sanction.set_start_ms(now_ms - days_ago * 86'400'000);
    sanction.set_end(end);
    return sanction;
  };
  const auto insult = v1::REASON_CODE_INSULT;
  const auto next = [](const std::vector<v1::Sanction>& history, v1::ReasonCode reason) {
    return suggest(v1::Charter{}, history, reason, now_ms);
  };
  const auto measure = [](const v1::SuggestSanctionReply& reply) {
    return reply.rule().ladder(static_cast<int>(reply.step())).measure();
  };
  std::vector<v1::Sanction> history;
  CHECK(measure(next(history, insult)) == v1::MEASURE_NUDGE);
  history.push_back(given(v1::SANCTION_KIND_WARNING, insult, 30));
  CHECK(measure(next(history, insult)) == v1::MEASURE_MUTE);
  CHECK(next(history, insult).step() == 2);
  // The same rule by another reason; another rule does not count.
  history.push_back(given(v1::SANCTION_KIND_MUTE, v1::REASON_CODE_HARASSMENT, 20));
  history.push_back(given(v1::SANCTION_KIND_MUTE, v1::REASON_CODE_SPAM, 19));
  CHECK(next(history, insult).step() == 3);
  CHECK(next(history, insult).counted_size() == 2);
  history.push_back(given(v1::SANCTION_KIND_SUSPENSION, insult, 10, v1::SANCTION_END_LIFTED));
  CHECK(next(history, insult).step() == 3);
  history.push_back(given(v1::SANCTION_KIND_SUSPENSION, insult, 9));
  CHECK(measure(next(history, insult)) == v1::MEASURE_BAN);
  CHECK(next(history, insult).takes_two());
  history.push_back(given(v1::SANCTION_KIND_BAN, insult, 5));
  CHECK(measure(next(history, insult)) == v1::MEASURE_BAN);
  CHECK(measure(next({given(v1::SANCTION_KIND_SUSPENSION, insult, 366)}, insult)) ==
        v1::MEASURE_NUDGE);
  // Whatever the reason, nobody is put out for a first mistake.
  for (int reason = v1::REASON_CODE_SPAM; reason <= v1::ReasonCode_MAX; ++reason) {
    CHECK(measure(next({}, static_cast<v1::ReasonCode>(reason))) <= v1::MEASURE_WARNING);
  }
  // A charter in force counts, not the default one.
  v1::Charter other;
  other.set_version(4);
  CHECK(!suggest(other, history, insult, now_ms).has_rule());
}

TEST_CASE("a club loaded from rows asks for what the folded one asks for") {
  Hall hall;
  hall.adopt();
  hall.adopt(reworded());
  hall.take(hall.accept(member, 2));
  ClubState loaded(7);
  loaded.load(hall.club.club());
  loaded.load(hall.club.charter());
  v1::Member row = *hall.row(member);
  row.set_charter_version(2);
  loaded.load(row);
  CHECK(loaded.charter().version() == 2);
  CHECK(loaded.club().charter_version() == hall.club.club().charter_version());
  CHECK(loaded.find_member(member)->charter_version ==
        hall.club.find_member(member)->charter_version);
}

}  // namespace
}  // namespace amicale::domain_test
