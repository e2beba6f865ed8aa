// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands about a club's charter. The request outlives the call.
#pragma once

#include "amicale/v1/moderation.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

Answer<v1::Committed> propose_charter(Gate& gate, Caller caller, const v1::ProposeCharter& request);
Answer<v1::Committed> accept_charter(Gate& gate, Caller caller, const v1::AcceptCharter& request);

}  // namespace amicale::commands
