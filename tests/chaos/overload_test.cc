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
    ask(*visitors_[asked % visitors_.size()],
        post(server_.stream(), server_.room(v1::ROOM_ACCESS_ALL), "encore une"));
  }

  // So many at once, and each that is refused again when it was told to come back, as clients do: until all are in.
  bool persist(std::uint64_t posts) {
    persists_ = true;
    const auto wanted = acknowledged.size() + posts;
    for (std::uint64_t i = 0; i < posts; ++i) ask_one();
    const bool in = crowd_.run_until(
        [&] { return acknowledged.size() >= wanted && answered == asked; }, seconds(120));
    persists_ = false;
    return in;
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

  // So many a second, whatever becomes of them. Answers acknowledgements a second until the last answer: the server has had
  // work all that time, and its first answers come late.
  double run_open(double per_second, milliseconds time) {
    const auto before = acknowledged.size();
    const auto start = Clock::now();
    std::uint64_t sent = 0;
    while (ms_since(start) < static_cast<double>(time.count())) {
      const auto due = static_cast<std::uint64_t>(ms_since(start) / 1'000 * per_second);
      for (; sent < due; ++sent) ask_one();
      crowd_.run_for(milliseconds(1));
    }
    drain();
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
  void ask(Visitor& visitor, const v1::ClientFrame& frame) {
    ++asked;
    const auto sent = Clock::now();
    visitor.send(frame, [this, sent, frame, &visitor](const v1::Reply& reply) {
      ++answered;
      if (!reply.has_refusal()) {
        acknowledged[frame.post_message().client_msg_id()] = reply.post_message().last_seq();
        times.push_back(ms_since(sent));
        if (again_) ask_one();
        return;
      }
      const auto& refusal = reply.refusal();
      ++refused;
      untyped += refusal.code() != v1::REFUSAL_CODE_OVERLOADED || refusal.retry_after_ms() == 0;
      refusal_times.push_back(ms_since(sent));
      if (again_) ask_one();
      if (persists_)
        crowd_.later(milliseconds(refusal.retry_after_ms()),
                     [this, frame, &visitor] { ask(visitor, frame); });
    });
  }

  Crowd& crowd_;
  const ServerProcess& server_;
  std::vector<Visitor*> visitors_;
  bool again_ = false;
  bool persists_ = false;
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
  // In turns, as fast as it goes and three times that: whatever else the machine does meets both.
  const int turns = figure(3, 12);
  const milliseconds quiet_turn = figure(milliseconds(400), milliseconds(1'500));
  const milliseconds turn = figure(milliseconds(400), milliseconds(5'000));
  double peak = 0;
  double goodput = 0;
  double usual = 0;
  std::uint64_t offered = 0;
  for (int i = 0; i < turns; ++i) {
    load.times.clear();
    const double fastest = load.run_closed(256, quiet_turn);
    usual = std::max(usual, quantile(load.times, 0.99));
    if (i == 0) CHECK(load.refused == 0);
    const auto before = load.asked;
    goodput += load.run_open(3 * fastest, turn) / turns;
    offered += load.asked - before;
    peak += fastest / turns;
  }
  CHECK(load.untyped == 0);
  // The work that is done does not collapse. How much less it is, bench/beside judges.
  CHECK(goodput >= peak / 2);
  const double refused_within = quantile(load.refusal_times, 0.99);
  // A burst that no partition can hold, so that refusals are seen on any machine; who comes back when told gets in.
  constexpr std::uint64_t burst = 128 * 32;
  const auto refused_before = load.refused;
  CHECK(load.persist(burst));
  CHECK(load.untyped == 0);
  const auto refused_of_burst = load.refused - refused_before;
  CHECK(refused_of_burst > 0);

  // Back to normal: a quarter of what it can, and no refusal any more.
  const auto start = Clock::now();
  double back = 0;
  for (;;) {
    const auto refused_now = load.refused;
    load.times.clear();
    load.run_open(peak / 4, milliseconds(250));
    back = ms_since(start);
    if (load.refused == refused_now) break;
    REQUIRE(back < 60'000);
  }
  check_log(server, load);
  tell_bench("I21", {{"peak_per_s", peak},
                     {"goodput_per_s", goodput},
                     {"refused_within_ms", refused_within},
                     {"back_ms", back},
                     {"usual_ms", usual},
                     {"after_ms", quantile(load.times, 0.99)}});
  say("I21: peak " + std::to_string(static_cast<int>(peak)) + "/s; asked three times that (" +
      std::to_string(offered) + " in all): " + std::to_string(static_cast<int>(goodput)) +
      "/s done, " + std::to_string(load.refused) + " refused (" + std::to_string(refused_of_burst) +
      " times of a burst of " + std::to_string(burst) + ", which all got in), p99 of a refusal " +
      std::to_string(refused_within) + " ms, back to normal after " + std::to_string(back) + " ms");
}

}  // namespace
}  // namespace amicale::chaos
