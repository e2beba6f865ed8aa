// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <cstring>
#include <filesystem>

#include "server/domain/account.h"
#include "server/domain/limits.h"
#include "server/log/embedded_log.h"
#include "server/log/partition.h"
#include "tests/unit/storage_site.h"

namespace amicale::log {
namespace {

class ManualClock final : public runtime::Clock {
 public:
  int64_t now = 1'000'000;
  int64_t now_ms() const override { return now; }
  int64_t steady_ms() const override { return now; }
};

// A log whose writes can be told to fail, before or after they took effect: what a broken disk does.
class BreakableLog final : public Log {
 public:
  enum class Mode { works, lost, kept_but_unknown };
  explicit BreakableLog(storage::Database& database) : real_(database) {}

  runtime::Task<Appended> append(storage::PartitionId partition, uint64_t expected,
                                 std::unique_ptr<storage::Batch> batch) override {
    ++appends;
    if (mode == Mode::lost) co_return Appended::unknown;
    auto done = co_await real_.append(partition, expected, std::move(batch));
    co_return mode == Mode::kept_but_unknown ? Appended::unknown : done;
  }

  Mode mode = Mode::works;
  int appends = 0;

 private:
  EmbeddedLog real_;
};

struct Fixture {
  storage_test::TempFolder folder;
  storage::Database database{[this] {
    storage::DatabaseOptions options;
    options.folder = folder.path();
    options.ballast_bytes = 0;
    options.floor_bytes = 0;
    return options;
  }()};
  runtime::Shard shard{0};
  runtime::Blocking blocking{1};
  ManualClock clock;
  BreakableLog log{database};
  std::vector<std::shared_ptr<const Published>> published;
  Partitions partitions{
      shard,
      database,
      log,
      blocking,
      clock,
      [this](std::shared_ptr<const Published> p) { published.push_back(std::move(p)); },
      {.loaded = 4, .posts_per_10s = 2}};
  const storage::PartitionId id = storage::PartitionId::account(5);

  ~Fixture() { blocking.stop(); }

  Command notice(uint64_t club, std::string msg_id, int kind = 1) {
    Command command;
    command.actor = 5;
    command.client_msg_id = std::move(msg_id);
    command.request_kind = kind;
    command.decide = [club](const Deciding&) -> domain::Result<domain::Decision> {
      auto decision =
          domain::notice_membership(club, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_ACTIVE);
      decision.object_id = club;
      return decision;
    };
    return command;
  }

  // Submits all in one turn of the loop and waits for every answer.
  std::vector<domain::Result<Outcome>> submit(std::vector<Command> commands) {
    std::vector<domain::Result<Outcome>> results(commands.size());
    std::size_t open = commands.size();
    for (std::size_t i = 0; i < commands.size(); ++i) {
      partitions.submit(id, std::move(commands[i]), [&, i](domain::Result<Outcome> result) {
        results[i] = std::move(result);
        if (--open == 0) shard.context().stop();
      });
    }
    shard.context().restart();
    shard.context().run();
    return results;
  }
};

std::string id_of(char c) { return std::string(16, c); }

TEST_CASE("what waits together is decided in order and made durable by one write") {
  Fixture f;
  std::vector<Command> commands;
  for (int i = 0; i < 20; ++i)
    commands.push_back(f.notice(i + 1, id_of(static_cast<char>('a' + i))));
  auto results = f.submit(std::move(commands));
  CHECK(f.log.appends == 1);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(results[i]);
    CHECK(results[i]->committed.first_seq() == static_cast<uint64_t>(i + 1));
  }
  REQUIRE(f.published.size() == 1);
  CHECK(f.published[0]->events.items.size() == 20);
  CHECK(storage::View(f.database).head(f.id).seq() == 20);
}

TEST_CASE("a repeat in the same turn, or later, answers the first result and commits nothing") {
  Fixture f;
  std::vector<Command> twice;
  twice.push_back(f.notice(1, id_of('a')));
  twice.push_back(f.notice(1, id_of('a')));
  auto results = f.submit(std::move(twice));
  CHECK_FALSE(results[0]->committed.repeated());
  CHECK(results[1]->committed.repeated());
  CHECK(results[1]->committed.first_seq() == results[0]->committed.first_seq());
  std::vector<Command> later;
  later.push_back(f.notice(9, id_of('a')));
  CHECK(f.submit(std::move(later))[0]->committed.object_id() == 1);
  std::vector<Command> other;
  other.push_back(f.notice(1, id_of('a'), 2));
  CHECK(f.submit(std::move(other))[0].error().code == v1::REFUSAL_CODE_CONFLICT);
  CHECK(storage::View(f.database).head(f.id).seq() == 1);
}

TEST_CASE("a write that failed is unknown: nothing is published, and the retry finds the truth") {
  for (auto mode : {BreakableLog::Mode::lost, BreakableLog::Mode::kept_but_unknown}) {
    Fixture f;
    std::vector<Command> first;
    first.push_back(f.notice(1, id_of('a')));
    REQUIRE(f.submit(std::move(first))[0]);
    f.published.clear();
    f.log.mode = mode;
    std::vector<Command> failing;
    failing.push_back(f.notice(2, id_of('b')));
    auto failed = f.submit(std::move(failing));
    CHECK(failed[0].error().code == v1::REFUSAL_CODE_UNAVAILABLE);
    CHECK(f.published.empty());
    f.log.mode = BreakableLog::Mode::works;
    std::vector<Command> retry;
    retry.push_back(f.notice(2, id_of('b')));
    auto retried = f.submit(std::move(retry));
    REQUIRE(retried[0]);
    CHECK(retried[0]->committed.first_seq() == 2);
    CHECK(retried[0]->committed.repeated() == (mode == BreakableLog::Mode::kept_but_unknown));
    CHECK(storage::View(f.database).head(f.id).seq() == 2);
  }
}

TEST_CASE("a rule that throws spoils its turn and nothing else") {
  Fixture f;
  Command broken;
  broken.decide = [](const Deciding&) -> domain::Result<domain::Decision> {
    throw std::runtime_error("defect");
  };
  std::vector<Command> commands;
  commands.push_back(f.notice(1, id_of('a')));
  commands.push_back(std::move(broken));
  auto results = f.submit(std::move(commands));
  CHECK(results[0].error().code == v1::REFUSAL_CODE_UNAVAILABLE);
  CHECK(results[1].error().code == v1::REFUSAL_CODE_UNAVAILABLE);
  CHECK(storage::View(f.database).head(f.id).seq() == 0);
  std::vector<Command> again;
  again.push_back(f.notice(1, id_of('a')));
  CHECK(f.submit(std::move(again))[0]->committed.first_seq() == 1);
}

TEST_CASE("time never goes back within a log, whatever the clock does") {
  Fixture f;
  std::vector<Command> first;
  first.push_back(f.notice(1, id_of('a')));
  auto before = f.submit(std::move(first))[0]->committed.time_ms();
  f.clock.now -= 500'000;
  std::vector<Command> second;
  second.push_back(f.notice(2, id_of('b')));
  CHECK(f.submit(std::move(second))[0]->committed.time_ms() >= before);
}

TEST_CASE("a member posts so often in ten seconds, and then waits") {
  Fixture f;
  std::vector<Command> commands;
  for (char c : {'a', 'b', 'c'}) {
    commands.push_back(f.notice(1, id_of(c)));
    commands.back().is_post = true;
  }
  auto results = f.submit(std::move(commands));
  CHECK(results[1]);
  CHECK(results[2].error().code == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(results[2].error().retry_after_ms > 0);
  f.clock.now += results[2].error().retry_after_ms;
  std::vector<Command> later;
  later.push_back(f.notice(1, id_of('d')));
  later.back().is_post = true;
  CHECK(f.submit(std::move(later))[0]);
}

// Those who posted are looked through only when their number has doubled; nobody is forgotten too soon for it.
TEST_CASE("a member's rate holds however many others post") {
  Fixture f;
  for (uint64_t round = 0; round < 3; ++round) {
    std::vector<Command> commands;
    for (uint64_t actor = 1; actor <= 700; ++actor) {
      std::string msg_id = id_of('x');
      std::memcpy(msg_id.data(), &round, sizeof round);
      commands.push_back(f.notice(1, std::move(msg_id)));
      commands.back().actor = actor;
      commands.back().is_post = true;
    }
    const auto results = f.submit(std::move(commands));
    for (const auto& result : results) {
      REQUIRE(result.has_value() == (round < 2));
      if (round == 2) CHECK(result.error().code == v1::REFUSAL_CODE_RATE_LIMITED);
    }
  }
  // When all that was taken has come back, everybody posts again.
  f.clock.now += domain::limits::post_window_ms;
  std::vector<Command> later;
  for (uint64_t actor = 1; actor <= 700; ++actor) {
    later.push_back(f.notice(1, id_of('y')));
    later.back().actor = actor;
    later.back().is_post = true;
  }
  for (const auto& result : f.submit(std::move(later))) CHECK(result.has_value());
}

}  // namespace
}  // namespace amicale::log
