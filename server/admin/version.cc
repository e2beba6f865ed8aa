// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/version.h"

namespace amicale::admin {

const char* const kVersion = AMICALE_VERSION;

}  // namespace amicale::admin
