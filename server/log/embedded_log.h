// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

#include "server/log/log.h"
#include "storage/database.h"

namespace amicale::log {

// Commits to the local database. Each shard has one, with a writer thread of its own: what waits for the writer goes into one
// synced write, so that many partitions share an fsync; writers of several shards meet in RocksDB's write groups.
// A failed write answers `unknown` to everyone in it.
class EmbeddedLog final : public Log {
 public:
  explicit EmbeddedLog(storage::Database& database);
  ~EmbeddedLog() override;

  runtime::Task<Appended> append(storage::PartitionId partition, uint64_t expected_seq,
                                 std::unique_ptr<storage::Batch> batch) override;

 private:
  struct Waiting {
    storage::Batch* batch;
    std::function<void(Appended)> done;
  };

  void enqueue(Waiting waiting);
  void write_waiting();

  storage::Database& database_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::vector<Waiting> waiting_;  // writer thread only
  std::thread thread_;
};

}  // namespace amicale::log
