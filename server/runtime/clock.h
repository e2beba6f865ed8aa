// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>

namespace amicale::runtime {

// The only way to the time, so that tests and the simulation can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  // Unix milliseconds; may jump either way. For what people read.
  virtual int64_t now_ms() const = 0;
  // Milliseconds from an arbitrary start; never goes back. For rates, deadlines and durations.
  virtual int64_t steady_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t now_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  int64_t steady_ms() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace amicale::runtime
