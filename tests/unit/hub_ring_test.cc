// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <string>

#include "server/hub/ring.h"

namespace amicale::hub {
namespace {

TEST_CASE("a ring starts after a head, keeps order, and covers what it holds") {
  Ring ring(41, 1 << 20, 100);
  CHECK(ring.head() == 41);
  CHECK(ring.covers(41));
  CHECK_FALSE(ring.covers(40));
  CHECK_FALSE(ring.covers(42));
  ring.append("one", 1, 0);
  ring.append("two", 6, 9);
  CHECK(ring.head() == 43);
  CHECK(ring.first() == 42);
  CHECK(std::string(ring.at(43).data, ring.at(43).size) == "two");
  CHECK(ring.at(43).roles == 6);
  CHECK(ring.at(43).account == 9);
}

TEST_CASE("entries of one slab lie back to back, so that a run of them is one buffer") {
  Ring ring(0, 1 << 20, 1'000);
  for (int i = 0; i < 10; ++i) ring.append("event" + std::to_string(i), 1, 0);
  for (uint64_t seq = 2; seq <= 10; ++seq) {
    CHECK(ring.at(seq - 1).data + ring.at(seq - 1).size == ring.at(seq).data);
  }
}

TEST_CASE("over a bound of count or bytes the oldest go, and the newest always stays") {
  Ring by_count(0, 1 << 20, 4);
  for (int i = 0; i < 10; ++i) by_count.append("x", 1, 0);
  CHECK(by_count.first() == 7);
  CHECK(by_count.covers(6));
  CHECK_FALSE(by_count.covers(5));
  Ring by_bytes(0, 100, 1'000);
  for (int i = 0; i < 10; ++i) by_bytes.append(std::string(40, 'x'), 1, 0);
  CHECK(by_bytes.first() == 9);
  by_bytes.append(std::string(100'000, 'y'), 1, 0);
  CHECK(by_bytes.first() == 11);
  CHECK(by_bytes.at(11).size == 100'000);
}

TEST_CASE("bytes that a reader holds outlive their place in the ring") {
  Ring ring(0, 1 << 20, 1);
  ring.append("first", 1, 0);
  auto held = ring.at(1);
  for (int i = 0; i < 100'000; ++i) ring.append("later", 1, 0);
  CHECK(std::string(held.data, held.size) == "first");
}

TEST_CASE("a deleted message's words leave the ring, but not a write that is under way") {
  Ring ring(0, 100, 1'000);
  ring.append(std::string(40, 'a'), 1, 0);
  ring.append(std::string(40, 'b'), 6, 9);
  auto held = ring.at(2);
  ring.replace(2, "redacted");
  CHECK(std::string(ring.at(2).data, ring.at(2).size) == "redacted");
  CHECK(ring.at(2).roles == 6);
  CHECK(ring.at(2).account == 9);
  CHECK(std::string(held.data, held.size) == std::string(40, 'b'));
  // The bound of bytes counts what is there.
  ring.append(std::string(40, 'c'), 1, 0);
  CHECK(ring.first() == 1);
  // What the ring does not hold is nothing to it.
  ring.replace(0, "x");
  ring.replace(4, "x");
  CHECK(ring.head() == 3);
}

}  // namespace
}  // namespace amicale::hub
