// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What asks a rule as who makes the request, or as those whom they act for.
#pragma once

#include "server/domain/on_behalf.h"
#include "server/log/partition.h"

namespace amicale::commands {

// `rule` is asked with the actor as whom it is judged; a request of anybody else but staff and supervisors that
// names somebody to act for is refused.
template <class Request, class Rule>
domain::Result<domain::Decision> decide_for(const domain::ClubState& club, const Request& request,
                                            const domain::Actor& actor, Rule rule) {
  if (!request.has_on_behalf()) return rule(actor);
  auto acting = domain::act_for(club, request.on_behalf(), actor);
  if (!acting) return std::unexpected(acting.error());
  auto decision = rule(*acting);
  if (decision) domain::name_on_behalf(*decision, request.on_behalf());
  return decision;
}

}  // namespace amicale::commands
