// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/proposal.h"

#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"
#include "server/domain/sanction.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;
using enum v1::MemberStatus;

constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role
constexpr std::uint64_t officer = v1::CLUB_ROLE_COMMITTEE;
constexpr std::uint64_t president = v1::CLUB_ROLE_PRESIDENT;
constexpr std::uint64_t supervisor = v1::CLUB_ROLE_SUPERVISOR;
constexpr std::uint64_t second = 24;  // another of the committee

v1::ImposeSanction request_of(v1::SanctionKind kind, std::uint64_t account,
                              std::uint32_t seconds = 0) {
  v1::ImposeSanction request;
  request.set_club_id(7);
  request.set_account_id(account);
  request.set_kind(kind);
  request.set_reason(v1::REASON_CODE_ADVERTISING);
  request.set_text("Trois fois déjà");
  request.set_note("vu le 3");
  request.set_duration_s(seconds);
  return request;
}

struct Table : World {
  std::int64_t now = now_ms;
  store::ProposalRow row;  // the last one, as storage keeps it

  Table() { join(second, v1::CLUB_ROLE_COMMITTEE); }

  Actor at(std::uint64_t account, v1::SiteRole site = v1::SITE_ROLE_NONE) const {
    return actor_in(club, account, site, now);
  }
  Result<Decision> impose(const v1::ImposeSanction& request, const Actor& who) const {
    return impose_sanction(club, {.target = World::row(request.account_id())}, request, who, now);
  }
  // What a rule decided, folded; a proposal among it becomes the row.
  Decision keep(Result<Decision> result) {
    Decision decision = take(std::move(result));
    for (const Decided& one : decision.events) {
      if (one.event.has_act_proposed()) {
        row.Clear();
        *row.mutable_proposal() = one.event.act_proposed().proposal();
        *row.mutable_evidence() = one.private_part.evidence();
      } else if (one.event.has_proposal_closed() &&
                 one.event.proposal_closed().proposal_id() == row.proposal().proposal_id()) {
        row.mutable_proposal()->set_state(one.event.proposal_closed().state());
      }
    }
    return decision;
  }
  void proposed(std::uint64_t by = officer, std::uint64_t on = member) {
    keep(impose(request_of(v1::SANCTION_KIND_BAN, on), at(by)));
  }
  SecondFacts facts() const { return {.target = World::row(row.proposal().account_id())}; }
  Result<Decision> answer(bool confirm, const Actor& who, std::string text = "Vu") const {
    v1::DecideProposal request;
    request.set_confirm(confirm);
    request.set_text(std::move(text));
    return decide_proposal(club, &row, facts(), request, who, now);
  }
  Result<Decision> withdraw(const Actor& who) const {
    return withdraw_proposal(club, &row, facts(), who, now);
  }
};

TEST_CASE("what puts somebody out of the club waits for a second member, and nothing else does") {
  struct Row {
    v1::SanctionKind kind;
    std::uint32_t seconds;
    v1::MemberStatus from;
    bool waits;
  };
  const Row rows[] = {
      {v1::SANCTION_KIND_WARNING, 0, MEMBER_STATUS_ACTIVE, false},
      {v1::SANCTION_KIND_MUTE, 60, MEMBER_STATUS_ACTIVE, false},
      {v1::SANCTION_KIND_SUSPENSION, limits::suspension_max_s, MEMBER_STATUS_ACTIVE, false},
      {v1::SANCTION_KIND_KICK, 0, MEMBER_STATUS_ACTIVE, true},
      {v1::SANCTION_KIND_KICK, 0, MEMBER_STATUS_PAUSED, true},
      {v1::SANCTION_KIND_KICK, 0, MEMBER_STATUS_SUSPENDED, true},
      {v1::SANCTION_KIND_KICK, 0, MEMBER_STATUS_OPTED_IN, false},
      {v1::SANCTION_KIND_KICK, 0, MEMBER_STATUS_INVITED, false},
      {v1::SANCTION_KIND_BAN, 0, MEMBER_STATUS_ACTIVE, true},
      {v1::SANCTION_KIND_BAN, 60, MEMBER_STATUS_ACTIVE, true},
      {v1::SANCTION_KIND_BAN, 0, MEMBER_STATUS_LEFT, true},
      {v1::SANCTION_KIND_BAN, 60, MEMBER_STATUS_OPTED_IN, true},
  };
  for (const Row& one : rows) {
    CAPTURE(static_cast<int>(one.kind));
    CAPTURE(static_cast<int>(one.from));
    Table table;
    table.put(member, v1::CLUB_ROLE_MEMBER, one.from);
    const auto decision =
        table.keep(table.impose(request_of(one.kind, member, one.seconds), table.at(officer)));
    CHECK((decision.proposal_id != 0) == one.waits);
    CHECK((decision.object_id == 0) == one.waits);
    CHECK(table.club.open_proposals().size() == (one.waits ? 1 : 0));
    if (one.waits) CHECK(table.World::row(member)->status() == one.from);
    // Site staff answer for a club from outside it.
    const auto staff = Table().impose(request_of(one.kind, member, one.seconds),
                                      Table().at(outsider, v1::SITE_ROLE_STAFF));
    REQUIRE(staff);
    CHECK(staff->proposal_id == 0);
  }
}

TEST_CASE("a status that ends a membership waits too, and one that lets nobody in does not") {
  const std::pair<v1::MemberStatus, v1::MemberStatus> waiting[] = {
      {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_REMOVED},
      {MEMBER_STATUS_PAUSED, MEMBER_STATUS_REMOVED},
      {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_REMOVED},
      {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_BANNED},
      {MEMBER_STATUS_LEFT, MEMBER_STATUS_BANNED},
      {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_BANNED}};
  for (const auto& [from, to] : waiting) {
    Table table;
    table.put(member, v1::CLUB_ROLE_MEMBER, from);
    const auto decision =
        table.keep(table.set_status(member, to, table.at(officer), "Assez", Consent::one));
    CHECK(decision.proposal_id == 1);
    CHECK(table.row.proposal().status() == to);
    CHECK(table.row.proposal().text() == "Assez");
    CHECK(table.World::row(member)->status() == from);
    table.keep(table.answer(true, table.at(second)));
    CHECK(table.World::row(member)->status() == to);
    CHECK(table.club.sanctions_on(member).size() == (to == MEMBER_STATUS_BANNED ? 1 : 0));
  }
  const std::pair<v1::MemberStatus, v1::MemberStatus> at_once[] = {
      {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_PAUSED},
      {MEMBER_STATUS_INVITED, MEMBER_STATUS_REMOVED},
      {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_REFUSED}};
  for (const auto& [from, to] : at_once) {
    Table table;
    table.put(member, v1::CLUB_ROLE_MEMBER, from);
    table.keep(table.set_status(member, to, table.at(officer), {}, Consent::one));
    CHECK(table.World::row(member)->status() == to);
  }
}

TEST_CASE("a proposal is told to those above the person, never to the person") {
  Table table;
  const auto decision =
      table.keep(table.impose(request_of(v1::SANCTION_KIND_BAN, member), table.at(officer)));
  REQUIRE(decision.events.size() == 1);
  CHECK(decision.events[0].audience.roles() == committee_and_above);
  CHECK(decision.events[0].audience.account() == 0);
  CHECK(table.row.proposal().proposed_by() == officer);
  CHECK(table.row.proposal().expires_ms() == now_ms + limits::proposal_ms);
  Table about_officer;
  const auto above = about_officer.keep(about_officer.impose(
      request_of(v1::SANCTION_KIND_BAN, officer), about_officer.at(president)));
  CHECK(above.events[0].audience.roles() == president_and_above);
  CHECK(code_of(about_officer.answer(true, about_officer.at(officer))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(about_officer.answer(true, about_officer.at(second))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(about_officer.answer(true, about_officer.at(supervisor)));
}

TEST_CASE("confirmed, it happens in the same commit under both names") {
  Table table;
  table.proposed();
  table.now += 5'000;
  const auto done = table.keep(table.answer(true, table.at(second)));
  REQUIRE(done.events.size() >= 3);
  CHECK(done.object_id == 1);
  CHECK(done.events[0].event.proposal_closed().state() == v1::PROPOSAL_STATE_CONFIRMED);
  CHECK(done.events[0].event.proposal_closed().sanction_id() == 1);
  CHECK(done.events[0].audience.account() == 0);
  const auto& sanction = done.events[1].event.sanction_imposed().sanction();
  CHECK(sanction.imposed_by() == officer);
  CHECK(sanction.confirmed_by() == second);
  CHECK(sanction.start_ms() == table.now);
  CHECK(sanction.text() == "Trois fois déjà");
  CHECK(done.events[1].private_part.note() == "vu le 3");
  CHECK(table.World::row(member)->status() == MEMBER_STATUS_BANNED);
  CHECK(table.club.open_proposals().empty());
  CHECK(rule_of(table.answer(true, table.at(president))) == "proposal.closed");
}

TEST_CASE("who confirms is neither who proposed nor whom it is about, and could do it alone") {
  // Over every role: a member is judged by whoever of the committee did not propose it.
  for (int by = v1::CLUB_ROLE_GUEST; by <= v1::CLUB_ROLE_SUPERVISOR; ++by) {
    Table table;
    table.proposed();
    const auto verdict = table.answer(true, table.at(static_cast<std::uint64_t>(by)));
    CHECK(verdict.has_value() == (by > v1::CLUB_ROLE_COMMITTEE));
    if (by == v1::CLUB_ROLE_COMMITTEE) CHECK(rule_of(verdict) == "proposal.own");
    if (by < v1::CLUB_ROLE_COMMITTEE) CHECK(code_of(verdict) == v1::REFUSAL_CODE_FORBIDDEN);
  }
  Table table;
  table.proposed();
  CHECK(code_of(table.answer(true, table.at(outsider))) == v1::REFUSAL_CODE_NOT_FOUND);
  // Muted officers judge nothing.
  table.take(table.impose(request_of(v1::SANCTION_KIND_MUTE, second, 600), table.at(president)));
  CHECK(code_of(table.answer(true, table.at(second))) == v1::REFUSAL_CODE_SANCTIONED);
}

TEST_CASE("site staff confirm only where the club has nobody else who could") {
  Table table;
  table.proposed();
  const Actor staff = table.at(outsider, v1::SITE_ROLE_STAFF);
  CHECK(rule_of(table.answer(true, staff)) == "proposal.staff");
  CHECK(table.answer(false, staff));
  for (const std::uint64_t other : {second, president, supervisor}) {
    table.put(other, v1::CLUB_ROLE_COMMITTEE, MEMBER_STATUS_PAUSED);
  }
  const auto done = table.keep(table.answer(true, staff));
  const auto& sanction = done.events[1].event.sanction_imposed().sanction();
  CHECK(sanction.imposed_by() == officer);
  CHECK(sanction.confirmed_by() == outsider);
  CHECK(!sanction.by_site());  // it is the club's, which may lift it
}

TEST_CASE("a proposal is worth what who made it is worth when it is confirmed") {
  Table table;
  table.proposed();
  table.take(table.set_role(officer, v1::CLUB_ROLE_MEMBER, table.at(president)));
  CHECK(rule_of(table.answer(true, table.at(second))) == "proposal.proposer");
  CHECK(table.answer(false, table.at(second)));
  // And what can't be done any more is not: the person has an office now.
  Table later;
  later.proposed();
  later.take(later.set_role(member, v1::CLUB_ROLE_COMMITTEE, later.at(president)));
  CHECK(code_of(later.answer(true, later.at(second))) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("declining says why, and withdrawing is for who proposed it") {
  Table table;
  table.proposed();
  CHECK(rule_of(table.answer(false, table.at(second), "")) == "text.blank");
  CHECK(
      code_of(table.answer(false, table.at(second), std::string(limits::purpose_bytes + 1, 'a'))) ==
      v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(rule_of(table.answer(false, table.at(officer))) == "proposal.own");
  CHECK(rule_of(table.withdraw(table.at(second))) == "proposal.not_own");
  const auto declined = table.keep(table.answer(false, table.at(second), "Trop tôt"));
  REQUIRE(declined.events.size() == 1);
  CHECK(declined.events[0].event.proposal_closed().state() == v1::PROPOSAL_STATE_DECLINED);
  CHECK(declined.events[0].event.proposal_closed().text() == "Trop tôt");
  CHECK(table.World::row(member)->status() == MEMBER_STATUS_ACTIVE);
  CHECK(rule_of(table.withdraw(table.at(officer))) == "proposal.closed");
  table.proposed();
  CHECK(table.row.proposal().proposal_id() == 2);
  table.keep(table.withdraw(table.at(officer)));
  CHECK(table.club.open_proposals().empty());
}

TEST_CASE("nobody confirms a proposal after its time, and the next one says that it is over") {
  Table table;
  table.proposed();
  table.now += limits::proposal_ms - 1;
  CHECK(table.answer(true, table.at(second)));
  table.now += 1;
  CHECK(state_at(table.row.proposal(), table.now) == v1::PROPOSAL_STATE_EXPIRED);
  CHECK(rule_of(table.answer(true, table.at(second))) == "proposal.expired");
  CHECK(rule_of(table.withdraw(table.at(officer))) == "proposal.expired");
  const auto anew =
      table.keep(table.impose(request_of(v1::SANCTION_KIND_BAN, member), table.at(second)));
  REQUIRE(anew.events.size() == 2);
  CHECK(anew.events[0].event.act_proposed().proposal().proposal_id() == 2);
  CHECK(anew.events[1].event.proposal_closed().proposal_id() == 1);
  CHECK(anew.events[1].event.proposal_closed().state() == v1::PROPOSAL_STATE_EXPIRED);
  CHECK(table.club.open_proposals().size() == 1);
}

TEST_CASE("about one person one proposal waits, and not too many in all") {
  Table table;
  table.proposed();
  const auto again = table.impose(request_of(v1::SANCTION_KIND_KICK, member), table.at(second));
  CHECK(rule_of(again) == "proposal.waits");
  CHECK(again.error().actual == 1);
  for (std::uint64_t i = 1; i < limits::open_proposals; ++i) {
    table.put(1'000 + i, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_ACTIVE);
    table.proposed(officer, 1'000 + i);
  }
  table.put(2'000, v1::CLUB_ROLE_MEMBER, MEMBER_STATUS_ACTIVE);
  const auto many = table.impose(request_of(v1::SANCTION_KIND_BAN, 2'000), table.at(officer));
  CHECK(rule_of(many) == "proposal.many");
  CHECK(many.error().limit == limits::open_proposals);
}

TEST_CASE("what an act can't do is refused when it is proposed, not when it is confirmed") {
  Table table;
  CHECK(rule_of(table.impose(request_of(v1::SANCTION_KIND_BAN, second), table.at(officer))) ==
        "may.rank");
  CHECK(rule_of(table.impose(request_of(v1::SANCTION_KIND_BAN, officer), table.at(officer))) ==
        "sanction.own_case");
  CHECK(code_of(table.impose(request_of(v1::SANCTION_KIND_BAN, 777), table.at(officer))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(table.impose(request_of(v1::SANCTION_KIND_BAN, member, limits::ban_max_s + 1),
                             table.at(officer))) == v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(code_of(table.impose(request_of(v1::SANCTION_KIND_BAN, officer), table.at(member))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
}

TEST_CASE("a club loaded from rows waits for what the folded one waits for") {
  Table table;
  table.proposed();
  const v1::Proposal closed = table.row.proposal();
  table.keep(table.withdraw(table.at(officer)));
  table.proposed(officer, 1);
  ClubState loaded(7);
  loaded.load(table.row.proposal());
  v1::Proposal gone = closed;
  gone.set_state(v1::PROPOSAL_STATE_WITHDRAWN);
  loaded.load(gone);
  CHECK(loaded.last_proposal_id() == table.club.last_proposal_id());
  REQUIRE(loaded.open_proposals().size() == 1);
  CHECK(table.club.open_proposals().size() == 1);
  CHECK(loaded.open_proposals()[0].proposal_id == 2);
  CHECK(loaded.open_proposals()[0].account_id == 1);
}

}  // namespace
}  // namespace amicale::domain_test
