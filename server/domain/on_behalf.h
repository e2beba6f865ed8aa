// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Acting for the committee. Site staff and the club's supervisor support a committee, and may do what it asks
// of them: "on behalf of" one of its officers, or of the committee as a whole. The act is then the club's: by
// the rights of who is acted for and no more, to be undone by the club, and in need of a second member where
// the committee's own would be. Both names are in the event and in the rows that follow from it.
#pragma once

#include "amicale/v1/common.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// The actor as whom the rules are asked: the same account, with the office of who is acted for. For the
// committee as a whole that is its president's. Refused to everybody but staff and supervisors.
Result<Actor> act_for(const ClubState& club, const v1::OnBehalf& behalf, const Actor& actor);

// Writes into what was decided for whom it was done.
void name_on_behalf(Decision& decision, const v1::OnBehalf& behalf);

}  // namespace amicale::domain
