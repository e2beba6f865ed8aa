// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of appeals: a conversation about one sanction, between whom it holds and those who may judge it, with a clock, decided by
// somebody else than who imposed it. Whoever is out of the club appeals from outside; whoever is out of the site, by name and password.
#pragma once

#include <cstdint>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/sanction.h"
#include "server/domain/state.h"
#include "store/rows.pb.h"

namespace amicale::domain {

// `row` is the sanction that the request names, null when there is none. object_id: the sanction's id.
Result<Decision> appeal_sanction(const ClubState& club, const store::SanctionRow* row,
                                 const v1::AppealSanction& request, const Actor& actor,
                                 std::int64_t now_ms);
Result<Decision> answer_appeal(const ClubState& club, const store::SanctionRow* row,
                               const v1::AnswerAppeal& request, const Actor& actor);
Result<Decision> decide_appeal(const ClubState& club, const store::SanctionRow* row,
                               const EndFacts& facts, const v1::DecideAppeal& request,
                               const Actor& actor, std::int64_t now_ms);

// Tells the account, on its own stream, that there is news of its appeal; of a ban from the site, the site's staff, on the site's.
Decision notice_appeal(const v1::Sanction& sanction, v1::AppealState state);

// --- Of a ban from the whole site, in the account's own log; `row` is of the ban that stands, or that the request names ---

// By the account itself, which has proved that it is.
Result<Decision> appeal_site_ban(const AccountState& account, const store::SanctionRow* row,
                                 std::string_view text, std::int64_t now_ms);
Result<Decision> answer_site_appeal(const AccountState& account, const store::SanctionRow* row,
                                    const v1::AnswerAppeal& request, const Actor& actor);
Result<Decision> decide_site_appeal(const AccountState& account, const store::SanctionRow* row,
                                    const v1::DecideAppeal& request, const Actor& actor,
                                    std::int64_t now_ms);

}  // namespace amicale::domain
