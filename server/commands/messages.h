// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands on messages, in rooms and in direct conversations. The request outlives the command.
#pragma once

#include "amicale/v1/message.pb.h"
#include "server/commands/gate.h"
#include "server/domain/message.h"

namespace amicale::commands {

// What the deletion of a message took away, from its log; nothing when it is not deleted.
std::optional<domain::DeletedWords> deleted_words(const storage::View& facts,
                                                  storage::PartitionId where,
                                                  const v1::Message& message);

domain::Result<Prepared> post_message(const Gate& gate, const Caller& caller,
                                      const v1::PostMessage& request);
domain::Result<Prepared> edit_message(const Gate& gate, const Caller& caller,
                                      const v1::EditMessage& request);
domain::Result<Prepared> delete_message(const Caller& caller, const v1::DeleteMessage& request);
domain::Result<Prepared> restore_message(const Caller& caller, const v1::RestoreMessage& request);
domain::Result<Prepared> lock_message(const Caller& caller, const v1::LockMessage& request);
domain::Result<Prepared> react(const Caller& caller, const v1::React& request);
domain::Result<Prepared> pin_message(const Caller& caller, const v1::PinMessage& request);
domain::Result<Prepared> review_held(const Caller& caller, const v1::ReviewHeld& request);
Answer<v1::ImportMessagesReply> import_messages(Gate& gate, Caller caller,
                                                const v1::ImportMessages& request);

}  // namespace amicale::commands
