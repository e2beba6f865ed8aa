// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "server/auth/password.h"
#include "server/auth/throttle.h"
#include "server/auth/token.h"

namespace amicale::auth {
namespace {

// Runs a coroutine to its end on this thread.
template <class T>
T finish(runtime::Task<T> task) {
  boost::asio::io_context context;
  std::optional<T> result;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    result = std::move(value);
  });
  context.run();
  return std::move(*result);
}

constexpr Passwords::Cost cheap{64, 1, 1};

TEST_CASE("tokens are 32 bytes and different, and only their digest is comparable") {
  auto one = make_token();
  auto two = make_token();
  CHECK(one.size() == 32);
  CHECK(one != two);
  CHECK(digest(one).size() == 32);
  CHECK(digest(one) == digest(one));
  CHECK(digest(one) != digest(two));
}

TEST_CASE("base64url writes each value one way and refuses every other text") {
  for (std::string bytes : {std::string(), std::string("a"), std::string("ab"), std::string("abc"),
                            std::string("\0\xff\x80", 3), random_bytes(32)}) {
    auto text = to_base64url(bytes);
    CHECK(from_base64url(text) == bytes);
  }
  CHECK(to_base64url("\xfb\xff") == "-_8");
  for (auto bad : {"a", "ab=", "a+b/", "aaaaa", "_9"}) {
    CAPTURE(bad);
    CHECK_FALSE(from_base64url(bad).has_value());
  }
}

TEST_CASE("a password matches its own hash alone, and an absent hash never") {
  Passwords passwords(1, 4, cheap);
  auto hash = finish(passwords.hash("correct horse"));
  REQUIRE(hash);
  CHECK(hash->starts_with("$argon2id$"));
  CHECK(finish(passwords.verify("correct horse", *hash)) == true);
  CHECK(finish(passwords.verify("wrong horse", *hash)) == false);
  CHECK(finish(passwords.verify("", "")) == false);
}

TEST_CASE("a full pool says so at once instead of queueing") {
  Passwords none(1, 0, cheap);
  CHECK_FALSE(finish(none.hash("anything")).has_value());
  CHECK_FALSE(finish(none.verify("anything", "")).has_value());
}

TEST_CASE(
    "so many tries of one login, from wherever, and so many from one address; then a wait that "
    "ends") {
  LoginThrottle throttle({3, 1'000}, {5, 10'000}, 100);
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(throttle.attempt("ada", "10.0.0." + std::to_string(i), 0));
  CHECK(throttle.attempt("ada", "10.0.0.9", 400) == 600);
  CHECK_FALSE(throttle.attempt("ada", "10.0.0.9", 1'000));
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(throttle.attempt("login" + std::to_string(i), "10.1.1.1", 0));
  CHECK(throttle.attempt("another", "10.1.1.1", 1'000) == 9'000);
  CHECK_FALSE(throttle.attempt("another", "10.2.2.2", 1'000));
}

TEST_CASE("a good password clears the account, and takes its own try back from the address") {
  LoginThrottle throttle({2, 1'000}, {2, 1'000}, 100);
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(throttle.attempt("ada", "10.0.0.1", 0));
    throttle.succeeded("ada", "10.0.0.1");
  }
}

TEST_CASE("a throttle that is full forgets the oldest, and never grows") {
  LoginThrottle throttle({1, 1'000'000}, {1'000'000, 1'000'000}, 10);
  for (int i = 0; i < 1'000; ++i)
    CHECK_FALSE(throttle.attempt("login" + std::to_string(i), "10.0.0.1", i));
  CHECK(throttle.attempt("login999", "10.0.0.1", 1'000));
}

}  // namespace
}  // namespace amicale::auth
