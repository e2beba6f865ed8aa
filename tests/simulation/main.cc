// SPDX-License-Identifier: AGPL-3.0-or-later
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

// The server's own lines are of use when one seed is looked at; thousands of worlds are silent.
int main(int argc, char** argv) {
  spdlog::set_level(std::getenv("AMICALE_SERVER_LOG") != nullptr ? spdlog::level::debug
                                                                 : spdlog::level::off);
  return doctest::Context(argc, argv).run();
}
