// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "amicale/v1/error.pb.h"

namespace amicale::client {

// "Not now", as opposed to "no".
inline bool worth_another_try(v1::RefusalCode code) {
  return code == v1::REFUSAL_CODE_RATE_LIMITED || code == v1::REFUSAL_CODE_OVERLOADED ||
         code == v1::REFUSAL_CODE_UNAVAILABLE || code == v1::REFUSAL_CODE_INTERNAL;
}

// Ceiling of the jittered wait after that many such answers in a row: 0.25 s doubling up to 30 s.
inline std::chrono::milliseconds retry_ceiling(std::uint32_t failures) {
  return std::chrono::milliseconds{
      std::min<std::int64_t>(250LL << std::min(failures, 10U), 30'000)};
}

}  // namespace amicale::client
