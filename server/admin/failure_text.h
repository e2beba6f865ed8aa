// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "amicale/client/failure.h"
#include "amicale/v1/common.pb.h"

namespace amicale::admin {

// What the server wrote, or what the network did, as one sentence that is safe to print.
std::string explain(const client::Failure& failure, v1::Language language);

}  // namespace amicale::admin
