// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <fmt/format.h>

#include <cstdio>

#include "tests/simulation/agenda.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/mutation.h"

namespace amicale::simulation {

// What every part of one world stands on: its time, its chance, its referee, and the defect that it has on purpose.
struct Stage {
  Stage(uint64_t seed_of_world, bool trace_steps) : seed(seed_of_world), trace(trace_steps) {}

  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    if (!trace) return;
    const auto line = fmt::format(format, std::forward<Args>(args)...);
    std::fprintf(stderr, "%10.3f %s\n", static_cast<double>(clock.steady_ms() - 1'000'000) / 1000,
                 line.c_str());
  }

  const uint64_t seed;
  const bool trace;
  VirtualClock clock;
  Agenda agenda{clock};
  Dice dice{seed};
  Ledger ledger{clock};
  Mutation mutation;  // without a name: none
  bool calm =
      true;  // nothing fails, nothing is late: while a world is made and while it comes to rest
};

}  // namespace amicale::simulation
