// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/trial.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

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

Apart::Apart(pid_t server) {
  if (!long_trial() || ::sched_getaffinity(0, sizeof before_, &before_) != 0) return;
  int found[2] = {};
  int count = 0;
  for (int core = 0; core < CPU_SETSIZE && count < 2; ++core) {
    if (CPU_ISSET(core, &before_)) found[count++] = core;
  }
  if (count < 2) return;
  const auto only = [](int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    return set;
  };
  const cpu_set_t its = only(found[0]);
  const cpu_set_t ours = only(found[1]);
  // Each thread for itself; those to come inherit it.
  const auto tasks = "/proc/" + std::to_string(server) + "/task";
  std::error_code error;
  for (std::filesystem::directory_iterator at(tasks, error), end; !error && at != end;
       at.increment(error)) {
    const auto thread = static_cast<pid_t>(std::stol(at->path().filename().string()));
    if (::sched_setaffinity(thread, sizeof its, &its) != 0) return;
  }
  apart_ = !error && ::sched_setaffinity(0, sizeof ours, &ours) == 0;
}

Apart::~Apart() {
  if (apart_) ::sched_setaffinity(0, sizeof before_, &before_);
}

void say(const std::string& line) {
  std::printf("  %s\n", line.c_str());
  std::fflush(stdout);
}

void tell_bench(const std::string& promise, const std::map<std::string, double>& figures) {
  const char* path = std::getenv("AMICALE_FIGURES");
  if (path == nullptr || *path == '\0') return;
  std::ofstream file(path, std::ios::app);
  file << "{\"promise\": \"" << promise << '"';
  for (const auto& [name, value] : figures) file << ", \"" << name << "\": " << value;
  file << "}\n";
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
