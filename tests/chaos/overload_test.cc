// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I21. More is asked than can be done: what is too much is refused at once, by name and with a time to come back; what was
// acknowledged is there; and the work that is done is not less for it.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"
#include "tests/support/wire_client.h"

namespace amicale::chaos {
namespace {

// Many connections that post to one club: what they asked, and what became of it.
class Load {
 public:
  Load(Crowd& crowd, const ServerProcess& server, std::size_t connections)
      : crowd_(crowd), server_(server) {
    for (std::size_t i = 0; i < connections; ++i) {
      auto& visitor = crowd.add(
          {.port = server.port(), .token = server.person(i % server.people()).token, .follow = {}});
      visitor.connect();
      visitors_.push_back(&visitor);
    }
    REQUIRE(crowd.run_until(
        [this] { return std::ranges::all_of(visitors_, [](Visitor* v) { return v->live(); }); }));
  }

  void ask_one() {
    auto& visitor = *visitors_[asked++ % visitors_.size()];
    auto frame = post(server_.stream(), server_.room(v1::ROOM_ACCESS_ALL), "encore une");
    const auto sent = Clock::now();
    visitor.send(
        frame, [this, sent, id = frame.post_message().client_msg_id()](const v1::Reply& reply) {
          ++answered;
          if (!reply.has_refusal()) {
            acknowledged[id] = reply.post_message().last_seq();
            times.push_back(ms_since(sent));
            if (again_) ask_one();
            return;
          }
          const auto& refusal = reply.refusal();
          ++refused;
          untyped += refusal.code() != v1::REFUSAL_CODE_OVERLOADED || refusal.retry_after_ms() == 0;
          refusal_times.push_back(ms_since(sent));
          if (again_) ask_one();
        });
  }

  // Always so many under way: as fast as the server goes. Answers acknowledgements a second.
  double run_closed(std::size_t under_way, milliseconds time) {
    again_ = true;
    for (std::size_t i = 0; i < under_way; ++i) ask_one();
    crowd_.run_for(milliseconds(300));
    const auto before = acknowledged.size();
    const auto start = Clock::now();
    crowd_.run_for(time);
    const double done = static_cast<double>(acknowledged.size() - before);
    const double took = ms_since(start) / 1'000;
    again_ = false;
    drain();
    return done / took;
  }

  // So many a second, whatever becomes of them.
  double run_open(double per_second, milliseconds time) {
    const auto before = acknowledged.size();
    const auto start = Clock::now();
    std::uint64_t sent = 0;
    while (ms_since(start) < static_cast<double>(time.count())) {
      const auto due = static_cast<std::uint64_t>(ms_since(start) / 1'000 * per_second);
      for (; sent < due; ++sent) ask_one();
      crowd_.run_for(milliseconds(1));
    }
    const double done = static_cast<double>(acknowledged.size() - before);
    return done / (ms_since(start) / 1'000);
  }

  void drain() {
    CHECK(crowd_.run_until([this] { return answered == asked; }));
  }

  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  std::uint64_t untyped = 0;
  std::map<std::string, std::uint64_t> acknowledged;  // id → seq
  std::vector<double> times;
  std::vector<double> refusal_times;

 private:
  Crowd& crowd_;
  const ServerProcess& server_;
  std::vector<Visitor*> visitors_;
  bool again_ = false;
};

// Every acknowledged post is in the log once, at its seq.
void check_log(const ServerProcess& server, const Load& load) {
  support::WireClient reader(server.port());
  reader.enter(server.owner().token);
  support::Followed from;
  {
    support::WireClient asked(server.port());
    asked.enter(server.owner().token);
    from.epoch = asked.follow(server.stream()).epoch();
  }
  const auto head = reader.resume(server.stream(), from).head_seq();
  std::map<std::string, std::uint64_t> in_log;
  bool once = true;
  for (const auto& event : reader.wait_for(server.stream(), head).events) {
    if (event.has_message_posted())
      once = in_log.emplace(event.client_msg_id(), event.seq()).second && once;
  }
  CHECK(once);
  std::uint64_t lost = 0;
  for (const auto& [id, seq] : load.acknowledged) {
    const auto found = in_log.find(id);
    lost += found == in_log.end() || found->second != seq;
  }
  CHECK(lost == 0);
  // And nothing that was refused.
  CHECK(in_log.size() == load.acknowledged.size());
}

TEST_CASE(
    "I21 above capacity, refusals are by name and at once, and no acknowledged post is lost") {
  CAPTURE(seed());
  ServerProcess server({.settings = {}, .people = 20});
  const Apart cores(server.pid());
  Crowd crowd;
  // Each connection has 32 requests under way at most: together far more than one club lets wait.
  Load load(crowd, server, 128);
  const double peak = load.run_closed(256, figure(milliseconds(500), milliseconds(5'000)));
  CHECK(load.refused == 0);
  const double usual = quantile(load.times, 0.99);

  const auto before = load.asked;
  const double goodput = load.run_open(3 * peak, figure(milliseconds(1'000), milliseconds(60'000)));
  const double rate = static_cast<double>(load.asked - before);
  load.drain();
  const double refused_within = quantile(load.refusal_times, 0.99);
  CHECK(load.untyped == 0);
  // A burst that no partition can hold, so that refusals are seen on any machine.
  const auto refused_before = load.refused;
  for (int i = 0; i < 128 * 32; ++i) load.ask_one();
  load.drain();
  CHECK(load.untyped == 0);
  const auto refused_of_burst = load.refused - refused_before;

  // Back to normal: a quarter of what it can, and no refusal any more; where times are judged, as fast as before.
  const auto start = Clock::now();
  double back = 0;
  for (;;) {
    const auto refused_now = load.refused;
    load.times.clear();
    load.run_open(peak / 4, milliseconds(250));
    load.drain();
    back = ms_since(start);
    const bool fast = !judges_time(cores) || quantile(load.times, 0.99) <= 2 * usual + 20;
    if (load.refused == refused_now && fast) break;
    REQUIRE(back < 60'000);
  }
  check_log(server, load);
  if (judges_time(cores)) {
    CHECK(goodput >= 0.8 * peak);
    CHECK(refused_within <= 1'000);
    CHECK(back <= 5'000);
  }
  CHECK(load.refused > 0);
  say("I21: peak " + std::to_string(static_cast<int>(peak)) + "/s; asked three times that (" +
      std::to_string(static_cast<int>(rate)) + " in all): " +
      std::to_string(static_cast<int>(goodput)) + "/s done, " + std::to_string(load.refused) +
      " refused (" + std::to_string(refused_of_burst) + " of a burst of 4096), p99 of a refusal " +
      std::to_string(refused_within) + " ms, back to normal after " + std::to_string(back) + " ms");
}

}  // namespace
}  // namespace amicale::chaos
