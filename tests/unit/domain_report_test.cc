// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/report.h"

#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t hall = 1;
constexpr std::uint64_t member = v1::CLUB_ROLE_MEMBER;  // accounts are named after their role

struct Desk : World {
  v1::Message message;

  Desk() {
    message.set_room_id(hall);
    message.set_number(1);
    message.set_author(member);
    message.set_body("des mots durs");
  }

  v1::FileReport request(std::uint64_t about = 0) const {
    v1::FileReport request;
    request.set_club_id(7);
    request.set_reason(v1::REASON_CODE_INSULT);
    request.set_text("Cela blesse");
    request.set_account_id(about);
    if (about == 0) {
      request.mutable_message()->set_room_id(hall);
      request.mutable_message()->set_number(1);
    }
    return request;
  }

  Result<Decision> file(std::uint64_t by, const store::ReportRow* open = nullptr,
                        std::uint64_t about = 0) const {
    return file_report(club, {.open = open, .message = about == 0 ? &message : nullptr},
                       request(about), actor(by), now_ms);
  }

  // The row that storage makes of it.
  static store::ReportRow kept(const Decision& decision, store::ReportRow row = {}) {
    const Decided& filed = decision.events.at(0);
    v1::Report& report = *row.mutable_report();
    report.set_report_id(filed.event.report_filed().report_id());
    report.set_club_id(7);
    report.set_account_id(filed.private_part.filing().account_id());
    report.set_state(v1::REPORT_STATE_OPEN);
    report.set_reason(filed.private_part.filing().reason());
    report.set_due_ms(filed.private_part.filing().due_ms());
    report.set_filed_ms(now_ms);
    report.mutable_evidence()->MergeFrom(filed.private_part.evidence());
    row.add_reporters(filed.private_part.hidden_actor());
    return row;
  }

  Result<Decision> claim(const store::ReportRow* row, std::uint64_t by, std::int64_t at = now_ms,
                         bool release = false) const {
    v1::ClaimReport request;
    request.set_release(release);
    return claim_report(club, row, request, actor_in(club, by, v1::SITE_ROLE_NONE, at), at);
  }

  Result<Decision> resolve(const store::ReportRow* row, std::uint64_t by,
                           v1::ReportState state = v1::REPORT_STATE_DISMISSED,
                           const v1::Sanction* sanction = nullptr) const {
    v1::ResolveReport request;
    request.set_state(state);
    if (sanction != nullptr) request.set_sanction_id(sanction->sanction_id());
    return resolve_report(club, row, sanction, request, actor(by), now_ms);
  }
};

TEST_CASE("a report keeps what it is about, and no public byte says who told or what") {
  Desk desk;
  const auto filed = desk.take(desk.file(1));
  REQUIRE(filed.events.size() == 1);
  const Decided& event = filed.events[0];
  CHECK(event.event.report_filed().report_id() == 1);
  CHECK(event.audience.roles() == committee_and_above);
  CHECK(event.audience.account() == 0);
  CHECK(event.private_part.hidden_actor() == 1);
  CHECK(event.private_part.evidence(0).body() == "des mots durs");
  CHECK(event.private_part.filing().due_ms() == now_ms + limits::report_due_ms);
  v1::Event bare;
  bare.mutable_report_filed()->set_report_id(1);
  CHECK(event.event.SerializeAsString() == bare.SerializeAsString());
  CHECK(desk.club.open_reports() == 1);
}

TEST_CASE("several who tell of the same make one report; telling twice adds nothing") {
  Desk desk;
  const auto first = desk.take(desk.file(1));
  auto row = Desk::kept(first);
  CHECK(desk.take(desk.file(1, &row)).events.empty());
  desk.message.set_body("des mots doux");
  const auto second = desk.take(desk.file(3, &row));
  CHECK(second.object_id == 1);
  CHECK(second.events.at(0).private_part.evidence(0).body() == "des mots doux");
  CHECK(second.events.at(0).private_part.filing().weight() >
        first.events.at(0).private_part.filing().weight());
  row = Desk::kept(second, row);
  CHECK(row.report().evidence_size() == 2);
  // Unchanged since, it is not kept again.
  CHECK(desk.take(desk.file(5, &row)).events.at(0).private_part.evidence().empty());
  CHECK(desk.club.open_reports() == 1);
  CHECK(desk.club.last_report_id() == 1);
}

TEST_CASE("a report about somebody of the committee goes above them, and to staff at once") {
  Desk desk;
  const auto audience = [&](std::uint64_t about) {
    const auto filed = desk.file(1, nullptr, about);
    REQUIRE(filed);
    const auto& one = filed->events.at(0);
    CHECK((one.private_part.filing().due_ms() == now_ms) == (about >= 4));
    return static_cast<RoleSet>(one.audience.roles());
  };
  CHECK(audience(2) == committee_and_above);
  CHECK(audience(3) == committee_and_above);
  CHECK(audience(4) == president_and_above);
  CHECK(audience(5) == bit(v1::CLUB_ROLE_SUPERVISOR));
  CHECK(audience(6) == 0);
}

TEST_CASE("nobody judges a report about themselves, a superior, or of their own making") {
  Desk desk;
  auto row = Desk::kept(desk.take(desk.file(4)));
  CHECK(rule_of(desk.claim(&row, 4)) == "report.own");
  CHECK(rule_of(desk.resolve(&row, 4)) == "report.own");
  CHECK(desk.claim(&row, 5));
  CHECK(code_of(desk.claim(&row, 3)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(desk.claim(nullptr, 5)) == v1::REFUSAL_CODE_NOT_FOUND);
  auto about_committee = Desk::kept(*desk.file(1, nullptr, 4));
  CHECK(code_of(desk.claim(&about_committee, 4)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(desk.claim(&about_committee, 5));
  auto about_president = Desk::kept(*desk.file(1, nullptr, 5));
  CHECK(code_of(desk.claim(&about_president, 4)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(desk.resolve(&about_president, 5)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(desk.resolve(&about_president, 6));
  CHECK(!may_judge(about_committee.report(), v1::CLUB_ROLE_COMMITTEE, desk.actor(4)));
  CHECK(may_judge(about_committee.report(), v1::CLUB_ROLE_COMMITTEE, desk.actor(5)));
}

TEST_CASE("a claim keeps others off for half an hour, and may be given back") {
  Desk desk;
  auto row = Desk::kept(desk.take(desk.file(1)));
  const auto claimed = desk.claim(&row, 4);
  REQUIRE(claimed);
  CHECK(claimed->events.at(0).event.report_claimed().account_id() == 4);
  row.mutable_report()->set_claimed_by(4);
  row.mutable_report()->set_claimed_until_ms(now_ms + limits::report_claim_ms);
  CHECK(rule_of(desk.resolve(&row, 5)) == "report.claimed");
  CHECK(rule_of(desk.claim(&row, 5)) == "report.claimed");
  CHECK(desk.claim(&row, 5).error().retry_after_ms == limits::report_claim_ms);
  CHECK(desk.claim(&row, 5, now_ms + limits::report_claim_ms));
  CHECK(desk.claim(&row, 4, now_ms, true)->events.at(0).event.report_claimed().account_id() == 0);
  CHECK(desk.resolve(&row, 4));
}

TEST_CASE("a report is closed once, by a word or by a sanction on whom it is about") {
  Desk desk;
  auto row = Desk::kept(desk.take(desk.file(1)));
  CHECK(code_of(desk.resolve(&row, 4, v1::REPORT_STATE_OPEN)) == v1::REFUSAL_CODE_BAD_REQUEST);
  v1::Sanction sanction;
  sanction.set_sanction_id(9);
  sanction.set_account_id(member);
  CHECK(code_of(desk.resolve(&row, 4, v1::REPORT_STATE_DISMISSED, &sanction)) ==
        v1::REFUSAL_CODE_BAD_REQUEST);
  CHECK(desk.resolve(&row, 4, v1::REPORT_STATE_ACTED, &sanction));
  sanction.set_account_id(1);
  CHECK(code_of(desk.resolve(&row, 4, v1::REPORT_STATE_ACTED, &sanction)) ==
        v1::REFUSAL_CODE_BAD_REQUEST);
  desk.take(desk.resolve(&row, 4));
  CHECK(desk.club.open_reports() == 0);
  row.mutable_report()->set_state(v1::REPORT_STATE_DISMISSED);
  CHECK(rule_of(desk.resolve(&row, 5)) == "report.resolved");
}

TEST_CASE("what can't be reported is said, and one member can't bury the queue") {
  Desk desk;
  CHECK(rule_of(desk.file(member)) == "report.oneself");
  CHECK(rule_of(desk.file(1, nullptr, 1)) == "report.oneself");
  CHECK(code_of(desk.file(outsider)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(desk.file(1, nullptr, 777)) == v1::REFUSAL_CODE_NOT_FOUND);
  desk.message.set_author(0);
  CHECK(rule_of(desk.file(1)) == "report.imported");
  desk.message.set_author(member);
  auto request = desk.request();
  const auto code = [&](std::uint32_t open) {
    return code_of(file_report(desk.club, {.message = &desk.message, .open_by_actor = open},
                               request, desk.actor(1), now_ms));
  };
  CHECK(code(limits::open_reports_of_one - 1) == v1::REFUSAL_CODE_UNSPECIFIED);
  CHECK(code(limits::open_reports_of_one) == v1::REFUSAL_CODE_CAPACITY);
  request.set_account_id(3);  // the message is somebody else's
  CHECK(code(0) == v1::REFUSAL_CODE_BAD_REQUEST);
  request = desk.request();
  request.mutable_message()->set_room_id(5);  // the committee's room
  CHECK(code(0) == v1::REFUSAL_CODE_NOT_FOUND);
  // Whoever is muted can still tell.
  v1::Event muted;
  v1::Sanction& mute = *muted.mutable_sanction_imposed()->mutable_sanction();
  mute.set_sanction_id(1);
  mute.set_account_id(1);
  mute.set_kind(v1::SANCTION_KIND_MUTE);
  desk.club.apply(muted);
  CHECK(desk.file(1));
}

TEST_CASE("the score grows with who told, with gravity and with waiting") {
  v1::Report report;
  report.set_filed_ms(now_ms);
  report.set_reason(v1::REASON_CODE_SPAM);
  const auto plain = score_of(report, 2, now_ms);
  CHECK(score_of(report, 4, now_ms) > plain);
  CHECK(score_of(report, 2, now_ms + 5 * 3'600'000) == plain + 5);
  CHECK(score_of(report, 2, now_ms + 500 * 3'600'000ll) == plain + 48);
  report.set_reason(v1::REASON_CODE_HATE);
  CHECK(score_of(report, 2, now_ms) > plain);
}

}  // namespace
}  // namespace amicale::domain_test
