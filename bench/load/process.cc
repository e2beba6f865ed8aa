// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace amicale::load {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

// Time on the processor of each thread that lives, in nanoseconds; ticks of 10 ms are too coarse for a second's run.
double scheduled_s(const std::string& folder) {
  double sum = 0;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", error)) {
    std::ifstream file(thread.path() / "schedstat");
    uint64_t ns = 0;
    if (file >> ns) sum += static_cast<double>(ns) / 1e9;
  }
  return sum;
}

}  // namespace

Cost cost_of(const std::vector<pid_t>& processes) {
  Cost cost;
  const auto tick = static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const pid_t process : processes) {
    const std::string folder = "/proc/" + std::to_string(process);
    const std::string stat = read(folder + "/stat");
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos)
      throw std::runtime_error("process " + std::to_string(process) + " has ended");
    std::istringstream fields(stat.substr(name_end + 2));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    uint64_t user = 0, system = 0;
    fields >> user >> system;
    const double user_s = static_cast<double>(user) / tick;
    const double system_s = static_cast<double>(system) / tick;
    cost.user_s += user_s;
    cost.system_s += system_s;
    const double scheduled = scheduled_s(folder);
    // A thread that has ended is in the one and not in the other: then the coarser number is the right one.
    const bool all_threads_live = scheduled > user_s + system_s - 0.05;
    cost.cpu_s += all_threads_live && scheduled > 0 ? scheduled : user_s + system_s;
  }
  return cost;
}

Cost own_cost() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  Cost cost{.user_s = seconds(usage.ru_utime), .system_s = seconds(usage.ru_stime)};
  cost.cpu_s = cost.user_s + cost.system_s;
  return cost;
}

Memory memory_of(const std::vector<pid_t>& processes) {
  Memory memory;
  for (const pid_t process : processes) {
    std::istringstream lines(read("/proc/" + std::to_string(process) + "/smaps_rollup"));
    std::string word;
    bool seen = false;
    while (lines >> word) {
      uint64_t kib = 0;
      if (word == "Rss:" && lines >> kib) memory.rss_kib += kib, seen = true;
      if (word == "Pss:" && lines >> kib) memory.pss_kib += kib;
    }
    if (!seen) throw std::runtime_error("process " + std::to_string(process) + " has ended");
  }
  return memory;
}

}  // namespace amicale::load
