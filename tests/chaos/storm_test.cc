// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I20. Everybody is cut in the same instant and comes back: at once, without mercy, and then as the SDK does it.
#include <doctest/doctest.h>

#include <algorithm>

#include "amicale/client/backoff.h"
#include "tests/chaos/crowd.h"
#include "tests/chaos/proxy.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {
namespace {

constexpr std::size_t kAccounts = 20;
// What a client that comes back may cost for the moment: its connection's buffers, a page of the log.
constexpr std::uint64_t kBytesEach = 96 * 1024;

TEST_CASE("I20 cut in the same instant, all come back, and nobody has missed anything") {
  CAPTURE(seed());
  const std::size_t count = figure<std::size_t>(200, 2'000);
  ServerProcess server({.settings = {}, .people = kAccounts});
  Proxy proxy(server.port());
  Crowd crowd;
  for (std::size_t i = 0; i < count; ++i) {
    crowd.add({.port = proxy.port(),
               .token = server.person(i % kAccounts).token,
               .follow = {server.stream()}});
  }
  // One that is never cut, to compare with, and to speak.
  auto& witness = crowd.add(
      {.port = server.port(), .token = server.owner().token, .follow = {server.stream()}});
  for (std::size_t i = 0; i < crowd.size(); ++i) crowd.at(i).connect();
  const auto all = [&](auto so) {
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      if (!so(crowd.at(i))) return false;
    }
    return true;
  };
  REQUIRE(crowd.run_until([&] { return all([](Visitor& v) { return v.live(); }); }));

  std::uint64_t said = 0;
  std::uint64_t answered = 0;
  std::uint64_t head = 0;
  std::uint64_t refused = 0;
  const auto speak = [&] {
    witness.send(post(server.stream(), server.room(v1::ROOM_ACCESS_ALL),
                      "pendant l'orage " + std::to_string(++said)),
                 [&](const v1::Reply& reply) {
                   ++answered;
                   refused += reply.has_refusal();
                   head = std::max(head, reply.post_message().last_seq());
                 });
  };
  // Everybody's cursor begins at the same place from here on.
  speak();
  REQUIRE(crowd.run_until([&] {
    return head > 0 && all([&](Visitor& v) { return v.at(server.stream()).cursor >= head; });
  }));

  for (const bool jitter : {false, true}) {
    CAPTURE(jitter);
    std::vector<client::Backoff> waits;
    for (std::size_t i = 0; i < count; ++i)
      waits.emplace_back(seed() + i, milliseconds(250), seconds(30));
    for (std::size_t i = 0; i < count; ++i) {
      auto& visitor = crowd.at(i);
      visitor.on_lost = [&crowd, &visitor, &wait = waits[i], jitter] {
        if (!jitter) return visitor.connect();
        crowd.later(wait.next(), [&visitor] { visitor.connect(); });
      };
    }
    const double logins = server.metric("amicale_logins_total");
    const double failed = server.metric("amicale_logins_failed_total");
    const std::uint64_t resident = server.resident_bytes();
    const double processor = server.cpu_seconds();
    std::uint64_t highest = resident;
    std::uint64_t losses = 0;
    for (std::size_t i = 0; i < count; ++i) losses += crowd.at(i).losses();

    const auto start = Clock::now();
    auto looked = start;
    proxy.cut_all();
    const bool back = crowd.run_until([&] {
      if (Clock::now() - looked > milliseconds(20)) {
        looked = Clock::now();
        highest = std::max(highest, server.resident_bytes());
        speak();
      }
      std::uint64_t now = 0;
      for (std::size_t i = 0; i < count; ++i) now += crowd.at(i).losses();
      return now >= losses + count && all([](Visitor& v) { return v.live(); });
    });
    CHECK(back);
    const double took = ms_since(start);
    speak();
    REQUIRE(crowd.run_until([&] { return answered == said; }));
    REQUIRE(crowd.run_until(
        [&] { return all([&](Visitor& v) { return v.at(server.stream()).cursor >= head; }); }));
    for (std::size_t i = 0; i < count; ++i) {
      auto& mine = crowd.at(i).at(server.stream());
      REQUIRE(mine.faults == 0);
      REQUIRE(mine.events == witness.at(server.stream()).events);
      REQUIRE(mine.hash == witness.at(server.stream()).hash);
      crowd.at(i).on_lost = nullptr;
    }
    CHECK(refused == 0);
    // Coming back needs no password's hash.
    CHECK(server.metric("amicale_logins_total") == logins);
    CHECK(server.metric("amicale_logins_failed_total") == failed);
    if (!sanitized()) CHECK(highest <= resident + count * kBytesEach);
    if (long_trial()) CHECK(took <= 30'000);
    say("I20: " + std::to_string(count) + " cut " + (jitter ? "(jitter)" : "(no mercy)") +
        ", all followed again after " + std::to_string(static_cast<int>(took)) + " ms, resident " +
        std::to_string(resident >> 20) + " -> " + std::to_string(highest >> 20) +
        " MiB, processor " + std::to_string(server.cpu_seconds() - processor) + " s");
  }
}

}  // namespace
}  // namespace amicale::chaos
