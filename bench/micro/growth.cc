// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/micro/growth.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/micro/population.h"
#include "server/commands/messages.h"
#include "server/core.h"
#include "server/queries/queries.h"
#include "storage/log_reader.h"
#include "storage/view.h"

namespace amicale::bench {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

double us_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

double cpu_us() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto us = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
  };
  return us(used.ru_utime) + us(used.ru_stime);
}

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) /
         (1024.0 * 1024.0);
}

double median(std::vector<double> values) {
  if (values.empty()) throw std::runtime_error("nothing was measured");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// Runs `work` until a quarter of a second has passed, at least 5 and at most 1,000 times.
double median_us(const std::function<void()>& work) {
  std::vector<double> times;
  const auto start = Clock::now();
  while (times.size() < 5 || (times.size() < 1'000 && us_since(start) < 250e3)) {
    const auto before = Clock::now();
    work();
    times.push_back(us_since(before));
  }
  return median(std::move(times));
}

// RocksDB compacts on its own threads what was written: waits until they are done, so that a measurement does not pay for
// what happened before it. At most two minutes.
void wait_until_idle() {
  for (int i = 0; i < 600; ++i) {
    const double before = cpu_us();
    ::usleep(200'000);
    if (cpu_us() - before < 10e3) return;
  }
  throw std::runtime_error("the store does not come to rest");
}

struct Arguments {
  std::filesystem::path folder;
  Shape shape;
  std::uint64_t measured_posts = 20'000;
};

std::optional<Arguments> parse(std::span<const std::string_view> words) {
  if (words.empty()) return std::nullopt;
  Arguments arguments;
  arguments.folder = words[0];
  for (const auto word : words.subspan(1)) {
    const auto equals = word.find('=');
    if (equals == word.npos) return std::nullopt;
    const auto name = word.substr(0, equals);
    const auto text = word.substr(equals + 1);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    if (name == "accounts") {
      arguments.shape.accounts = value;
    } else if (name == "clubs") {
      arguments.shape.clubs = value;
    } else if (name == "members") {
      arguments.shape.members = value;
    } else if (name == "posts") {
      arguments.shape.posts = value;
    } else if (name == "measured") {
      arguments.measured_posts = value;
    } else {
      return std::nullopt;
    }
  }
  if (arguments.shape.accounts <= arguments.shape.members) return std::nullopt;
  return arguments;
}

void fill(const Arguments& arguments) {
  storage::Database database(options_in(arguments.folder));
  Population population(database);
  if (!storage::View(database).room(1, 1)) population.found(arguments.shape);
  const auto there = storage::View(database).room(1, 1)->head_number();
  const std::uint64_t posts = arguments.shape.posts > there ? arguments.shape.posts - there : 0;
  wait_until_idle();
  const double before = cpu_us();
  population.post(1, posts, arguments.shape);
  population.write();
  wait_until_idle();
  const double each = posts > 0 ? (cpu_us() - before) / static_cast<double>(posts) : 0;
  std::fputs(
      fmt::format("{{\"filled_posts\": {}, \"fill_cpu_us\": {:.2f}}}\n", posts, each).c_str(),
      stdout);
}

// Posts by several members at once, through the one gate.
class Posting {
 public:
  Posting(Core& core, const Shape& shape) : core_(core), shape_(shape) {}

  // `count` posts with `at_once` under way, over the first `clubs` clubs in turn. Answers how long
  // each took.
  std::vector<double> run(std::uint64_t count, unsigned at_once, std::uint64_t clubs) {
    left_ = count;
    clubs_ = clubs;
    latencies_.clear();
    asio::io_context here;
    std::exception_ptr failed;
    asio::co_spawn(here, wait(at_once), [&](std::exception_ptr error) { failed = error; });
    here.run();
    if (failed) std::rethrow_exception(failed);
    return std::move(latencies_);
  }

 private:
  // All posters live on one shard, like the sessions of one; so they share their counters.
  runtime::Task<> wait(unsigned at_once) {
    auto start = [this, at_once] { return together(at_once); };
    co_await core_.shard(0).call(std::move(start));
  }

  runtime::Task<> together(unsigned at_once) {
    runtime::TaskGroup posters(core_.shard(0).executor());
    for (unsigned i = 0; i < at_once; ++i) posters.spawn("poster", poster());
    co_await posters.join();
    if (refused_) throw std::runtime_error("a post was refused: " + *refused_);
  }

  runtime::Task<> poster() {
    while (left_ > 0 && !refused_) {
      --left_;
      const std::uint64_t number = ++sent_;
      const std::uint64_t club = 1 + number % clubs_;
      v1::PostMessage request;
      *request.mutable_stream() = storage::stream_of(storage::PartitionId::club(club));
      request.set_room_id(1);
      request.set_body(std::string(body()));
      request.set_client_msg_id(client_msg_id(first_id_ + number));
      const commands::Caller caller{.account_id = shape_.member(club, number / clubs_),
                                    .site_role = v1::SITE_ROLE_NONE};
      const auto before = Clock::now();
      auto prepared = commands::post_message(core_.gate(), caller, request);
      if (!prepared) {
        refused_ = prepared.error().rule_id;
        continue;
      }
      const auto outcome =
          co_await core_.gate().site.submit(prepared->where, std::move(prepared->command));
      latencies_.push_back(us_since(before));
      if (!outcome) {
        refused_ = outcome.error().rule_id;
      } else if (outcome->committed.repeated()) {
        refused_ = "answered as a repeat";
      }
    }
  }

  // No id may come twice, not even from an earlier measurement of the same folder: a repeat is answered without a post.
  const std::uint64_t first_id_ =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());

  Core& core_;
  const Shape& shape_;
  std::uint64_t left_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t clubs_ = 1;
  std::optional<std::string> refused_;
  std::vector<double> latencies_;
};

Config config_for(const Arguments& arguments) {
  Config config = default_config();
  config.server.data_dir = arguments.folder.string();
  config.server.shards = 1;
  config.storage.ballast_mib = 0;
  config.storage.free_space_floor_mib = 0;
  config.antispam.enabled = false;
  // Few members must be allowed to post much; many post at the usual rate.
  const auto each = 4 * arguments.measured_posts / arguments.shape.members;
  config.limits.posts_per_10s = std::max(config.limits.posts_per_10s, each);
  config.limits.joins_per_minute = 0;
  return config;
}

void measure(const Arguments& arguments) {
  const Shape& shape = arguments.shape;
  const double bare_mib = resident_mib();
  runtime::SystemClock clock;
  const auto started = Clock::now();
  const double cpu_before_start = cpu_us();
  Core core(config_for(arguments), clock);
  core.start();
  const double start_us = us_since(started);
  const double start_cpu_us = cpu_us() - cpu_before_start;
  const double started_mib = resident_mib();

  Posting posting(core, shape);
  // The club is not in memory yet: its first post loads it.
  const double first_us = posting.run(1, 1, 1).front();
  const double post_us = median(posting.run(200, 1, 1));
  const double loaded_mib = resident_mib();
  posting.run(1'000, 64, 1);
  wait_until_idle();

  const double cpu_before_posts = cpu_us();
  posting.run(arguments.measured_posts, 64, 1);
  const double post_cpu_us =
      (cpu_us() - cpu_before_posts) / static_cast<double>(arguments.measured_posts);

  double spread_cpu_us = post_cpu_us;
  if (shape.clubs > 1) {
    // Once over all clubs, so that what has to be loaded is.
    posting.run(std::min<std::uint64_t>(shape.clubs, 20'000), 64, shape.clubs);
    wait_until_idle();
    const double before = cpu_us();
    posting.run(arguments.measured_posts, 64, shape.clubs);
    spread_cpu_us = (cpu_us() - before) / static_cast<double>(arguments.measured_posts);
  }
  wait_until_idle();
  const double worked_mib = resident_mib();

  const auto club = storage::PartitionId::club(1);
  const queries::Caller member{.account_id = shape.member(1, 1), .site_role = v1::SITE_ROLE_NONE};
  const queries::Caller owner{.account_id = 1, .site_role = v1::SITE_ROLE_OWNER};
  std::size_t snapshot_bytes = 0;
  const auto take_snapshot = [&](const queries::Caller& caller, storage::PartitionId stream) {
    storage::Snapshot at(core.database());
    const auto snapshot = queries::snapshot(storage::View(at), caller, stream);
    if (!snapshot) throw std::runtime_error("no snapshot: " + snapshot.error().rule_id);
    snapshot_bytes = snapshot->SerializeAsString().size();
  };
  const double site_snapshot_us =
      median_us([&] { take_snapshot(owner, storage::PartitionId::site()); });
  const double snapshot_us = median_us([&] { take_snapshot(member, club); });
  // What coming back with a cursor asks of the data.
  const double resume_us = median_us([&] {
    const storage::View view(core.database());
    if (view.head(club).seq() == 0 || !queries::follow_role(view, member, club)) {
      throw std::runtime_error("may not follow");
    }
  });
  v1::GetHistory asked;
  *asked.mutable_stream() = storage::stream_of(club);
  asked.set_room_id(1);
  asked.set_before(50);
  const double history_us = median_us([&] {
    storage::Snapshot at(core.database());
    if (!queries::history(storage::View(at), member, asked)) throw std::runtime_error("no page");
  });
  const std::uint64_t middle = storage::View(core.database()).head(club).seq() / 2 + 1;
  const double replay_us =
      median_us([&] { storage::read_log(storage::View(core.database()), club, middle); });
  v1::CountMentions counting;
  counting.set_club_id(1);
  counting.set_room_id(1);
  counting.set_all(true);
  const double count_us = median_us([&] {
    storage::Snapshot at(core.database());
    if (!queries::count_mentions(storage::View(at), member, counting)) {
      throw std::runtime_error("no count");
    }
  });

  asio::io_context here;
  asio::co_spawn(here, core.drain(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  here.run();
  core.stop();

  std::fputs(
      fmt::format("{{\"start_us\": {:.0f}, \"start_cpu_us\": {:.0f}, \"first_post_us\": {:.0f}, "
                  "\"post_us\": {:.1f}, \"load_us\": {:.1f}, \"post_cpu_us\": {:.2f}, "
                  "\"spread_post_cpu_us\": {:.2f}, \"snapshot_us\": {:.1f}, "
                  "\"snapshot_bytes\": {}, \"site_snapshot_us\": {:.1f}, \"resume_us\": {:.2f}, "
                  "\"history_us\": {:.1f}, \"replay_us\": {:.1f}, \"count_mentions_us\": {:.1f}, "
                  "\"bare_mib\": {:.1f}, \"started_mib\": {:.1f}, \"loaded_mib\": {:.1f}, "
                  "\"worked_mib\": {:.1f}}}\n",
                  start_us, start_cpu_us, first_us, post_us, std::max(first_us - post_us, 1.0),
                  post_cpu_us, spread_cpu_us, snapshot_us, snapshot_bytes, site_snapshot_us,
                  resume_us, history_us, replay_us, count_us, bare_mib, started_mib, loaded_mib,
                  worked_mib)
          .c_str(),
      stdout);
}

}  // namespace

int growth(std::span<const std::string_view> arguments) {
  const auto parsed = parse(arguments.subspan(1));
  if (!parsed) {
    std::fputs(
        "usage: bench_micro fill|measure FOLDER [accounts=N] [clubs=N] [members=N] [posts=N] "
        "[measured=N]\nmore accounts than members\n",
        stderr);
    return 2;
  }
  try {
    if (arguments[0] == "fill") {
      fill(*parsed);
    } else {
      measure(*parsed);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_micro: %s\n", e.what());
    return 1;
  }
  return 0;
}

}  // namespace amicale::bench
