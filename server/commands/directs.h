// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on direct conversations: ask, answer, block. The request outlives the call.
#pragma once

#include "amicale/v1/direct.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

Answer<v1::Committed> open_direct(Gate& gate, Caller caller, const v1::OpenDirect& request);
Answer<v1::Committed> answer_direct(Gate& gate, Caller caller, const v1::AnswerDirect& request);
Answer<v1::Committed> block_direct(Gate& gate, Caller caller, const v1::BlockDirect& request);

}  // namespace amicale::commands
