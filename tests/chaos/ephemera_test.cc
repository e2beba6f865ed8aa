// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I23. Typing and presence do not amplify: however often people type or come and go, a subscriber gets a bounded number of
// small signals.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {
namespace {

TEST_CASE(
    "I23 many type and one comes and goes without end: two signals a second, and small ones") {
  CAPTURE(seed());
  const std::size_t members = figure<std::size_t>(60, 1'000);
  const std::size_t typists = figure<std::size_t>(30, 100);
  const seconds time = figure(seconds(3), seconds(30));
  ServerProcess server({.settings = {}, .people = static_cast<unsigned>(members + 1)});
  Crowd crowd;
  for (std::size_t i = 0; i < members; ++i) {
    crowd
        .add({.port = server.port(),
              .token = server.person(i).token,
              .follow = {server.stream()},
              .signals = true})
        .connect();
  }
  const auto all_live = [&] {
    for (std::size_t i = 0; i < members; ++i) {
      if (!crowd.at(i).live()) return false;
    }
    return true;
  };
  REQUIRE(crowd.run_until(all_live));
  // What the arrivals caused has been told.
  crowd.run_for(milliseconds(1'500));

  std::vector<std::uint64_t> signals;
  std::vector<std::uint64_t> bytes;
  for (std::size_t i = 0; i < members; ++i) {
    signals.push_back(crowd.at(i).signals());
    bytes.push_back(crowd.at(i).bytes());
  }
  const double bytes_in = server.metric("amicale_bytes_in_total");
  bool running = true;
  std::uint64_t typed = 0;
  std::uint64_t flaps = 0;
  // Five times as often as the protocol asks for.
  std::function<void(std::size_t)> type = [&](std::size_t i) {
    if (!running) return;
    crowd.at(i).send(typing(server.stream(), server.room(v1::ROOM_ACCESS_ALL)));
    ++typed;
    crowd.later(milliseconds(600), [&, i] { type(i); });
  };
  for (std::size_t i = 0; i < typists; ++i)
    crowd.later(milliseconds(i * 600 / typists), [&, i] { type(i); });
  auto& flapper = crowd.add(
      {.port = server.port(), .token = server.person(members).token, .follow = {server.stream()}});
  std::function<void()> flap = [&] {
    if (!running) return;
    // A turn at most every 20 ms: followed, then gone without a word.
    if (flapper.live()) {
      ++flaps;
      flapper.connect();
    } else if (!flapper.connected()) {
      flapper.connect();
    }
    crowd.later(milliseconds(20), flap);
  };
  flap();
  const auto start = Clock::now();
  crowd.run_for(time);
  const double took = ms_since(start) / 1'000;
  running = false;
  const double received = server.metric("amicale_bytes_in_total") - bytes_in;

  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < members; ++i) {
    const auto mine = crowd.at(i).signals() - signals[i];
    most = std::max(most, mine);
    sum += mine;
    out += crowd.at(i).bytes() - bytes[i];
  }
  // One of typing and one of presence a second, and one that was on its way at either end.
  CHECK(static_cast<double>(most) <= 2 * (took + 1));
  CHECK(static_cast<double>(out) <= received * static_cast<double>(members));
  CHECK(sum > 0);
  CHECK(flaps > 0);
  say("I23: " + std::to_string(members) + " members, " + std::to_string(typed) + " typings, " +
      std::to_string(flaps) + " comings and goings in " + std::to_string(took) + " s: at most " +
      std::to_string(static_cast<double>(most) / took) + " signals/s to one, " +
      std::to_string(static_cast<double>(out) / took / static_cast<double>(members)) +
      " B/s to each, " + std::to_string(static_cast<double>(out) / received) +
      " bytes out per byte in");
}

}  // namespace
}  // namespace amicale::chaos
