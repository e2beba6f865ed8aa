// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/verify.h"

#include <filesystem>

#include "storage/end_mark.h"
#include "storage/rebuild.h"
#include "storage/rocks.h"
#include "storage/view.h"

namespace amicale::storage {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMostProblems = 20;
constexpr uint64_t kTellEvery = 50000;  // rows

void add(VerifyReport& report, std::string problem) {
  if (report.problems.size() < kMostProblems) report.problems.push_back(std::move(problem));
}

// A database that is thrown away, files and all.
class Scratch {
 public:
  explicit Scratch(const fs::path& folder) : folder_(folder) {
    fs::remove_all(folder_);
    DatabaseOptions options;
    options.folder = folder_;
    options.durable = false;
    options.block_cache_bytes = 8 << 20;
    database_.emplace(std::move(options));
  }
  ~Scratch() {
    database_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  Database& database() { return *database_; }

 private:
  fs::path folder_;
  std::optional<Database> database_;
};

std::unique_ptr<rocksdb::Iterator> iterate(const Database& database, Family family,
                                           const rocksdb::Snapshot* at) {
  rocksdb::ReadOptions how;
  how.snapshot = at;
  how.fill_cache = false;  // a verification must not push the live rows out
  std::unique_ptr<rocksdb::Iterator> it(
      database.rocks().db->NewIterator(how, database.rocks().family(family)));
  it->SeekToFirst();
  return it;
}

void hash_row(Sha256& hash, Family family, const rocksdb::Slice& key, const rocksdb::Slice& value) {
  hash.add_u64(static_cast<uint64_t>(family));
  hash.add_u64(key.size()).add(view_of(key));
  hash.add_u64(value.size()).add(view_of(value));
}

// Walks a family of both databases side by side.
void compare_rows(const Database& found, const rocksdb::Snapshot* at, const Database& replayed,
                  Family family, VerifyReport& report, Sha256& hash, const Progress& progress) {
  const auto a = iterate(found, family, at);
  const auto b = iterate(replayed, family, nullptr);
  while (a->Valid() || b->Valid()) {
    const int order = !a->Valid() ? 1 : !b->Valid() ? -1 : a->key().compare(b->key());
    if (order < 0) {
      add(report, "row that no event made: " + key::describe(family, view_of(a->key())));
    } else if (order > 0) {
      add(report, "row is missing: " + key::describe(family, view_of(b->key())));
    } else if (a->value() != b->value()) {
      add(report, "row differs from its log: " + key::describe(family, view_of(a->key())));
    }
    if (order <= 0) {
      hash_row(hash, family, a->key(), a->value());
      ++report.rows;
      if (progress && report.rows % kTellEvery == 0) progress("comparing rows", report.rows, 0);
      a->Next();
    }
    if (order >= 0) b->Next();
  }
  if (!a->status().ok()) {
    add(report,
        "can't read family " + std::string(name_of(family)) + ": " + a->status().ToString());
  }
  if (!b->status().ok()) throw Error("scratch database: " + b->status().ToString());
}

void check_end_mark(const Database& database, VerifyReport& report) {
  const auto file = database.folder() / kEndFile;
  const auto mark = EndMark::read(file);
  if (!mark) return add(report, file.string() + " is missing or damaged");
  if (mark->epoch != database.epoch()) add(report, file.string() + " is of another epoch");
  if (mark->commit > database.commits()) {
    add(report, file.string() + " says commit " + std::to_string(mark->commit) +
                    ", the database has " + std::to_string(database.commits()));
  }
  std::string value;
  if (mark->commit == 0 ||
      !View(database).get(Family::meta, commit_slot_key(mark->commit), value)) {
    return;
  }
  const auto commit = decode_commit(value);
  if (!commit) return add(report, "commit record does not parse");
  if (commit->number == mark->commit && commit->hash != mark->hash) {
    add(report, file.string() + " has another hash for commit " + std::to_string(mark->commit));
  }
}

}  // namespace

VerifyReport verify(Database& database, const Progress& progress) {
  VerifyReport report;
  try {
    check_end_mark(database, report);
    const Snapshot snapshot(database);
    Scratch scratch(database.folder() / kScratchFolder);
    for (const auto& log : replay(View(snapshot), scratch.database(), progress)) {
      ++report.partitions;
      report.entries += log.entries;
      if (!log.problem.empty()) add(report, log.problem);
    }
    Sha256 rows;
    for (const Family family : kDerived) {
      compare_rows(database, snapshot.at(), scratch.database(), family, report, rows, progress);
    }
    report.state_hash = to_hex(bytes_of(rows.finish()));
  } catch (const std::exception& e) {
    add(report, e.what());
  }
  return report;
}

Digest state_hash(const Database& database) {
  const Snapshot snapshot(database);
  Sha256 hash;
  for (const Family family : kDerived) {
    const auto it = iterate(database, family, snapshot.at());
    for (; it->Valid(); it->Next()) hash_row(hash, family, it->key(), it->value());
    if (!it->status().ok()) throw Error("can't read rows: " + it->status().ToString());
  }
  return hash.finish();
}

}  // namespace amicale::storage
