// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/simulation/world.h"

using namespace amicale::simulation;

namespace {

using Steady = std::chrono::steady_clock;

std::optional<uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

bool is_long() {
  const char* text = std::getenv("AMICALE_LONG");
  return text != nullptr && std::string_view(text) == "1";
}

Mutation mutation_named(std::string_view name) {
  for (auto& mutation : mutations()) {
    if (mutation.name == name) return std::move(mutation);
  }
  return {};
}

void report(uint64_t seed, const Violation& violation) {
  std::printf(
      "seed %llu: %s is broken: %s\n  to see it happen: AMICALE_SEED=%llu simulation_tests\n",
      static_cast<unsigned long long>(seed), violation.promise.c_str(), violation.what.c_str(),
      static_cast<unsigned long long>(seed));
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("whatever goes wrong, every promise holds") {
  Folders folders;
  World::Count total;
  if (const auto seed = number_from("AMICALE_SEED")) {
    World::Plan plan{.seed = *seed, .trace = true, .mutation = {}};
    if (const char* name = std::getenv("AMICALE_MUTATION")) plan.mutation = mutation_named(name);
    World world(std::move(plan), folders);
    const auto violation = world.run();
    if (violation) report(*seed, *violation);
    CHECK_FALSE(violation);
    return;
  }
  // The short form is a fixed list of worlds; the long one begins with it and goes on for minutes.
  const uint64_t first = number_from("AMICALE_FIRST_SEED").value_or(1);
  const uint64_t seeds = number_from("AMICALE_SEEDS").value_or(200);
  const auto started = Steady::now();
  const auto until =
      started + std::chrono::minutes(is_long() ? number_from("AMICALE_MINUTES").value_or(5) : 0);
  int broken = 0;
  uint64_t worlds = 0;
  for (uint64_t seed = first; (seed < first + seeds || Steady::now() < until) && broken < 5;
       ++seed) {
    World world({.seed = seed, .trace = false, .mutation = {}}, folders);
    const auto violation = world.run();
    ++worlds;
    total += world.count();
    if (!violation) continue;
    ++broken;
    report(seed, *violation);
  }
  CHECK(broken == 0);
  const double seconds = std::chrono::duration<double>(Steady::now() - started).count();
  std::printf(
      "simulation: %llu worlds in %.1f s, %.0f a minute; %llu events, %llu commands, %llu faults, "
      "%llu crashes, %llu handlers, %llu checks\n",
      static_cast<unsigned long long>(worlds), seconds, static_cast<double>(worlds) / seconds * 60,
      static_cast<unsigned long long>(total.events),
      static_cast<unsigned long long>(total.commands),
      static_cast<unsigned long long>(total.faults), static_cast<unsigned long long>(total.crashes),
      static_cast<unsigned long long>(total.handlers),
      static_cast<unsigned long long>(total.checks));
}

TEST_CASE("the same seed is the same world") {
  Folders folders;
  const auto run = [&folders](uint64_t seed) {
    World world({.seed = seed, .trace = false, .mutation = {}}, folders);
    world.run();
    return std::pair(world.count().handlers, world.count().checks);
  };
  for (const uint64_t seed : {7u, 19u, 42u}) CHECK(run(seed) == run(seed));
}

TEST_CASE("a build that is broken on purpose is caught, each defect by its name") {
  if (number_from("AMICALE_SEED")) return;
  Folders folders;
  constexpr uint64_t most_seeds = 150;
  for (const auto& wanted : mutations()) {
    const char* only = std::getenv("AMICALE_MUTATION");
    if (only != nullptr && wanted.name != only) continue;
    CAPTURE(wanted.name);
    bool caught = false;
    for (uint64_t seed = 1; seed <= most_seeds && !caught; ++seed) {
      World world({.seed = seed, .trace = false, .mutation = mutation_named(wanted.name)}, folders);
      const auto violation = world.run();
      if (!violation) continue;
      CHECK(violation->promise == wanted.promise);
      caught = true;
      std::printf("%-4s %-48s seed %3llu: %s\n", violation->promise.c_str(), wanted.name.c_str(),
                  static_cast<unsigned long long>(seed), violation->what.c_str());
      std::fflush(stdout);
    }
    CHECK_MESSAGE(caught, "not caught: " << wanted.name);
  }
}
