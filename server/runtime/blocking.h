// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <optional>

#include "server/runtime/hop.h"

namespace amicale::runtime {

// Threads for work that blocks: scans, files, loading a partition. Callers bound what they send: a session has one log page
// in flight at most, a partition one load.
class Blocking {
 public:
  explicit Blocking(unsigned threads)
      : pool_(std::in_place, threads), executor_(pool_->get_executor()) {}
  // Without threads of its own: what is run waits on `executor`, whose owner says when, as the simulation does.
  explicit Blocking(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  // Runs `function` on a pool thread; resumes the caller on its own shard with the value or the exception.
  template <class Function>
  auto run(Function function) {
    return hop(executor_, std::move(function));
  }

  // Waits for what runs, drops nothing.
  void stop() {
    if (pool_) pool_->join();
  }

 private:
  std::optional<asio::thread_pool> pool_;
  asio::any_io_executor executor_;
};

}  // namespace amicale::runtime
