// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I18. Many readers stop reading while the conversation goes on: they cost the server a bounded amount of memory and the
// others nothing, and when they read again they have missed nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "tests/chaos/conversation.h"
#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {
namespace {

constexpr std::size_t kAccounts = 20;
constexpr std::size_t kReaders = 20;
constexpr std::uint64_t kMiB = 1024 * 1024;
// So that what is said in a trial is more than the kernel and one write under way can hold for a reader.
const std::size_t kBody = figure<std::size_t>(4'000, 1'500);

// What the kernel holds for sockets of TCP, of this machine.
std::uint64_t kernel_bytes() {
  std::ifstream file("/proc/net/sockstat");
  for (std::string word; file >> word;) {
    if (word != "TCP:") continue;
    while (file >> word && word != "mem") {
    }
    std::uint64_t pages = 0;
    file >> pages;
    return pages * 4'096;
  }
  return 0;
}

// Says so much a second, whatever the answers; each text begins with when it was due.
class Speaker {
 public:
  Speaker(Crowd& crowd, Visitor& visitor, const ServerProcess& server)
      : crowd_(crowd), visitor_(visitor), server_(server) {}

  void speak(int per_second, seconds time) {
    const auto start = Clock::now();
    const auto total = per_second * static_cast<int>(time.count());
    for (int i = 0; i < total;) {
      const auto due = start + i * std::chrono::microseconds(1'000'000 / per_second);
      if (Clock::now() < due) {
        crowd_.run_for(milliseconds(1));
        continue;
      }
      auto body = std::to_string(due.time_since_epoch().count()) + " ";
      body.resize(kBody, 'x');
      visitor_.send(post(server_.stream(), server_.room(v1::ROOM_ACCESS_ALL), body),
                    [this](const v1::Reply& reply) {
                      refused += reply.has_refusal();
                      ++answered;
                      head = std::max(head, reply.post_message().last_seq());
                    });
      ++said;
      ++i;
    }
    CHECK(crowd_.run_until([this] { return answered == said; }));
  }

  std::uint64_t said = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  std::uint64_t head = 0;

 private:
  Crowd& crowd_;
  Visitor& visitor_;
  const ServerProcess& server_;
};

double delay_of(const v1::Event& event) {
  const auto& body = event.message_posted().body();
  Clock::rep due = 0;
  std::from_chars(body.data(), body.data() + body.size(), due);
  return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch() -
                                                   Clock::duration(due))
      .count();
}

TEST_CASE("I18 readers that stop reading stay bounded, slow nobody, and then miss nothing") {
  CAPTURE(seed());
  const std::size_t count = figure<std::size_t>(100, 1'000);
  const seconds time = figure(seconds(2), seconds(20));
  ServerProcess server({.settings = {{"limits.ring_events", "256"}}, .people = kAccounts});
  const Apart cores(server.pid());
  Crowd crowd;
  std::vector<double> delays;
  std::vector<Visitor*> readers;
  for (std::size_t i = 0; i < kReaders; ++i) {
    auto& reader = crowd.add({.port = server.port(),
                              .token = server.person(i % kAccounts).token,
                              .follow = {server.stream()}});
    reader.on_event = [&delays](const v1::StreamId&, const v1::Event& event) {
      delays.push_back(delay_of(event));
    };
    reader.connect();
    readers.push_back(&reader);
  }
  auto& voice = crowd.add({.port = server.port(), .token = server.owner().token, .follow = {}});
  voice.connect();
  const auto all = [&](auto so) {
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      if (!so(crowd.at(i))) return false;
    }
    return true;
  };
  REQUIRE(crowd.run_until([&] { return all([](Visitor& v) { return v.live(); }); }));
  Speaker speaker(crowd, voice, server);
  speaker.speak(200, time);
  const double control = quantile(delays, 0.99);
  delays.clear();

  std::vector<Visitor*> slow;
  for (std::size_t i = 0; i < count; ++i) {
    slow.push_back(&crowd.add({.port = server.port(),
                               .token = server.person(i % kAccounts).token,
                               .follow = {server.stream()},
                               .receive_buffer = 4'096}));
    slow.back()->connect();
  }
  REQUIRE(crowd.run_until([&] { return all([](Visitor& v) { return v.live(); }); }));
  const std::uint64_t before = speaker.said;
  const std::uint64_t resident = server.resident_bytes();
  const std::uint64_t kernel = kernel_bytes();
  for (auto* visitor : slow) visitor->set_reading(false);
  speaker.speak(200, time);
  const auto heard = [&] {
    return std::ranges::all_of(
        readers, [&](Visitor* v) { return v->at(server.stream()).cursor >= speaker.head; });
  };
  REQUIRE(crowd.run_until(heard));
  const std::uint64_t loaded = server.resident_bytes();
  const std::uint64_t kernel_loaded = kernel_bytes();
  const double beside = quantile(delays, 0.99);
  const double pages = server.metric("amicale_log_pages_total");
  CHECK(speaker.refused == 0);
  // Others are not held up: all that is said reaches every one of them, while none of the slow takes anything.
  const std::uint64_t rounds = figure<std::uint64_t>(100, 1'000);
  CHECK(talk_in_rounds(crowd, voice, readers, server, rounds) == rounds);
  CHECK(have_all(readers, server.stream(), speaker.said + rounds));
  const std::uint64_t head = readers.front()->at(server.stream()).cursor;
  CHECK(std::ranges::all_of(
      slow, [&](Visitor* v) { return v->at(server.stream()).cursor < speaker.head; }));
  if (!sanitized()) {
    CHECK(loaded <= resident + 300 * kMiB);
    CHECK(loaded <= 512 * kMiB);
    // The kernel's share is outside of the process's account, and bounded all the same: both sides of a line, and one write.
    CHECK(kernel_loaded <= kernel + count * kMiB / 2);
  }

  // They read again: some were cut for taking nothing, and resume.
  for (auto* visitor : slow) {
    visitor->on_lost = [visitor] { visitor->connect(); };
    visitor->set_reading(true);
  }
  const auto start = Clock::now();
  std::uint64_t highest = 0;
  auto looked = start;
  REQUIRE(crowd.run_until(
      [&] {
        if (Clock::now() - looked > milliseconds(20)) {
          looked = Clock::now();
          highest = std::max(highest, server.resident_bytes());
        }
        return std::ranges::all_of(
            slow, [&](Visitor* v) { return v->at(server.stream()).cursor >= head; });
      },
      figure(seconds(60), seconds(300))));
  const double caught_up = ms_since(start);
  for (auto* visitor : slow) {
    visitor->on_lost = nullptr;
    REQUIRE(visitor->at(server.stream()).faults == 0);
    REQUIRE(visitor->at(server.stream()).events == speaker.said - before + rounds);
    REQUIRE(visitor->at(server.stream()).hash == slow.front()->at(server.stream()).hash);
  }
  highest = std::max(highest, server.resident_bytes());
  if (!sanitized()) {
    CHECK(highest <= resident + 300 * kMiB);
    CHECK(highest <= 512 * kMiB);
  }
  // The same once more, when they are gone.
  for (auto* visitor : slow) visitor->cut();
  delays.clear();
  speaker.speak(200, time);
  REQUIRE(crowd.run_until(heard));
  const double control_after = quantile(delays, 0.99);
  CHECK(have_all(readers, server.stream(), speaker.said + rounds));
  tell_bench("I18", {{"alone_ms", std::max(control, control_after)}, {"beside_ms", beside}});
  // Otherwise none of them was ever behind, and nothing was shown.
  CHECK(server.metric("amicale_log_pages_total") > pages);
  say("I18: " + std::to_string(count) + " that stop reading, resident " +
      std::to_string(resident >> 20) + " -> " + std::to_string(loaded >> 20) + " MiB, kernel " +
      std::to_string(kernel >> 20) + " -> " + std::to_string(kernel_loaded >> 20) + " MiB, " +
      std::to_string(highest >> 20) + " at most while they catch up within " +
      std::to_string(static_cast<int>(caught_up)) + " ms; others' p99 " + std::to_string(control) +
      " and " + std::to_string(control_after) + " ms alone, " + std::to_string(beside) +
      " ms beside them, " + std::to_string(rounds) + " rounds of theirs meanwhile");
}

}  // namespace
}  // namespace amicale::chaos
