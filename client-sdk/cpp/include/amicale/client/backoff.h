// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace amicale::client {

// Waiting times between attempts: full jitter, i.e. uniform in [0, min(longest, first * 2^n)], so
// that thousands of clients cut at the same instant do not come back at the same instant (Brooker,
// "Exponential Backoff And Jitter", AWS 2015). Deterministic for a seed.
class Backoff {
 public:
  Backoff(std::uint64_t seed, std::chrono::milliseconds first, std::chrono::milliseconds longest)
      : state_(seed), first_(first), longest_(longest) {}

  // The next wait; each call doubles the ceiling of the following one.
  std::chrono::milliseconds next();
  // The largest value that next() may return now.
  std::chrono::milliseconds ceiling() const;
  void reset() { attempt_ = 0; }
  // Uniform in [0, most].
  std::chrono::milliseconds jitter(std::chrono::milliseconds most);

 private:
  std::uint64_t state_;
  std::chrono::milliseconds first_;
  std::chrono::milliseconds longest_;
  unsigned attempt_ = 0;
};

}  // namespace amicale::client
