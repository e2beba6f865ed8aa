// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "server/session/routes.h"

namespace amicale::session {

// Handlers of the operator's own requests.
runtime::Task<domain::Result<void>> create_backup(const Parts& parts, commands::Caller caller,
                                                  const v1::ClientFrame& frame, v1::Reply& reply);
runtime::Task<domain::Result<void>> get_stats(const Parts& parts, commands::Caller caller,
                                              const v1::ClientFrame& frame, v1::Reply& reply);

}  // namespace amicale::session
