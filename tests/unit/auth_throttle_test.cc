// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/auth/throttle.h"

#include <doctest/doctest.h>

using amicale::auth::LoginThrottle;

namespace {

LoginThrottle make() {
  return {{.tries = 3, .window_ms = 1000}, {.tries = 5, .window_ms = 10'000}, 100};
}

}  // namespace

TEST_CASE("wrong passwords for one account close it until the window ends") {
  auto throttle = make();
  for (int i = 0; i < 3; ++i) CHECK(!throttle.attempt("ada", "10.0.0." + std::to_string(i), i));
  CHECK(throttle.attempt("ada", "10.0.0.9", 100) == 900);
  CHECK(!throttle.attempt("boris", "10.0.0.9", 100));
  CHECK(!throttle.attempt("ada", "10.0.0.9", 1000));
}

TEST_CASE("wrong passwords from one address close it for every account") {
  auto throttle = make();
  for (int i = 0; i < 5; ++i) CHECK(!throttle.attempt("a" + std::to_string(i), "10.0.0.1", 0));
  CHECK(throttle.attempt("ada", "10.0.0.1", 0) == 10'000);
  CHECK(!throttle.attempt("ada", "10.0.0.2", 0));
}

TEST_CASE("a class that logs in rightly from one address is not a flood") {
  auto throttle = make();
  for (int i = 0; i < 50; ++i) {
    const std::string login = "pupil" + std::to_string(i);
    CHECK(!throttle.attempt(login, "10.0.0.1", i));
    throttle.succeeded(login, "10.0.0.1");
  }
}

TEST_CASE("a success does not take back the wrong tries of the same address") {
  auto throttle = make();
  for (int i = 0; i < 4; ++i) CHECK(!throttle.attempt("a" + std::to_string(i), "10.0.0.1", 0));
  CHECK(!throttle.attempt("mine", "10.0.0.1", 0));
  throttle.succeeded("mine", "10.0.0.1");
  CHECK(!throttle.attempt("a4", "10.0.0.1", 0));
  CHECK(throttle.attempt("a5", "10.0.0.1", 0));
}

TEST_CASE(
    "codes of invitations are not one account: ten people entered, and the eleventh was refused") {
  auto throttle = make();
  for (int i = 0; i < 20; ++i) {
    CHECK(!throttle.attempt("", "10.0.0." + std::to_string(i), 0));
  }
}

TEST_CASE("a server too busy to look at a password had locked its owner out for trying again") {
  auto throttle = make();
  for (int i = 0; i < 20; ++i) {
    CHECK(!throttle.attempt("ada", "10.0.0.1", i));
    throttle.not_made("ada", "10.0.0.1");
  }
  // What was made still counts.
  for (int i = 0; i < 3; ++i) CHECK(!throttle.attempt("ada", "10.0.0.1", 20));
  CHECK(throttle.attempt("ada", "10.0.0.1", 20));
}
