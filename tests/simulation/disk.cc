// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/disk.h"

#include <unistd.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>

#include "storage/rebuild.h"

namespace amicale::simulation {

namespace asio = boost::asio;
using log::Appended;

runtime::Task<Appended> SimulatedLog::append(storage::PartitionId partition, uint64_t expected_seq,
                                             std::unique_ptr<storage::Batch> batch) {
  auto initiate = [this, partition, expected_seq](auto handler,
                                                  std::unique_ptr<storage::Batch> what) {
    auto home = asio::get_associated_executor(handler);
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    auto done = [home, kept](Appended result) {
      asio::post(home, [kept, result] { std::move (*kept)(result); });
    };
    disk_.submit(writer_, {partition, expected_seq, std::move(what), std::move(done)});
  };
  co_return co_await asio::async_initiate<decltype(runtime::use_task), void(Appended)>(
      std::move(initiate), runtime::use_task, std::move(batch));
}

void Disk::submit(unsigned writer, Waiting waiting) {
  if (!on_) return waiting.done(Appended::unknown);
  if (const uint64_t head = view().head(waiting.partition).seq(); head != waiting.expected_seq)
    stage_.ledger.fail("I6", "a commit continues " + std::to_string(waiting.expected_seq) + " of " +
                                 storage::to_string(waiting.partition) + ", which ends at " +
                                 std::to_string(head));
  if (stage_.mutation.batch) stage_.mutation.batch(*waiting.batch, waiting.partition);
  Group& group = waiting_[writer];
  group.push_back(std::move(waiting));
  if (group.size() > 1) return;
  const int64_t wait = stage_.calm                                ? 0
                       : stage_.clock.steady_ms() < slow_until_ms ? stage_.dice.between(200, 1'500)
                                                                  : stage_.dice.between(0, 6);
  stage_.agenda.in(wait, [this, writer, life = life_] {
    if (life == life_) write(writer);
  });
}

void Disk::answer(Group group, Appended appended) {
  for (Waiting& waiting : group) waiting.done(appended);
}

void Disk::apply(Group& group) {
  std::vector<storage::Batch*> batches;
  std::set<Stream> streams;
  const bool may_lose =
      stage_.mutation.loses_last_write_on_reopening || stage_.mutation.acknowledges_before_durable;
  if (may_lose) unsaid_.clear();
  for (Waiting& waiting : group) {
    if (may_lose) remember(*waiting.batch);
    batches.push_back(waiting.batch.get());
    streams.insert({waiting.partition.kind, waiting.partition.id});
  }
  database_.write(batches);
  stage_.ledger.wrote(view(), streams);
  if (stage_.mutation.acknowledges_before_durable) {
    // The sync comes a little later than the answer.
    stage_.agenda.in(500, [this, write = ++writes_] {
      if (write == writes_) unsaid_.clear();
    });
  }
}

void Disk::remember(const storage::Batch& batch) {
  for (const auto family : {storage::Family::log, storage::Family::state, storage::Family::messages,
                            storage::Family::idempotency, storage::Family::tokens}) {
    for (const auto& [key, change] : batch.changes(family)) {
      Undo undo{family, std::string(key), {}, false};
      undo.absent = !view().get(family, undo.key, undo.value);
      unsaid_.push_back(std::move(undo));
    }
  }
}

void Disk::write(unsigned writer) {
  Group group;
  group.swap(waiting_[writer]);
  if (group.empty()) return;
  if (broken_) return answer(std::move(group), Appended::unknown);
  if (crash_in >= 0 && crash_in-- == 0) {
    stage_.say("disk: the power goes in the middle of a write");
    limbo_ = std::move(group);
    power_off();
    return crash();
  }
  if (sync_fails_in >= 0 && sync_fails_in-- == 0) {
    stage_.say("disk: a sync fails");
    if (stage_.mutation.acknowledges_after_failed_sync) {
      // Said to be durable, visible from the page cache, and gone with it.
      unsaid_.clear();
      for (Waiting& waiting : group) remember(*waiting.batch);
      apply(group);
      return answer(std::move(group), Appended::durable);
    }
    broken_ = true;
    sync_failed();
    for (Waiting& waiting : group) {
      waiting.done(Appended::unknown);
      waiting.done = nullptr;
    }
    limbo_ = std::move(group);
    return;
  }
  apply(group);
  const int64_t wait = stage_.calm ? 0 : stage_.dice.between(0, 2);
  auto done = std::make_shared<Group>(std::move(group));
  unanswered_.push_back(done);
  stage_.agenda.in(wait, [this, done] {
    std::erase(unanswered_, done);
    answer(std::exchange(*done, {}), Appended::durable);
  });
}

void Disk::finish() {
  for (unsigned writer = 0; writer < waiting_.size(); ++writer) write(writer);
  for (auto& done : std::exchange(unanswered_, {}))
    answer(std::exchange(*done, {}), Appended::durable);
}

void Disk::power_off() {
  on_ = false;
  ++life_;
  sync_fails_in = crash_in = -1;
  // A machine that is off answers nobody; those who wait in it still have to go.
  for (auto& done : std::exchange(unanswered_, {}))
    answer(std::exchange(*done, {}), Appended::unknown);
  for (Group& group : waiting_) {
    Group lost;
    lost.swap(group);
    answer(std::move(lost), Appended::unknown);
  }
  for (Waiting& waiting : limbo_) {
    if (waiting.done) std::exchange(waiting.done, nullptr)(Appended::unknown);
  }
}

void Disk::power_on() {
  if (!limbo_.empty() && (stage_.mutation.tears_writes || stage_.dice.chance(50))) {
    if (stage_.mutation.tears_writes) {
      // What a torn write must never leave behind: entries of the log without their rows.
      storage::Batch half(database_);
      for (const auto& [key, change] : limbo_.front().batch->changes(storage::Family::log))
        half.put(storage::Family::log, key, change.value());
      database_.write(half);
    } else {
      stage_.say("disk: the write under way had got through");
      std::vector<storage::Batch*> batches;
      for (Waiting& waiting : limbo_) batches.push_back(waiting.batch.get());
      database_.write(batches);
      unsaid_.clear();
    }
  }
  limbo_.clear();
  if (!unsaid_.empty()) {
    storage::Batch back(database_);
    for (auto undo = unsaid_.rbegin(); undo != unsaid_.rend(); ++undo) {
      if (undo->absent) {
        back.erase(undo->family, undo->key);
      } else {
        back.put(undo->family, undo->key, undo->value);
      }
    }
    database_.write(back);
    unsaid_.clear();
  }
  broken_ = false;
  on_ = true;
  stage_.ledger.reopened(view());
}

// --- Databases

struct Folders::Folder {
  explicit Folder(const char* what) {
    const auto parent = std::filesystem::exists("/dev/shm")
                            ? std::filesystem::path("/dev/shm")
                            : std::filesystem::temp_directory_path();
    path = parent / ("amicale-simulation-" + std::to_string(::getpid()) + what);
    std::filesystem::remove_all(path);
    storage::DatabaseOptions options;
    options.folder = path;
    options.durable = false;
    options.ballast_bytes = 0;
    options.floor_bytes = 0;
    options.write_buffer_bytes = 8 << 20;  // RocksDB reserves disk space by it
    database.emplace(options);
  }
  ~Folder() {
    database.reset();
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
  std::optional<storage::Database> database;
};

Folders::Folders() = default;
Folders::~Folders() = default;

Folders::Pair Folders::fresh() {
  constexpr unsigned worlds_per_folder = 8;  // what is wiped still takes memory
  if (used_++ % worlds_per_folder == 0) {
    live_ = nullptr;
    scratch_ = nullptr;
    live_ = std::make_unique<Folder>("-live");
    scratch_ = std::make_unique<Folder>("-scratch");
  }
  wipe(*live_->database);
  wipe(*scratch_->database);
  return {&*live_->database, &*scratch_->database};
}

void wipe(storage::Database& database) {
  const storage::View view(database);
  storage::Batch batch(database);
  bool any = false;
  for (std::size_t i = 1; i < storage::kFamilies; ++i) {
    const auto family = static_cast<storage::Family>(i);
    view.scan(family, {}, {}, [&](std::string_view key, std::string_view) {
      batch.erase(family, key);
      return any = true;
    });
  }
  if (any) database.write(batch);
}

std::string difference_from_replay(storage::Database& live, storage::Database& scratch) {
  wipe(scratch);
  const storage::View view(live);
  for (const auto& replayed : storage::replay(view, scratch, {})) {
    if (!replayed.problem.empty()) return replayed.problem;
  }
  for (const auto family : storage::kDerived) {
    std::vector<std::pair<std::string, std::string>> made;
    storage::View(scratch).scan(family, {}, {}, [&](std::string_view key, std::string_view value) {
      made.emplace_back(key, value);
      return true;
    });
    std::string wrong;
    std::size_t i = 0;
    view.scan(family, {}, {}, [&](std::string_view key, std::string_view value) {
      if (i < made.size() && made[i].first == key && made[i].second == value) {
        ++i;
        return true;
      }
      const bool known = i < made.size() && made[i].first == key;
      wrong = (known ? "another row than its log makes: "
                     : "a row that no log makes, or one missing before: ") +
              storage::key::describe(family, key);
      return false;
    });
    if (!wrong.empty()) return wrong;
    if (i < made.size())
      return "a row is missing: " + storage::key::describe(family, made[i].first);
  }
  return {};
}

}  // namespace amicale::simulation
