// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I29. Guessing passwords is bounded by account and by address, however it is spread, and a flood of it leaves the
// conversation alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>

#include "server/domain/limits.h"
#include "tests/chaos/conversation.h"
#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {
namespace {

namespace limits = domain::limits;

// What became of tries: only those that were told "wrong" cost a hash and taught anything.
struct Tries {
  std::uint64_t asked = 0;
  std::uint64_t wrong = 0;
  std::uint64_t limited = 0;
  std::uint64_t overloaded = 0;
  std::uint64_t other = 0;
  std::uint64_t without_hint = 0;  // refused for a while, without saying for how long

  void count(const v1::Reply& reply) {
    const auto& refusal = reply.refusal();
    switch (refusal.code()) {
      case v1::REFUSAL_CODE_BAD_CREDENTIALS: ++wrong; return;
      case v1::REFUSAL_CODE_RATE_LIMITED: ++limited; break;
      case v1::REFUSAL_CODE_OVERLOADED: ++overloaded; break;
      default: ++other; return;
    }
    without_hint += refusal.retry_after_ms() == 0;
  }
  std::uint64_t answered() const { return wrong + limited + overloaded + other; }
};

std::string address(std::size_t index) {
  return "127.0." + std::to_string(1 + index / 200) + "." + std::to_string(1 + index % 200);
}

class Flood {
 public:
  // `attackers` connections, each from the address that `from` gives.
  Flood(Crowd& crowd, const ServerProcess& server, std::size_t attackers,
        std::function<std::string(std::size_t)> from)
      : crowd_(crowd) {
    for (std::size_t i = 0; i < attackers; ++i) {
      auto& visitor =
          crowd.add({.port = server.port(), .token = "", .follow = {}, .from = from(i)});
      visitor.on_lost = [this, &visitor] {
        if (running_) visitor.connect();
      };
      visitor.connect();
      visitors_.push_back(&visitor);
    }
    CHECK(crowd.run_until([this] {
      return std::ranges::all_of(visitors_, [](Visitor* v) { return v->greeted(); });
    }));
  }
  ~Flood() { stop(); }

  // Tries of so many a second, of the login that `whose` gives, until stop().
  void start(double per_second, std::function<std::string(std::uint64_t)> whose) {
    whose_ = std::move(whose);
    per_second_ = per_second;
    began_ = Clock::now();
    tick();
  }
  void stop() {
    running_ = false;
    for (auto* visitor : visitors_) {
      visitor->on_lost = nullptr;
      visitor->cut();
    }
    visitors_.clear();
  }
  Tries tries;

 private:
  void tick() {
    if (!running_) return;
    const auto due = static_cast<std::uint64_t>(ms_since(began_) / 1'000 * per_second_);
    // What is late is made up for, but not by more than a second's worth: a try that was never sent is no try.
    for (int burst = 0; sent_ < due && burst < 1'000; ++burst, ++sent_) {
      auto& visitor = *visitors_[sent_ % visitors_.size()];
      if (!visitor.greeted()) continue;
      ++tries.asked;
      visitor.send(login(whose_(sent_), "wrong password " + std::to_string(sent_)),
                   [this](const v1::Reply& reply) { tries.count(reply); });
    }
    crowd_.later(milliseconds(5), [this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) tick();
    });
  }

  const std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // the crowd's timers outlive a flood
  Crowd& crowd_;
  std::vector<Visitor*> visitors_;
  std::function<std::string(std::uint64_t)> whose_;
  double per_second_ = 0;
  Clock::time_point began_;
  std::uint64_t sent_ = 0;
  bool running_ = true;
};

TEST_CASE("I29 guessing is bounded for one account from many addresses, and for one address") {
  CAPTURE(seed());
  const seconds time = figure(seconds(1), seconds(10));
  const double per_second = figure(200, 1'000);
  ServerProcess server({.settings = {}, .people = 2});
  Crowd crowd;
  {
    Flood flood(crowd, server, 40, address);
    flood.start(per_second, [](std::uint64_t) { return "person0"; });
    crowd.run_for(time);
    CHECK(crowd.run_until([&] { return flood.tries.wrong + flood.tries.limited > 50; }));
    CHECK(flood.tries.wrong <= limits::login_tries_per_account);
    CHECK(flood.tries.other == 0);
    CHECK(flood.tries.without_hint == 0);
    say("I29: one account from 40 addresses: " + std::to_string(flood.tries.asked) + " tries, " +
        std::to_string(flood.tries.wrong) + " made, " + std::to_string(flood.tries.limited) +
        " held back");
  }
  {
    Flood flood(crowd, server, 10, [](std::size_t) { return "127.0.9.9"; });
    flood.start(per_second, [](std::uint64_t i) { return "somebody" + std::to_string(i); });
    crowd.run_for(time);
    CHECK(crowd.run_until([&] { return flood.tries.wrong + flood.tries.limited > 50; }));
    CHECK(flood.tries.wrong <= limits::login_tries_per_address_per_hour);
    CHECK(flood.tries.other == 0);
    CHECK(flood.tries.without_hint == 0);
    say("I29: many accounts from one address: " + std::to_string(flood.tries.asked) + " tries, " +
        std::to_string(flood.tries.wrong) + " made, " + std::to_string(flood.tries.limited) +
        " held back");
  }
}

TEST_CASE("I29 a flood of logins from everywhere leaves the conversation alone") {
  CAPTURE(seed());
  const seconds time = figure(seconds(1), seconds(15));
  const double per_second = figure(300, 1'000);
  ServerProcess server({.settings = {}, .people = 4});
  const Apart cores(server.pid());
  Crowd crowd;
  std::vector<double> delays;
  std::uint64_t events = 0;
  std::vector<Visitor*> readers;
  for (std::size_t i = 0; i < 4; ++i) {
    auto& reader = crowd.add(
        {.port = server.port(), .token = server.person(i).token, .follow = {server.stream()}});
    reader.on_event = [&](const v1::StreamId&, const v1::Event& event) {
      const auto& body = event.message_posted().body();
      Clock::rep due = 0;
      std::from_chars(body.data(), body.data() + body.size(), due);
      const Clock::time_point at{Clock::duration(due)};
      delays.push_back(ms_since(at));
      ++events;
    };
    reader.connect();
    readers.push_back(&reader);
  }
  auto& voice = crowd.add({.port = server.port(), .token = server.owner().token, .follow = {}});
  voice.connect();
  REQUIRE(crowd.run_until([&] {
    for (std::size_t i = 0; i < 5; ++i) {
      if (!crowd.at(i).live()) return false;
    }
    return true;
  }));
  std::uint64_t said = 0;
  std::uint64_t refused = 0;
  const auto talk = [&] {
    const auto start = Clock::now();
    for (int i = 0; Clock::now() - start < time; ++i) {
      const auto due = start + i * milliseconds(20);
      while (Clock::now() < due) crowd.run_for(milliseconds(1));
      ++said;
      voice.send(post(server.stream(), server.room(v1::ROOM_ACCESS_ALL),
                      std::to_string(due.time_since_epoch().count())),
                 [&](const v1::Reply& reply) { refused += reply.has_refusal(); });
    }
    CHECK(crowd.run_until([&] { return events == 4 * said; }));
    return quantile(std::exchange(delays, {}), 0.99);
  };
  const double control = talk();
  Flood flood(crowd, server, figure<std::size_t>(60, 400), address);
  flood.start(per_second, [](std::uint64_t i) { return "somebody" + std::to_string(i); });
  const double beside = talk();
  // The conversation is not held up: while so many more logins are answered, at least as many of its rounds end.
  const std::uint64_t wanted = figure<std::uint64_t>(100, 2'000);
  const std::uint64_t answered_before = flood.tries.answered();
  std::uint64_t rounds = 0;
  for (; rounds < wanted || flood.tries.answered() < answered_before + wanted; ++rounds) {
    REQUIRE(rounds < 100 * wanted);  // there is no flood any more
    REQUIRE(talk_in_rounds(crowd, voice, readers, server, 1) == 1);
  }
  said += rounds;
  flood.stop();
  delays.clear();
  const double control_after = talk();
  CHECK(refused == 0);
  CHECK(flood.tries.wrong > 0);
  CHECK(flood.tries.without_hint == 0);
  CHECK(flood.tries.other == 0);
  CHECK(have_all(readers, server.stream(), said));
  tell_bench("I29", {{"alone_ms", std::max(control, control_after)}, {"beside_ms", beside}});
  say("I29: " + std::to_string(flood.tries.asked) + " logins from " +
      std::to_string(figure(60, 400)) + " addresses: " + std::to_string(flood.tries.wrong) +
      " hashed, " + std::to_string(flood.tries.overloaded) + " overloaded, " +
      std::to_string(flood.tries.limited) + " held back; posts' p99 " + std::to_string(control) +
      " and " + std::to_string(control_after) + " ms alone, " + std::to_string(beside) +
      " ms beside, " + std::to_string(rounds) + " rounds of theirs meanwhile");
}

}  // namespace
}  // namespace amicale::chaos
