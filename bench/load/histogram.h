// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace amicale::load {

// Durations in nanoseconds, counted in buckets that are 1/32 of their power of two wide: any quantile is right to 3 %, from
// a nanosecond to five hours, and one more costs an increment. 10 KiB, no allocation.
class Histogram {
 public:
  void add(int64_t ns) {
    const auto value = static_cast<uint64_t>(ns < 0 ? 0 : ns);
    ++counts_[place(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  void add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    if (other.max_ > max_) max_ = other.max_;
  }

  void clear() { *this = {}; }
  uint64_t count() const { return count_; }
  double max_us() const { return static_cast<double>(max_) / 1e3; }

  // The duration that a share `q` (0 to 1) of those counted did not exceed, in microseconds; 0 when there are none.
  double quantile_us(double q) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<uint64_t>(q * static_cast<double>(count_ - 1)) + 1;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted) {
        const double middle = static_cast<double>(lowest(i) + lowest(i + 1) - 1) / 2e3;
        return middle < max_us() ? middle : max_us();
      }
    }
    return max_us();
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr uint64_t kFine = 1u << kBits;
  static constexpr unsigned kLargest = 44;  // 2^44 ns, almost five hours

  static size_t place(uint64_t value) {
    if (value < kFine) return value;
    const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
    if (power >= kLargest) return (kLargest - kBits + 1) * kFine - 1;
    return (power - kBits + 1) * kFine + ((value >> (power - kBits)) & (kFine - 1));
  }

  static uint64_t lowest(size_t place) {
    if (place < kFine) return place;
    const auto power = static_cast<unsigned>(place / kFine) + kBits - 1;
    return (kFine + place % kFine) << (power - kBits);
  }

  std::array<uint64_t, (kLargest - kBits + 1) * kFine> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace amicale::load
