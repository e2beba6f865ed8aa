// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstdint>

namespace amicale::domain {

// A token bucket: `depth` tokens at first, refilled evenly by `depth_per_period` every `period_ms`.
// Exact in integers: it counts in units of 1/period of a token, so that no rounding ever gives or
// takes one. The caller gives a monotonic time in milliseconds; one that goes back counts as no
// time passed. Value type, 32 bytes, no allocation.
class TokenBucket {
 public:
  constexpr TokenBucket(std::uint32_t refill, std::uint32_t period_ms, std::uint32_t depth)
      : refill_(refill),
        period_ms_(period_ms),
        full_(std::uint64_t{depth} * period_ms),
        units_(full_) {}

  // Takes `cost` tokens, or none when there are fewer.
  constexpr bool take(std::int64_t now_ms, std::uint32_t cost = 1) {
    fill(now_ms);
    const std::uint64_t need = std::uint64_t{cost} * period_ms_;
    if (units_ < need) return false;
    units_ -= need;
    return true;
  }

  // Milliseconds from the last take() until `cost` tokens are there; 0 = now. Larger than the
  // depth: never full enough, so the time to a full bucket.
  constexpr std::uint32_t retry_after_ms(std::uint32_t cost = 1) const {
    const std::uint64_t need = std::min(std::uint64_t{cost} * period_ms_, full_);
    if (units_ >= need) return 0;
    return static_cast<std::uint32_t>((need - units_ + refill_ - 1) / refill_);
  }

  // Whether nothing was taken that has not come back by `now_ms`: such a bucket may be forgotten.
  constexpr bool is_full(std::int64_t now_ms) {
    fill(now_ms);
    return units_ == full_;
  }

 private:
  constexpr void fill(std::int64_t now_ms) {
    if (!started_) {
      started_ = true;
      last_ms_ = now_ms;
      return;
    }
    if (now_ms <= last_ms_) return;
    const auto passed = static_cast<std::uint64_t>(now_ms - last_ms_);
    last_ms_ = now_ms;
    // Above this the bucket is full anyway, and the product could overflow.
    units_ = passed >= full_ / refill_ + 1 ? full_ : std::min(full_, units_ + passed * refill_);
  }

  std::uint32_t refill_;
  std::uint32_t period_ms_;
  std::uint64_t full_;
  std::uint64_t units_;
  std::int64_t last_ms_ = 0;
  bool started_ = false;
};

}  // namespace amicale::domain
