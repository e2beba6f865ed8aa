// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The data folder.
//
//   <folder>/rows/        RocksDB; keys.h has the grammar
//   <folder>/END          the end mark (end_mark.h): proof of what was acknowledged
//   <folder>/ballast      space kept in reserve, given back when the disk is full
//
// Everything that RocksDB 7.8's defaults get wrong for us is answered in options.cc, a line each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "storage/batch.h"
#include "storage/error.h"

namespace amicale::storage {

// The format that this release writes. It reads this one, upgrades older ones (upgrade.h) and
// refuses newer ones.
inline constexpr uint32_t kFormat = 4;

// Told how far a long work has come: a stage in words, done and total in the stage's own unit
// (total 0 = unknown). Called on the working thread, at most a few times per second.
using Progress = std::function<void(std::string_view stage, uint64_t done, uint64_t total)>;

enum class Severity { info, warning, error };

struct DatabaseOptions {
  std::filesystem::path folder;

  // What the folder may be: `open_or_create` makes one that is empty or absent; `open` refuses that.
  enum class Mode { open_or_create, open } mode = Mode::open_or_create;

  // Opens although acknowledged commits are missing, and draws a new epoch, so that every client
  // learns that the log went back. The operator's word, never a default.
  bool accept_loss = false;

  uint64_t block_cache_bytes = 16ull << 20;
  uint64_t write_buffer_bytes = 64ull << 20;  // of all families together
  int open_files = 512;                       // SST files held open
  uint64_t ballast_bytes = 16ull << 20;       // 0 = none
  uint64_t floor_bytes = 32ull << 20;  // has_space() says no below this; well above the ballast

  // RocksDB's and our own lines, without line end. Called from any thread. Empty = dropped.
  std::function<void(Severity, std::string_view)> on_line;
  Progress on_progress;  // of an upgrade or an interrupted rebuild

  // False: a copy to be thrown away. Nothing is synced, marked or reserved.
  bool durable = true;
};

// One open data folder: the only door to RocksDB. Thread-safe: any thread reads (view.h,
// log_reader.h), any thread writes; concurrent writers are merged into one synced write. Owned by
// the server, outlives whatever reads it. Throws Error when the folder can't be trusted.
class Database {
 public:
  explicit Database(DatabaseOptions options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Makes the batches durable, all or nothing, with one fsync. They are left as they were.
  // Throws WriteFailed: the outcome is unknown, and what was loaded on top of it must be dropped.
  void write(std::span<Batch* const> batches);
  void write(Batch& batch);

  // Changes only when the logs went back (restore, accepted loss).
  uint64_t epoch() const;
  // Draws a new epoch. For restore, before anybody reads.
  void renew_epoch();
  // Commits ever written, over all partitions.
  uint64_t commits() const;

  // Free bytes for an unprivileged process on the folder's disk.
  uint64_t free_bytes() const;
  // False below the floor, or since a write failed for want of space: refuse posts. Cheap.
  bool has_space() const;
  // False once a write failed for another reason than space: only opening again helps.
  bool writable() const;

  // Makes the end mark durable, gives the disk its ballast back when there is room, and ends a
  // full-disk pause when it can. Runs by itself each second; public for shutdown and tests.
  void settle();

  const std::filesystem::path& folder() const;

  // For /metrics and the console.
  struct Sizes {
    uint64_t disk_bytes = 0;  // SST and write-ahead files
    uint64_t log_entries_estimate = 0;
    uint64_t memory_bytes = 0;  // caches and write buffers
  };
  Sizes sizes() const;

  // The rest is for this folder's own files.
  struct Rocks;
  Rocks& rocks() const { return *rocks_; }

 private:
  struct Impl;
  std::unique_ptr<Rocks> rocks_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace amicale::storage
