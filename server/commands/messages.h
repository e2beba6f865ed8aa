// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on messages, in rooms and in direct conversations. The request outlives the command.
#pragma once

#include "amicale/v1/message.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

domain::Result<Prepared> post_message(const Caller& caller, const v1::PostMessage& request);
domain::Result<Prepared> edit_message(const Caller& caller, const v1::EditMessage& request);
domain::Result<Prepared> delete_message(const Caller& caller, const v1::DeleteMessage& request);
domain::Result<Prepared> react(const Caller& caller, const v1::React& request);
domain::Result<Prepared> pin_message(const Caller& caller, const v1::PinMessage& request);
Answer<v1::ImportMessagesReply> import_messages(Gate& gate, Caller caller,
                                                const v1::ImportMessages& request);

}  // namespace amicale::commands
