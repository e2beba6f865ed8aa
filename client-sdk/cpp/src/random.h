// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace amicale::client {

// SplitMix64 (Steele, Lea, Flood 2014): a full-period generator in one word. For jitter, never for
// secrets.
inline std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace amicale::client
