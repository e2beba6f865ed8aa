// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "server/log/log.h"
#include "storage/database.h"
#include "tests/simulation/stage.h"

namespace amicale::simulation {

// The disk of one world, under every incarnation of its server. What is visible is durable, as in the embedded log; a crash
// keeps or loses, as chance has it, the write that is under way, and loses what waits. After a failed sync nothing is written
// any more until the server starts again, and the failed write may then be there.
class Disk {
 public:
  Disk(Stage& stage, storage::Database& database) : stage_(stage), database_(database) {}

  struct Waiting {
    storage::PartitionId partition;
    uint64_t expected_seq;
    std::unique_ptr<storage::Batch> batch;
    std::function<void(log::Appended)> done;
  };
  // Takes a commit; what the same writer was given before its turn comes joins it in one write.
  void submit(unsigned writer, Waiting waiting);

  // The power goes. `writing` says whether a write was under way that may have got through.
  void power_off();
  void power_on();
  // Writes and answers everything that waits, at once: the server stops in good order.
  void finish();
  bool is_on() const { return on_; }
  // Only starting the server again helps.
  bool is_broken() const { return broken_; }

  storage::Database& database() { return database_; }
  storage::View view() const { return storage::View(database_); }

  std::function<void()> crash;        // the whole machine, in the middle of a write
  std::function<void()> sync_failed;  // nothing is written any more until the server starts again
  int sync_fails_in = -1;             // writes until one fails; below 0: none does
  int crash_in = -1;                  // writes until the machine crashes; below 0: it does not
  int64_t slow_until_ms = 0;          // until then a write takes a second

 private:
  using Group = std::vector<Waiting>;
  struct Undo {
    storage::Family family;
    std::string key;
    std::string value;
    bool absent;
  };

  void write(unsigned writer);
  void apply(Group& group);
  void answer(Group group, log::Appended appended);
  void remember(const storage::Batch& batch);

  Stage& stage_;
  storage::Database& database_;
  bool on_ = true;
  bool broken_ = false;
  uint64_t life_ = 0;  // counts the times that the power went
  uint64_t writes_ = 0;
  std::vector<Group> waiting_ = std::vector<Group>(8);
  std::vector<std::shared_ptr<Group>> unanswered_;  // durable, and not yet said
  Group limbo_;                                     // failed or under way when the power went
  std::vector<Undo> unsaid_;  // how to take the last write back, for mutations that lose it
};

// Where the commits of one shard go.
class SimulatedLog final : public log::Log {
 public:
  SimulatedLog(Disk& disk, unsigned writer) : disk_(disk), writer_(writer) {}
  runtime::Task<log::Appended> append(storage::PartitionId partition, uint64_t expected_seq,
                                      std::unique_ptr<storage::Batch> batch) override;

 private:
  Disk& disk_;
  unsigned writer_;
};

// Databases that worlds take turns in: opening one costs more than a world does. Nothing of a world is left for the next.
class Folders {
 public:
  Folders();
  ~Folders();
  // Two empty databases: one to live in, one to replay into.
  struct Pair {
    storage::Database* live;
    storage::Database* scratch;
  };
  Pair fresh();

 private:
  struct Folder;
  std::unique_ptr<Folder> live_, scratch_;
  unsigned used_ = 0;
};

// Empties every family but the folder's own facts.
void wipe(storage::Database& database);
// The first row in which the state of `live` differs from what its logs make of it; empty: none does.
std::string difference_from_replay(storage::Database& live, storage::Database& scratch);

}  // namespace amicale::simulation
