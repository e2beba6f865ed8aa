// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The end mark: a second, independent record of how far the database was acknowledged.
//
// RocksDB cannot tell a write-ahead file that was cut or deleted from one that was never longer: it
// opens, and the acknowledged records are gone without a word. So every commit of the database has a
// dense number and a running hash over its content (in the same atomic write), and the newest
// acknowledged pair is kept in this file too. At opening, a database that is behind the mark, or has
// another hash at the mark's number, is refused.
//
//   file := slot at 0, slot at 4096; 8192 bytes, never resized
//   slot := "AMICEND1" epoch:u64 commit:u64 hash:32 check:32      check = SHA256(what precedes)
//
// Commit n goes to slot n mod 2 by one pwrite inside one sector, after RocksDB's fsync and before
// anybody is answered; it costs a system call, not an fsync. It is made durable at most each second
// and at closing. What that detects:
//   - kill -9 at any instant: everything; the page cache outlives the process, so the mark is exact;
//   - damage to files (cut, deleted, replaced, set back): everything that was acknowledged;
//   - a power cut together with damage: all but the last second's commits, whose mark may be older.
// A mark is never ahead of what RocksDB reported durable, so a clean power cut is never refused; if
// it is, the disk lied about an fsync, and the message is the truth.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "storage/digest.h"

namespace amicale::storage {

struct EndMarkValue {
  uint64_t epoch = 0;
  uint64_t commit = 0;
  Digest hash{};
};

// One open END file. Used by one thread at a time, except sync(). Throws Error when the disk fails.
class EndMark {
 public:
  // Makes the file, durable, with this value. Replaces an old one in one step.
  static void create(const std::filesystem::path& file, const EndMarkValue& value);
  // The newest valid slot; nothing when the file is absent or neither slot is valid.
  static std::optional<EndMarkValue> read(const std::filesystem::path& file);

  explicit EndMark(const std::filesystem::path& file);
  ~EndMark();
  EndMark(const EndMark&) = delete;
  EndMark& operator=(const EndMark&) = delete;

  void update(const EndMarkValue& value);
  void sync();  // any thread

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace amicale::storage
