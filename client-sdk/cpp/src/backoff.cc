// SPDX-License-Identifier: Apache-2.0
#include "amicale/client/backoff.h"

#include <algorithm>

#include "random.h"

namespace amicale::client {

std::chrono::milliseconds Backoff::ceiling() const {
  const std::chrono::milliseconds doubled{first_.count() << std::min(attempt_, 20U)};
  return std::min(doubled, longest_);
}

std::chrono::milliseconds Backoff::next() {
  const auto wait = jitter(ceiling());
  if (attempt_ < 20) ++attempt_;
  return wait;
}

std::chrono::milliseconds Backoff::jitter(std::chrono::milliseconds most) {
  if (most.count() <= 0) return std::chrono::milliseconds{0};
  const auto span = static_cast<std::uint64_t>(most.count()) + 1;
  return std::chrono::milliseconds{static_cast<std::int64_t>(split_mix(state_) % span)};
}

}  // namespace amicale::client
