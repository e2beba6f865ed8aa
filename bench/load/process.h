// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace amicale::load {

// What the measured processes have cost so far, from /proc. Throws std::runtime_error when one has ended.
struct Cost {
  double user_s = 0;
  double system_s = 0;
  double cpu_s = 0;  // to the nanosecond where the kernel tells it by thread, else user + system
};
Cost cost_of(const std::vector<pid_t>& processes);
// The generator's own.
Cost own_cost();

struct Memory {
  uint64_t rss_kib = 0;
  uint64_t pss_kib = 0;
};
Memory memory_of(const std::vector<pid_t>& processes);

}  // namespace amicale::load
