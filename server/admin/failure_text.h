// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "amicale/client/audit.h"
#include "amicale/client/failure.h"
#include "amicale/v1/common.pb.h"
#include "server/admin/phrases.h"

namespace amicale::admin {

// What the server wrote, or what the network did, as one sentence that is safe to print.
std::string explain(const client::Failure& failure, v1::Language language);

// What a fault of the provable log means, as the end of a sentence.
const Phrase& phrase_for(client::AuditFault fault);

}  // namespace amicale::admin
