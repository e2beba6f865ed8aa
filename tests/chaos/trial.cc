// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/trial.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace amicale::chaos {

bool long_trial() {
  static const bool chosen = [] {
    const char* text = std::getenv("AMICALE_LONG");
    return text != nullptr && std::string(text) == "1";
  }();
  return chosen;
}

std::uint64_t seed() {
  static const std::uint64_t chosen = [] {
    const char* text = std::getenv("AMICALE_SEED");
    if (text != nullptr && *text != '\0') return std::strtoull(text, nullptr, 10);
    return static_cast<unsigned long long>(std::random_device()());
  }();
  return chosen;
}

bool sanitized() {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

void say(const std::string& line) {
  std::printf("  %s\n", line.c_str());
  std::fflush(stdout);
}

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

}  // namespace amicale::chaos
