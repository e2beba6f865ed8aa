// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of reports: members tell the committee of a message or of a person; the committee looks.
//
// Who told is known to the server alone. What was told of is kept as it was, whatever its author does
// afterwards. Judged by those who rank above whom it is about, never by that person, nor by who told; after
// its deadline site staff see it as well, and at once when it is about somebody of the committee.
#pragma once

#include <cstdint>
#include <string_view>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"
#include "store/rows.pb.h"

namespace amicale::domain {

struct FilingFacts {
  const store::ReportRow* open = nullptr;  // the open report about the same, if there is one
  const v1::Message* message = nullptr;    // that the request names; a deleted one with its words
  std::uint32_t open_by_actor = 0;         // open reports that the actor took part in
};

// object_id: the report's id. Telling of the same twice changes nothing.
Result<Decision> file_report(const ClubState& club, const FilingFacts& facts,
                             const v1::FileReport& request, const Actor& actor,
                             std::int64_t now_ms);

// `row` is the report that the request names, null when there is none.
Result<Decision> claim_report(const ClubState& club, const store::ReportRow* row,
                              const v1::ClaimReport& request, const Actor& actor,
                              std::int64_t now_ms);

// `sanction` is the one that the request names, null when there is none.
Result<Decision> resolve_report(const ClubState& club, const store::ReportRow* row,
                                const v1::Sanction* sanction, const v1::ResolveReport& request,
                                const Actor& actor, std::int64_t now_ms);

// Whether `actor`, who may handle reports at all, is shown this one. `subject` is the role of whom it is
// about.
bool may_judge(const v1::Report& report, v1::ClubRole subject, const Actor& actor);

// How soon a report should be looked at: ten for each weight of who told, up to forty by its reason, one for
// each hour that it waits, of at most two days.
std::uint32_t score_of(const v1::Report& report, std::uint32_t weight, std::int64_t now_ms);

// Tells an account, on its own stream, how what it told of ended.
Decision notice_report(std::uint64_t club_id, std::uint64_t report_id, v1::ReportState state);

}  // namespace amicale::domain
