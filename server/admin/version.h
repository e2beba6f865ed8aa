// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

namespace amicale::admin {

// The project's, as CMakeLists.txt says it.
extern const char* const kVersion;

}  // namespace amicale::admin
