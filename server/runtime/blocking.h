// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/thread_pool.hpp>

#include "server/runtime/hop.h"

namespace amicale::runtime {

// Threads for work that blocks: scans, files, loading a partition. Callers bound what they send: a session has one log page
// in flight at most, a partition one load.
class Blocking {
 public:
  explicit Blocking(unsigned threads) : pool_(threads) {}

  // Runs `function` on a pool thread; resumes the caller on its own shard with the value or the exception.
  template <class Function>
  auto run(Function function) {
    return hop(pool_.get_executor(), std::move(function));
  }

  // Waits for what runs, drops nothing.
  void stop() { pool_.join(); }

 private:
  asio::thread_pool pool_;
};

}  // namespace amicale::runtime
