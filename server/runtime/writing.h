// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

namespace amicale::runtime {

// How a write that was tried stands.
enum class Writing : std::uint8_t { kDone, kUnderWay, kFailed };

}  // namespace amicale::runtime
