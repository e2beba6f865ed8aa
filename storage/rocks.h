// SPDX-License-Identifier: AGPL-3.0-or-later
//
// RocksDB as this folder uses it. Included by storage's own .cc files only, and by the fuzzer of the records below.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/digest.h"

namespace amicale::storage {

// Receives RocksDB's own log lines. Its default logger writes to a file through its Env and aborts
// the process when that disk is full (assertion in Debian's build): this one writes nothing itself.
class LineLogger final : public rocksdb::Logger {
 public:
  using OnLine = std::function<void(Severity, std::string_view)>;
  explicit LineLogger(OnLine on_line);

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  // The last line that told of dropped bytes: RocksDB names the damaged write-ahead file only there.
  std::string last_damage() const;

 private:
  OnLine on_line_;
  mutable std::mutex mutex_;
  std::string last_damage_;
};

struct Database::Rocks {
  std::unique_ptr<rocksdb::Env> files;
  std::shared_ptr<LineLogger> logger;
  std::shared_ptr<rocksdb::Cache> cache;
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families{};

  rocksdb::ColumnFamilyHandle* family(Family f) const { return families[static_cast<size_t>(f)]; }
  ~Rocks();
};

rocksdb::DBOptions database_options(const DatabaseOptions& options,
                                    const std::shared_ptr<LineLogger>& logger, rocksdb::Env& files);
rocksdb::ColumnFamilyOptions family_options(Family family, const DatabaseOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache);

inline rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view view_of(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

// What the family `default` says of the folder, read without changing a byte of it.
struct FolderFacts {
  uint32_t format = 0;
  uint64_t epoch = 0;
  uint64_t commit = 0;
  Digest hash{};
  bool rebuilding = false;
  std::optional<Digest> hash_at_mark;  // of the commit asked for, if it is recent enough to know
};
FolderFacts inspect(const DatabaseOptions& options, uint64_t mark_commit);

// Keys and values of the family `default`.
inline constexpr uint64_t kCommitSlots = 8192;
std::string commit_slot_key(uint64_t commit);
std::string encode_commit(uint64_t commit, const Digest& hash);
struct Commit {
  uint64_t number;
  Digest hash;
};
std::optional<Commit> decode_commit(std::string_view value);

inline constexpr const char* kRowsFolder = "rows";
inline constexpr const char* kEndFile = "END";
inline constexpr const char* kBallastFile = "ballast";
inline constexpr const char* kRestoreFolder = "restore.partial";
inline constexpr const char* kScratchFolder = "scratch";
inline constexpr const char* kCheckpointFolder = "checkpoint";

}  // namespace amicale::storage
