// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/verify.h"

#include <algorithm>

#include "storage/backup.h"
#include "storage/log_reader.h"
#include "storage/rebuild.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

namespace fs = std::filesystem;
using storage_test::commit;
using storage_test::options_in;
using storage_test::post;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

const auto club = PartitionId::club(1);

struct Told {
  Told() : database(options_in(folder / "data")) { tell_everything(database); }

  // The one problem that verify finds after `change`.
  template <class Change>
  std::string problem_after(Change change) {
    Batch batch(database);
    change(batch);
    database.write(batch);
    const auto report = verify(database);
    return report.problems.empty() ? "none" : report.problems.front();
  }

  TempFolder folder;
  Database database;
};

}  // namespace

TEST_CASE_FIXTURE(Told, "a sound database verifies, and its report counts what was read") {
  uint64_t told = 0;
  const auto report = verify(database, [&](std::string_view, uint64_t, uint64_t) { ++told; });
  CHECK(report.problems == std::vector<std::string>{});
  CHECK(report.partitions == 5);
  CHECK(report.entries == 52);
  CHECK(report.rows > 20);
  CHECK(report.state_hash == to_hex(bytes_of(state_hash(database))));
  CHECK(told > 0);
  CHECK_FALSE(fs::exists(folder / "data" / "scratch"));
}

TEST_CASE_FIXTURE(Told, "rows rebuilt from the logs have the same state hash") {
  post(database, 3, 20);
  const auto state = state_hash(database);
  rebuild(database);
  CHECK(state_hash(database) == state);
  CHECK(verify(database).good());
  CHECK(View(database).idempotency(club, 7, "0123456789abcdef"));
}

TEST_CASE_FIXTURE(Told,
                  "verify names a row that was changed, one that is missing and one too many") {
  CHECK(problem_after([&](Batch& batch) {
          auto message = *View(database).message(club, 1, 1);
          message.set_body("tampered");
          batch.put(Family::messages, key::message(club, 1, 1), message);
        }) == "row differs from its log: messages club/1 room 1 number 1");
  CHECK(problem_after([&](Batch& batch) {
          batch.erase(Family::messages, key::message(club, 1, 1));
        }) == "row is missing: messages club/1 room 1 number 1");
  rebuild(database);
  CHECK(problem_after([&](Batch& batch) {
          v1::Member intruder;
          intruder.set_account_id(99);
          batch.put(Family::state, key::member(1, 99), intruder);
        }) == "row that no event made: state M 1 99");
}

TEST_CASE_FIXTURE(Told, "verify names the entry that was changed in the log") {
  CHECK(problem_after([&](Batch& batch) {
          std::string value;
          View(database).get(Family::log, key::log_entry(club, 9), value);
          const auto at = value.find("hello");
          REQUIRE(at != std::string::npos);
          value.replace(at, 5, "jello");
          batch.put(Family::log, key::log_entry(club, 9), value);
        }) == "log of club/1, seq 10: the entry is not chained to the one before");
}

TEST_CASE_FIXTURE(Told, "verify finds an entry cut from the end of a log") {
  const auto last = View(database).head(club).seq();
  Batch batch(database);
  batch.erase(Family::log, key::log_entry(club, last));
  database.write(batch);
  const auto problems = verify(database).problems;
  CHECK(std::ranges::any_of(problems, [](const std::string& problem) {
    return problem.find("state head of club/1") != std::string::npos;
  }));
}

TEST_CASE_FIXTURE(Told, "a rebuild refuses a broken log") {
  Batch batch(database);
  batch.erase(Family::log, key::log_entry(club, 3));
  database.write(batch);
  CHECK_THROWS_WITH_AS(rebuild(database), "log of club/1, seq 3: the entry is missing", Error);
}

TEST_CASE_FIXTURE(Told,
                  "a backup taken in use is a verified data folder; restored, it has a new epoch") {
  post(database, 3, 20);
  const auto state = state_hash(database);
  const auto commits = database.commits();
  const auto report = backup(database, folder / "copies" / "monday");
  CHECK(report.commits == commits);
  CHECK(report.entries == 72);
  CHECK(report.bytes > 0);
  CHECK_FALSE(fs::exists(folder / "copies" / ".monday.partial"));
  CHECK_FALSE(fs::exists(folder / "data" / "checkpoint"));
  post(database, 23, 1);
  CHECK(verify(database).good());

  restore(folder / "copies" / "monday", folder / "restored");
  Database restored(options_in(folder / "restored"));
  CHECK(state_hash(restored) == state);
  CHECK(restored.epoch() != database.epoch());
  CHECK(verify(restored).good());
  post(restored, 23, 1);
}

TEST_CASE_FIXTURE(Told,
                  "a backup is not written over another, nor a restore into a folder in use") {
  backup(database, folder / "copy");
  CHECK_THROWS_AS(backup(database, folder / "copy"), Error);
  CHECK_THROWS_AS(restore(folder / "copy", folder / "data"), Error);
  CHECK_THROWS_AS(restore(folder / "nothing", folder / "fresh"), Error);
}

TEST_CASE_FIXTURE(Told, "a damaged backup is refused and leaves nothing that opens") {
  backup(database, folder / "copy");
  for (const auto& file : fs::directory_iterator(folder / "copy" / "rows")) {
    if (file.path().extension() == ".log" || file.path().extension() == ".sst") {
      fs::resize_file(file.path(), file.file_size() / 2);
    }
  }
  CHECK_THROWS_AS(restore(folder / "copy", folder / "restored"), Error);
  CHECK_FALSE(fs::exists(folder / "restored" / "rows"));
}

TEST_CASE_FIXTURE(Told, "a restore that was interrupted is refused") {
  fs::create_directories(folder / "half" / "restore.partial");
  CHECK_THROWS_AS(Database{options_in(folder / "half")}, Error);
}

}  // namespace amicale::storage
