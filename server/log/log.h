// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The log is the truth: one order of events per partition, appended by one owner, read by everybody. Nothing above this
// interface may assume that a commit is local, or that it is quick.
#pragma once

#include <memory>

#include "server/runtime/task.h"
#include "storage/batch.h"
#include "storage/partition.h"

namespace amicale::log {

// How an append ended.
enum class Appended {
  durable,  // it survives from now on
  unknown,  // the write failed: it may or may not be there; the partition must be loaded again
};

// Where commits go. One instance per shard; called on that shard only. Implementations: EmbeddedLog (RocksDB here).
class Log {
 public:
  virtual ~Log() = default;

  // Makes `batch` (log entries with every row derived from them) durable, all or nothing. `expected_seq` is the head that the
  // batch continues; one append per partition is in flight at a time. Never throws for a failed write.
  virtual runtime::Task<Appended> append(storage::PartitionId partition, uint64_t expected_seq,
                                         std::unique_ptr<storage::Batch> batch) = 0;
};

}  // namespace amicale::log
