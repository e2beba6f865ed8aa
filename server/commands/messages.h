// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on messages, in rooms and in direct conversations. The request outlives the call.
#pragma once

#include "amicale/v1/message.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

Answer<v1::Committed> post_message(Gate& gate, Caller caller, const v1::PostMessage& request);
Answer<v1::Committed> edit_message(Gate& gate, Caller caller, const v1::EditMessage& request);
Answer<v1::Committed> delete_message(Gate& gate, Caller caller, const v1::DeleteMessage& request);
Answer<v1::Committed> react(Gate& gate, Caller caller, const v1::React& request);
Answer<v1::Committed> pin_message(Gate& gate, Caller caller, const v1::PinMessage& request);
Answer<v1::ImportMessagesReply> import_messages(Gate& gate, Caller caller,
                                                const v1::ImportMessages& request);

}  // namespace amicale::commands
