// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/report.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

v1::ClubRole role_of(const ClubState& club, std::uint64_t account_id) {
  const MemberState* member = club.find_member(account_id);
  return member != nullptr ? member->role : v1::CLUB_ROLE_UNSPECIFIED;
}

// What the word of somebody counts: a guest's less than a member's, an office's more.
std::uint32_t weight_of(const Actor& actor) {
  if (actor.role == v1::CLUB_ROLE_GUEST) return 1;
  return rank(actor.role) > rank(v1::CLUB_ROLE_MEMBER) ? 3 : 2;
}

Result<void> check_words(const v1::FileReport& request) {
  if (request.reason() == v1::REASON_CODE_UNSPECIFIED ||
      !v1::ReasonCode_IsValid(request.reason())) {
    return bad_request("reason");
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return checked;
  }
  if (request.reason() == v1::REASON_CODE_OTHER && is_blank(request.text())) {
    return bad_request("text", "sanction.text");
  }
  return {};
}

// Whom it is about.
Result<std::uint64_t> subject_of(const ClubState& club, const FilingFacts& facts,
                                 const v1::FileReport& request, const Actor& actor) {
  std::uint64_t subject = request.account_id();
  if (request.has_message()) {
    if (auto reads =
            may(actor, Action::read_room, {.room = club.find_room(request.message().room_id())});
        !reads) {
      return std::unexpected(reads.error());
    }
    if (facts.message == nullptr) return not_found();
    if (facts.message->author() == 0) return bad_request("message", "report.imported");
    if (subject != 0 && subject != facts.message->author()) {
      return bad_request("account_id", "sanction.evidence");
    }
    subject = facts.message->author();
  }
  if (subject == actor.account_id) return bad_request("account_id", "report.oneself");
  const MemberState* member = club.find_member(subject);
  if (member == nullptr) return not_found();
  // Of a person alone, only while they are here; of a message, also when its author is gone.
  if (!request.has_message() && !has(placed, member->status)) return not_found();
  return subject;
}

// What claiming and resolving share: who may at all, and whether this report is there for them.
Result<void> check_judge(const ClubState& club, const store::ReportRow* row, const Actor& actor,
                         std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::handle_reports); !allowed) return allowed;
  if (row == nullptr) return not_found();
  const v1::Report& report = row->report();
  if (!may_judge(report, role_of(club, report.account_id()), actor)) return not_found();
  const auto& reporters = row->reporters();
  if (actor.account_id != 0 && std::ranges::find(reporters, actor.account_id) != reporters.end()) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "report.own");
  }
  if (report.state() != v1::REPORT_STATE_OPEN) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "report.resolved");
  }
  const bool taken = report.claimed_by() != 0 && report.claimed_by() != actor.account_id &&
                     report.claimed_until_ms() > now_ms;
  if (taken) {
    auto refusal = refuse(v1::REFUSAL_CODE_CONFLICT, "report.claimed");
    refusal.error().retry_after_ms = static_cast<std::uint32_t>(report.claimed_until_ms() - now_ms);
    return refusal;
  }
  return {};
}

}  // namespace

Result<Decision> file_report(const ClubState& club, const FilingFacts& facts,
                             const v1::FileReport& request, const Actor& actor,
                             std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::file_report); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_words(request); !checked) return std::unexpected(checked.error());
  const Result<std::uint64_t> subject = subject_of(club, facts, request, actor);
  if (!subject) return std::unexpected(subject.error());

  Decision decision;
  if (facts.open != nullptr) {
    decision.object_id = facts.open->report().report_id();
    const auto& reporters = facts.open->reporters();
    if (std::ranges::find(reporters, actor.account_id) != reporters.end()) return decision;
  } else {
    decision.object_id = club.last_report_id() + 1;
    if (club.open_reports() >= limits::open_reports) {
      return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CAPACITY,
                                     .rule_id = "report.many",
                                     .limit = limits::open_reports,
                                     .actual = club.open_reports()});
    }
  }
  if (facts.open_by_actor >= limits::open_reports_of_one) {
    return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CAPACITY,
                                   .rule_id = "report.many",
                                   .limit = limits::open_reports_of_one,
                                   .actual = facts.open_by_actor});
  }
  const v1::ClubRole role = role_of(club, *subject);
  Decided& filed = decision.add(committee_above(role));
  filed.event.mutable_report_filed()->set_report_id(decision.object_id);
  filed.private_part.set_hidden_actor(actor.account_id);
  store::Filing& filing = *filed.private_part.mutable_filing();
  filing.set_account_id(*subject);
  if (request.has_message()) *filing.mutable_message() = request.message();
  filing.set_reason(request.reason());
  const v1::Report known = facts.open != nullptr ? facts.open->report() : v1::Report();
  if (static_cast<std::uint32_t>(known.texts_size()) < limits::report_texts) {
    filing.set_text(request.text());
  }
  filing.set_weight(weight_of(actor));
  // About somebody of the committee, site staff see it at once: the committee is not its own judge.
  const bool of_committee = has(committee_and_above, role);
  filing.set_due_ms(of_committee ? now_ms : now_ms + limits::report_due_ms);
  // Kept once, and again when its author has changed it since.
  const auto kept = static_cast<std::uint32_t>(known.evidence_size());
  const bool same = kept != 0 && facts.message != nullptr &&
                    known.evidence().rbegin()->body() == facts.message->body();
  if (facts.message != nullptr && !same && kept < limits::report_texts) {
    *filed.private_part.add_evidence() = *facts.message;
  }
  return decision;
}

Result<Decision> claim_report(const ClubState& club, const store::ReportRow* row,
                              const v1::ClaimReport& request, const Actor& actor,
                              std::int64_t now_ms) {
  if (auto judge = check_judge(club, row, actor, now_ms); !judge) {
    return std::unexpected(judge.error());
  }
  const v1::Report& report = row->report();
  Decision decision{.object_id = report.report_id()};
  const bool mine = report.claimed_by() == actor.account_id && report.claimed_until_ms() > now_ms;
  if (request.release() && !mine) return decision;
  v1::ReportClaimed& claimed = *decision.add(committee_above(role_of(club, report.account_id())))
                                    .event.mutable_report_claimed();
  claimed.set_report_id(report.report_id());
  if (request.release()) return decision;
  claimed.set_account_id(actor.account_id);
  claimed.set_until_ms(now_ms + limits::report_claim_ms);
  return decision;
}

Result<Decision> resolve_report(const ClubState& club, const store::ReportRow* row,
                                const v1::Sanction* sanction, const v1::ResolveReport& request,
                                const Actor& actor, std::int64_t now_ms) {
  if (auto judge = check_judge(club, row, actor, now_ms); !judge) {
    return std::unexpected(judge.error());
  }
  if (request.state() != v1::REPORT_STATE_DISMISSED && request.state() != v1::REPORT_STATE_ACTED) {
    return bad_request("state");
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  const v1::Report& report = row->report();
  if (request.sanction_id() != 0) {
    const bool fits = sanction != nullptr && sanction->account_id() == report.account_id() &&
                      request.state() == v1::REPORT_STATE_ACTED;
    if (!fits) return bad_request("sanction_id");
  }
  Decision decision{.object_id = report.report_id()};
  v1::ReportResolved& resolved = *decision.add(committee_above(role_of(club, report.account_id())))
                                      .event.mutable_report_resolved();
  resolved.set_report_id(report.report_id());
  resolved.set_state(request.state());
  resolved.set_text(request.text());
  resolved.set_sanction_id(request.sanction_id());
  return decision;
}

bool may_judge(const v1::Report& report, v1::ClubRole subject, const Actor& actor) {
  return report.account_id() != actor.account_id && rank(actor) > rank(subject);
}

std::uint32_t score_of(const v1::Report& report, std::uint32_t weight, std::int64_t now_ms) {
  std::uint32_t gravity = 10;
  switch (report.reason()) {
    case v1::REASON_CODE_ILLEGAL:
    case v1::REASON_CODE_HATE:
    case v1::REASON_CODE_HARASSMENT: gravity = 40; break;
    case v1::REASON_CODE_PRIVACY:
    case v1::REASON_CODE_IMPERSONATION:
    case v1::REASON_CODE_INSULT: gravity = 25; break;
    default: break;
  }
  constexpr std::int64_t hour_ms = 3'600'000;
  const std::int64_t hours =
      std::clamp<std::int64_t>((now_ms - report.filed_ms()) / hour_ms, 0, 48);
  return 10 * weight + gravity + static_cast<std::uint32_t>(hours);
}

Decision notice_report(std::uint64_t club_id, std::uint64_t report_id, v1::ReportState state) {
  Decision decision{.object_id = report_id};
  v1::ReportNoticed& noticed = *decision.add(stream_followers).event.mutable_report_noticed();
  noticed.set_club_id(club_id);
  noticed.set_report_id(report_id);
  noticed.set_state(state);
  return decision;
}

}  // namespace amicale::domain
