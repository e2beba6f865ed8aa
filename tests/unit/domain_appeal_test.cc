// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/appeal.h"

#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role

struct Court : World {
  store::SanctionRow row;

  explicit Court(std::uint64_t on = member, std::uint64_t by = v1::CLUB_ROLE_PRESIDENT,
                 v1::SanctionKind kind = v1::SANCTION_KIND_BAN) {
    v1::ImposeSanction request;
    request.set_account_id(on);
    request.set_kind(kind);
    if (kind == v1::SANCTION_KIND_MUTE) request.set_duration_s(3'600);
    request.set_reason(v1::REASON_CODE_SPAM);
    for (const Decided& one :
         take(impose_sanction(club, {.target = World::row(on), .consent = Consent::two}, request,
                              actor(by), now_ms))
             .events) {
      if (one.event.has_sanction_imposed())
        *row.mutable_sanction() = one.event.sanction_imposed().sanction();
    }
  }

  Result<Decision> appeal(std::uint64_t by, std::int64_t at = now_ms, std::string text = "Non") {
    v1::AppealSanction request;
    request.set_text(std::move(text));
    return appeal_sanction(club, &row, request, actor(by), at);
  }
  void open() {
    const auto said = take(appeal(row.sanction().account_id()));
    row.mutable_appeal()->set_state(v1::APPEAL_STATE_OPEN);
    row.mutable_appeal()->set_due_ms(said.events[0].event.appeal_said().due_ms());
    row.mutable_appeal()->add_lines();
  }
  Result<Decision> answer(const Actor& by) {
    v1::AnswerAppeal request;
    request.set_text("Dites-nous en plus");
    return answer_appeal(club, &row, request, by);
  }
  Result<Decision> decide(const Actor& by, bool grant) {
    v1::DecideAppeal request;
    request.set_grant(grant);
    request.set_text("Nous avons relu");
    return decide_appeal(club, &row, {.target = World::row(row.sanction().account_id())}, request,
                         by, now_ms);
  }
};

TEST_CASE("who is out of the club contests what was decided, and nobody else can") {
  Court court;
  const auto said = court.appeal(member);
  REQUIRE(said);
  CHECK(said->events[0].event.appeal_said().due_ms() == now_ms + limits::appeal_due_ms);
  CHECK(said->events[0].audience.roles() == committee_and_above);
  CHECK(said->events[0].audience.account() == member);
  CHECK(code_of(court.appeal(1)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(court.appeal(4)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(court.appeal(0)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(rule_of(court.appeal(member, now_ms, "")) == "text.blank");
  CHECK(code_of(court.appeal(member, now_ms, std::string(limits::purpose_bytes + 1, 'a'))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(court.appeal(member, now_ms + 999 * limits::appeal_after_ms));  // it still stands
  court.row.mutable_sanction()->set_end(v1::SANCTION_END_LIFTED);
  CHECK(court.appeal(member, now_ms + limits::appeal_after_ms));
  CHECK(rule_of(court.appeal(member, now_ms + limits::appeal_after_ms + 1)) == "appeal.too_late");
}

TEST_CASE("an appeal is judged by somebody else than who decided, and who ranks above the person") {
  Court court(member, v1::CLUB_ROLE_COMMITTEE);
  CHECK(code_of(court.decide(court.actor(5), true)) == v1::REFUSAL_CODE_NOT_FOUND);  // none yet
  court.open();
  CHECK(rule_of(court.decide(court.actor(4), false)) == "appeal.own_decision");
  CHECK(rule_of(court.answer(court.actor(4))) == "appeal.own_decision");
  CHECK(code_of(court.decide(court.actor(3), true)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(court.answer(court.actor(5)));
  CHECK(court.decide(court.actor(5), false)->events.size() == 1);
  court.row.mutable_sanction()->set_by_site(true);
  CHECK(rule_of(court.decide(court.actor(5), true)) == "sanction.by_site");
  CHECK(court.decide(court.actor(outsider, v1::SITE_ROLE_STAFF), true));
  court.row.mutable_appeal()->set_state(v1::APPEAL_STATE_DENIED);
  CHECK(rule_of(court.decide(court.actor(outsider, v1::SITE_ROLE_STAFF), true)) ==
        "appeal.decided");
  CHECK(rule_of(court.appeal(member)) == "appeal.decided");
}

TEST_CASE("of what two decided, neither judges the appeal") {
  Court court(member, v1::CLUB_ROLE_PRESIDENT);
  court.open();
  CHECK(court.decide(court.actor(4), false));
  court.row.mutable_sanction()->set_confirmed_by(4);
  CHECK(rule_of(court.decide(court.actor(4), false)) == "appeal.own_decision");
  CHECK(rule_of(court.answer(court.actor(4))) == "appeal.own_decision");
  CHECK(court.decide(court.actor(6), false));
}

TEST_CASE("who was acted for has decided, and so has who acts for them") {
  Court court(member, v1::CLUB_ROLE_PRESIDENT);
  court.open();
  court.row.mutable_sanction()->set_imposed_by(outsider);
  court.row.mutable_sanction()->mutable_on_behalf()->set_account_id(4);
  CHECK(rule_of(court.decide(court.actor(4), false)) == "appeal.own_decision");
  Actor acting = court.actor(6);
  CHECK(court.decide(acting, false));
  acting.acts_for = 4;
  CHECK(rule_of(court.decide(acting, false)) == "appeal.own_decision");
}

TEST_CASE("a granted appeal lifts the sanction in the same decision") {
  Court court;
  court.open();
  const auto granted = court.take(court.decide(court.actor(v1::CLUB_ROLE_SUPERVISOR), true));
  REQUIRE(granted.events.size() >= 3);
  CHECK(granted.events[0].event.appeal_decided().granted());
  CHECK(granted.events[1].event.sanction_ended().end() == v1::SANCTION_END_LIFTED);
  CHECK(court.World::row(member)->status() == v1::MEMBER_STATUS_REMOVED);
  CHECK(court.club.sanctions_on(member).empty());
}

TEST_CASE("an appeal that nobody in the club may judge is shown to site staff at once") {
  // A president who is muted keeps the office, so that the committee ranks below.
  Court of_president(v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_SUPERVISOR, v1::SANCTION_KIND_MUTE);
  CHECK(of_president.take(of_president.appeal(v1::CLUB_ROLE_PRESIDENT))
            .events[0]
            .event.appeal_said()
            .due_ms() == now_ms);
  Court by_site;
  by_site.row.mutable_sanction()->set_by_site(true);
  CHECK(by_site.take(by_site.appeal(member)).events[0].event.appeal_said().due_ms() == now_ms);
}

// A ban from the whole site, by staff 21, of account 7.
struct SiteCourt {
  AccountState account{7};
  store::SanctionRow row;

  SiteCourt() {
    store::AccountRow known;
    known.set_login("boris");
    account.load(known);
    v1::Sanction& ban = *row.mutable_sanction();
    ban.set_sanction_id(1);
    ban.set_account_id(7);
    ban.set_kind(v1::SANCTION_KIND_BAN);
    ban.set_imposed_by(21);
    ban.set_by_site(true);
    account.load(ban);
  }
  void open() {
    row.mutable_appeal()->set_state(v1::APPEAL_STATE_OPEN);
    row.mutable_appeal()->add_lines();
  }
  Result<Decision> decide(std::uint64_t by, v1::SiteRole role, bool grant = false) {
    v1::DecideAppeal request;
    request.set_grant(grant);
    request.set_text("Nous avons relu");
    return decide_site_appeal(account, &row, request, actor_on_site(by, role), now_ms);
  }
};

TEST_CASE("a ban from the site is contested by the banned, while it stands") {
  SiteCourt court;
  const auto said = appeal_site_ban(court.account, &court.row, "Non", now_ms);
  REQUIRE(said);
  CHECK(said->events[0].event.appeal_said().account_id() == 7);
  CHECK(said->events[0].audience.roles() == stream_followers);
  CHECK(rule_of(appeal_site_ban(court.account, &court.row, "", now_ms)) == "text.blank");
  CHECK(code_of(appeal_site_ban(court.account, nullptr, "Non", now_ms)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(appeal_site_ban(AccountState(8), &court.row, "Non", now_ms)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("a ban from the site is judged by staff, and not by who imposed it") {
  SiteCourt court;
  CHECK(code_of(court.decide(22, v1::SITE_ROLE_STAFF)) == v1::REFUSAL_CODE_NOT_FOUND);  // none yet
  court.open();
  CHECK(code_of(court.decide(22, v1::SITE_ROLE_NONE)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(rule_of(court.decide(21, v1::SITE_ROLE_OWNER)) == "appeal.own_decision");
  CHECK(rule_of(court.decide(7, v1::SITE_ROLE_OWNER)) == "sanction.own_case");
  CHECK(court.decide(22, v1::SITE_ROLE_STAFF)->events.size() == 1);
  const auto granted = court.decide(22, v1::SITE_ROLE_STAFF, true);
  REQUIRE(granted);
  REQUIRE(granted->events.size() == 2);
  CHECK(granted->events[1].event.sanction_ended().end() == v1::SANCTION_END_LIFTED);
  v1::AnswerAppeal answer;
  answer.set_text("Dites-nous en plus");
  CHECK(answer_site_appeal(court.account, &court.row, answer,
                           actor_on_site(22, v1::SITE_ROLE_STAFF)));
  // Whoever is of the staff is judged by the owner alone.
  store::AccountRow staff;
  staff.set_login("boris");
  staff.set_site_role(v1::SITE_ROLE_STAFF);
  court.account.load(staff);
  CHECK(rule_of(court.decide(22, v1::SITE_ROLE_STAFF)) == "may.rank");
  CHECK(court.decide(22, v1::SITE_ROLE_OWNER));
}

TEST_CASE("what is said about an appeal is bounded") {
  Court court;
  court.open();
  while (court.row.appeal().lines_size() < static_cast<int>(limits::appeal_lines)) {
    CHECK(court.appeal(member));
    court.row.mutable_appeal()->add_lines();
  }
  CHECK(code_of(court.appeal(member)) == v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(code_of(court.answer(court.actor(6))) == v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(court.decide(court.actor(6), false));
}

}  // namespace
}  // namespace amicale::domain_test
