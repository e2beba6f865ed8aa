// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/on_behalf.h"

#include "domain_world.h"
#include "server/commands/on_behalf.h"
#include "server/domain/proposal.h"
#include "server/domain/sanction.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role
constexpr std::uint64_t officer = v1::CLUB_ROLE_COMMITTEE;
constexpr std::uint64_t president = v1::CLUB_ROLE_PRESIDENT;
constexpr std::uint64_t supervisor = v1::CLUB_ROLE_SUPERVISOR;

struct Office : World {
  Actor staff() const { return actor(outsider, v1::SITE_ROLE_STAFF); }
  // As the commands ask it.
  Result<Decision> impose(const v1::ImposeSanction& request, const Actor& who) const {
    return commands::decide_for(club, request, who, [&](const Actor& acting) {
      return impose_sanction(club, {.target = row(request.account_id())}, request, acting, now_ms);
    });
  }
  static v1::ImposeSanction request_of(v1::SanctionKind kind, std::uint64_t on,
                                       std::uint64_t behalf) {
    v1::ImposeSanction request;
    request.set_club_id(7);
    request.set_account_id(on);
    request.set_kind(kind);
    request.set_reason(v1::REASON_CODE_INSULT);
    if (kind == v1::SANCTION_KIND_MUTE) request.set_duration_s(600);
    request.mutable_on_behalf()->set_account_id(behalf);
    return request;
  }
};

TEST_CASE("staff and the supervisor act for the committee, and nobody else does, over every role") {
  const Office office;
  const auto mute = Office::request_of(v1::SANCTION_KIND_MUTE, member, 0);
  for (int role = v1::CLUB_ROLE_GUEST; role <= v1::CLUB_ROLE_SUPERVISOR; ++role) {
    const auto verdict = office.impose(mute, office.actor(static_cast<std::uint64_t>(role)));
    CHECK(verdict.has_value() == (role == v1::CLUB_ROLE_SUPERVISOR));
    if (!verdict) CHECK(rule_of(verdict) == "may.act_on_behalf");
  }
  CHECK(office.impose(mute, office.staff()));
  CHECK(office.impose(mute, office.actor(outsider, v1::SITE_ROLE_OWNER)));
  CHECK(code_of(office.impose(mute, office.actor(outsider))) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("one acts for somebody else who is of the committee now") {
  Office office;
  const auto for_whom = [&](std::uint64_t account) {
    return rule_of(
        office.impose(Office::request_of(v1::SANCTION_KIND_MUTE, member, account), office.staff()));
  };
  CHECK(for_whom(officer).empty());
  CHECK(for_whom(president).empty());
  CHECK(for_whom(member) == "behalf.officer");
  CHECK(for_whom(supervisor) == "behalf.officer");
  CHECK(for_whom(777) == "behalf.officer");
  office.put(officer, v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_PAUSED);
  CHECK(for_whom(officer) == "behalf.officer");
  office.put(outsider, v1::CLUB_ROLE_COMMITTEE, v1::MEMBER_STATUS_ACTIVE);
  CHECK(for_whom(outsider) == "behalf.officer");  // oneself
}

TEST_CASE("the act is the club's, by the rights of who is acted for, under both names") {
  Office office;
  const auto done = office.take(
      office.impose(Office::request_of(v1::SANCTION_KIND_MUTE, member, officer), office.staff()));
  const auto& imposed = done.events[0].event;
  CHECK(imposed.on_behalf().account_id() == officer);
  const auto& sanction = imposed.sanction_imposed().sanction();
  CHECK(sanction.imposed_by() == outsider);
  REQUIRE(sanction.has_on_behalf());
  CHECK(sanction.on_behalf().account_id() == officer);
  CHECK(!sanction.by_site());
  v1::LiftSanction lift;
  CHECK(lift_sanction(office.club, &sanction, {.target = office.row(member)}, lift,
                      office.actor(president), now_ms));
  // An officer does not reach a peer, nor does who acts for them; the committee's word is its president's.
  CHECK(rule_of(office.impose(Office::request_of(v1::SANCTION_KIND_MUTE, president, officer),
                              office.staff())) == "may.rank");
  CHECK(rule_of(office.impose(Office::request_of(v1::SANCTION_KIND_MUTE, officer, officer),
                              office.staff())) == "may.rank");
  CHECK(office.impose(Office::request_of(v1::SANCTION_KIND_MUTE, officer, 0), office.staff()));
  // By their own office, what staff impose is the site's, and names nobody else.
  auto own = Office::request_of(v1::SANCTION_KIND_MUTE, 1, 0);
  own.clear_on_behalf();
  const auto by_site = office.take(office.impose(own, office.staff()));
  CHECK(by_site.events[0].event.sanction_imposed().sanction().by_site());
  CHECK(!by_site.events[0].event.has_on_behalf());
}

TEST_CASE("what takes two of the committee takes a second one for whoever acts for it") {
  Office office;
  const auto asked = office.take(
      office.impose(Office::request_of(v1::SANCTION_KIND_BAN, member, officer), office.staff()));
  CHECK(asked.proposal_id == 1);
  store::ProposalRow row;
  *row.mutable_proposal() = asked.events[0].event.act_proposed().proposal();
  CHECK(row.proposal().proposed_by() == outsider);
  CHECK(row.proposal().on_behalf().account_id() == officer);
  const SecondFacts facts{.target = office.row(member), .proposer_site_role = v1::SITE_ROLE_STAFF};
  v1::DecideProposal confirm;
  confirm.set_confirm(true);
  CHECK(rule_of(decide_proposal(office.club, &row, facts, confirm, office.staff(), now_ms)) ==
        "proposal.own");
  // The officer's word is not seconded by themselves.
  CHECK(rule_of(decide_proposal(office.club, &row, facts, confirm, office.actor(officer),
                                now_ms)) == "proposal.own");
  const auto done = office.take(
      decide_proposal(office.club, &row, facts, confirm, office.actor(president), now_ms));
  const auto& sanction = done.events[1].event.sanction_imposed().sanction();
  CHECK(sanction.imposed_by() == outsider);
  CHECK(sanction.confirmed_by() == president);
  CHECK(sanction.on_behalf().account_id() == officer);
  CHECK(!sanction.by_site());
}

}  // namespace
}  // namespace amicale::domain_test
