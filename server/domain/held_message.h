// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a verdict makes of a message: it is posted, posted with advice, held for the committee, or
// refused. And what the committee makes of a held one.
#pragma once

#include "amicale/v1/message.pb.h"
#include "server/domain/antispam/judge.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// `decided` is what the rules of messages decided: one MessagePosted or MessageEdited, or nothing.
// Held: object_id is the held id. The record of the verdict goes to the private part.
Result<Decision> act_on(const antispam::Verdict& verdict, Decision decided, const ClubState& club,
                        std::uint64_t author);

// `held` and `edited` (the message that a held edit would change) are null when there are none.
Result<Decision> review_held(const ClubState& club, const v1::HeldMessage* held,
                             const v1::Message* edited, const v1::ReviewHeld& request,
                             const Actor& actor);

}  // namespace amicale::domain
