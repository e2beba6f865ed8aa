// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the operator does and sees while members chat: copies, figures, readiness, the bound of descriptors.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "server/http/process.h"
#include "storage/backup.h"
#include "tests/support/club_world.h"
#include "tests/support/raw_client.h"

namespace amicale {
namespace {

using namespace support;

v1::ClientFrame create_backup(const std::string& name) {
  v1::ClientFrame frame;
  frame.mutable_create_backup()->set_name(name);
  return frame;
}

double stat(const v1::GetStatsReply& stats, const std::string& name) {
  for (const auto& one : stats.stats()) {
    if (one.name() == name) return one.value();
  }
  FAIL("no such figure: ", name);
  return 0;
}

// The value of a line of /metrics without labels.
double metric(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + " ");
  REQUIRE_MESSAGE(at != std::string::npos, name);
  return std::stod(text.substr(at + name.size() + 2));
}

TEST_CASE(
    "a copy taken while members post holds what was acknowledged before, and its restored server "
    "asks for a new snapshot") {
  ClubWorld world([](Config& config) {
    config.limits.posts_per_10s = 1'000'000;
    config.limits.joins_per_minute = 0;
    config.limits.requests_per_second = 1'000'000;
    config.limits.request_burst = 1'000'000;
  });
  world.add("ada");
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  auto owner = world.connect("owner");
  ada.follow(world.stream());
  uint64_t acknowledged = 0;
  for (int i = 0; i < 5; ++i) {
    acknowledged = ada.call(post(world.stream(), room, "avant " + std::to_string(i)))
                       .post_message()
                       .object_id();
  }
  REQUIRE(acknowledged == 5);

  // Boris keeps two posts under way for as long as the copy is made.
  std::atomic<bool> copied = false;
  std::atomic<uint64_t> last_posted = 0;
  std::atomic<uint64_t> failed = 0;
  const auto keep_posting = [&](WireClient& boris) {
    const auto next = [&] { return boris.send(post(world.stream(), room, "pendant")); };
    uint32_t under_way = next();
    while (!copied) {
      const uint32_t following = next();
      const auto reply = boris.reply(under_way);
      if (reply.has_post_message()) last_posted = reply.post_message().object_id();
      if (reply.has_refusal()) ++failed;
      under_way = following;
    }
    boris.reply(under_way);
  };
  std::thread load([&, boris = world.connect("boris")]() mutable {
    try {
      keep_posting(boris);
    } catch (...) {
      ++failed;
    }
  });
  const auto made = owner.call(create_backup("nightly"));
  copied = true;
  load.join();
  REQUIRE_MESSAGE(made.has_create_backup(), made.refusal().message());
  CHECK(failed == 0);
  CHECK(last_posted > acknowledged);
  CHECK(made.create_backup().entries() > acknowledged);
  CHECK(made.create_backup().bytes() > 0);
  CHECK_MESSAGE(owner.call(create_backup("nightly")).refusal().code() == v1::REFUSAL_CODE_CONFLICT,
                "a copy never replaces another");
  CHECK(owner.call(create_backup("../out")).refusal().code() == v1::REFUSAL_CODE_BAD_REQUEST);
  CHECK(ada.call(create_backup("mine")).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);

  const Followed held = ada.at(world.stream());
  const auto report =
      storage::restore(made.create_backup().path(), world.running.folder() / "restored");
  CHECK(report.entries == made.create_backup().entries());
  world.running.stop();
  std::filesystem::rename(world.running.folder() / "data", world.running.folder() / "lost");
  std::filesystem::rename(world.running.folder() / "restored", world.running.folder() / "data");
  world.running.start();

  auto again = world.connect("ada");
  const auto resumed = again.resume(world.stream(), held);
  CHECK(resumed.outcome() == v1::SUBSCRIBE_OUTCOME_GAP);
  CHECK(resumed.gap().reason() == v1::GAP_REASON_EPOCH);
  CHECK(resumed.epoch() != held.epoch);
  const auto snapshot = again.follow(world.stream());
  CHECK(snapshot.epoch() == resumed.epoch());
  v1::ClientFrame history;
  *history.mutable_get_history()->mutable_stream() = world.stream();
  history.mutable_get_history()->set_room_id(room);
  history.mutable_get_history()->set_around(acknowledged);
  history.mutable_get_history()->set_before(static_cast<uint32_t>(acknowledged));
  const auto page = again.call(history).get_history();
  REQUIRE(page.messages_size() == 5);
  CHECK(page.messages(4).body() == "avant 4");
  CHECK(page.head_number() >= acknowledged);
  CHECK(again.call(post(world.stream(), room, "après")).post_message().object_id() ==
        page.head_number() + 1);
}

TEST_CASE("the figures count commits, deliveries and refusals, the same in /metrics and GetStats") {
  ClubWorld world;
  world.add("ada");
  world.add("boris");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  auto owner = world.connect("owner");
  boris.follow(world.stream());
  v1::ClientFrame get_stats;
  get_stats.mutable_get_stats();
  const auto before = owner.call(get_stats).get_stats();
  constexpr int posts = 7;
  uint64_t last = 0;
  for (int i = 0; i < posts; ++i)
    last = ada.call(post(world.stream(), room, "un")).post_message().last_seq();
  CHECK(ada.call(post(world.stream(), room, " ")).has_refusal());
  boris.wait_for(world.stream(), last);
  const auto after = owner.call(get_stats).get_stats();
  const auto grew = [&](const std::string& name) { return stat(after, name) - stat(before, name); };
  CHECK(grew("amicale_commits_total") == posts);
  CHECK(grew("amicale_events_total") == posts);
  CHECK(grew("amicale_commit_seconds_count") == posts);
  CHECK(grew("amicale_deliveries_total") == posts);
  CHECK(stat(after, "amicale_sessions") == 3);
  CHECK(stat(after, "process_resident_memory_bytes") > 0);
  CHECK(after.uptime_ms() >= before.uptime_ms());
  CHECK_FALSE(after.version().empty());
  CHECK_MESSAGE(ada.call(get_stats).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN,
                "figures are the operator's");

  const std::string text = request(world.running.port(), "GET", "/metrics").body;
  CHECK(metric(text, "amicale_deliveries_total") == stat(after, "amicale_deliveries_total"));
  CHECK(metric(text, "amicale_commits_total") == stat(after, "amicale_commits_total"));
  // Once each, whether a rule, a query or the session said no.
  for (const char* code : {"BAD_REQUEST", "FORBIDDEN"}) {
    const std::string line = "amicale_refusals_total{code=\"" + std::string(code) + "\"} ";
    const auto at = text.find(line);
    REQUIRE(at != std::string::npos);
    CHECK_MESSAGE(std::stod(text.substr(at + line.size())) == 1, code);
  }
  CHECK(text.find("un\n") == std::string::npos);
}

TEST_CASE("a server that drains says so, and sends its clients away with a time to come back") {
  ClubWorld world;
  world.add("ada");
  auto ada = world.connect("ada");
  CHECK(request(world.running.port(), "GET", "/readyz").status == 200);
  world.running.server().core().shard(0).post(
      [&place = world.running.server().core().place(0)] { place.drain(); });
  world.running.server().core().shard(1).post(
      [&place = world.running.server().core().place(1)] { place.drain(); });
  CHECK(ada.wait_for_close() == v1::CLOSE_CODE_GOING_AWAY);
  REQUIRE(ada.goodbye());
  CHECK(ada.goodbye()->reconnect_after_ms() > 0);
  const auto unready = request(world.running.port(), "GET", "/readyz");
  CHECK(unready.status == 503);
  CHECK(unready.body.find("draining") != std::string::npos);
  CHECK_MESSAGE(request(world.running.port(), "GET", "/healthz").status == 200,
                "it is well, only leaving");
}

TEST_CASE(
    "the limit of descriptors is raised to what the system allows, and bounds the connections") {
  rlimit was{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &was) == 0);
  rlimit low = was;
  low.rlim_cur = std::min<rlim_t>(was.rlim_max, 1'024);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(http::raise_file_limit() == was.rlim_max);
  rlimit now{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &now) == 0);
  CHECK(now.rlim_cur == was.rlim_max);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &was) == 0);

  const auto as_many = http::plan_connections(100'000, 0);
  REQUIRE(as_many);
  CHECK(*as_many < 100'000);
  CHECK(http::plan_connections(100'000, 10).value() == 10);
  CHECK_FALSE(http::plan_connections(100'000, 100'000));
  CHECK_FALSE(http::plan_connections(64, 0));
}

TEST_CASE("a server that cannot have the connections that it was configured for does not start") {
  try {
    RunningServer running(
        [](Config& config) { config.limits.max_connections = uint64_t{1} << 40; });
    FAIL("started");
  } catch (const std::runtime_error& error) {
    CHECK_FALSE(std::string(error.what()).empty());
  }
}

}  // namespace
}  // namespace amicale
