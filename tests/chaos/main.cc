// SPDX-License-Identifier: AGPL-3.0-or-later
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>

#include "tests/chaos/trial.h"

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  // A peer that has gone is an error of the write that meets it.
  std::signal(SIGPIPE, SIG_IGN);
  // What the preparation of a site says of itself is of no interest; the servers under trial write to files of their own.
  spdlog::set_level(spdlog::level::off);
  std::printf("seed: %llu (AMICALE_SEED=… repeats it), %s form\n",
              static_cast<unsigned long long>(amicale::chaos::seed()),
              amicale::chaos::long_trial() ? "long" : "short");
  return context.run();
}
