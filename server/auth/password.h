// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <string>

#include "server/runtime/task.h"

namespace amicale::auth {

// Argon2id on threads of its own, which yield the processor to all others, so that a flood of logins costs those threads and
// nothing else. At most `queue` calls wait or run; one more is told so at once. Called from any shard; the count of what waits is the only state shared between them.
class Passwords {
 public:
  struct Cost {
    uint32_t memory_kib;
    uint32_t passes;
    uint32_t lanes;
  };

  Passwords(unsigned threads, unsigned queue, Cost cost);
  // Without threads of its own: what is hashed waits on `executor`, whose owner says when, as the simulation does.
  Passwords(boost::asio::any_io_executor executor, unsigned queue, Cost cost);
  ~Passwords();

  // The hash in PHC string form, or nullopt when the pool is full.
  runtime::Task<std::optional<std::string>> hash(std::string password);

  // Whether the password matches; nullopt when the pool is full. An empty hash costs as much as a real one and never matches,
  // so that an unknown login can't be told by its answer's time.
  runtime::Task<std::optional<bool>> verify(std::string password, std::string hash);

  // The same without a pool, for the operator's offline commands.
  static std::string hash_now(const std::string& password, Cost cost);

 private:
  bool enter();
  void yield_to_others() const;

  const unsigned queue_;
  const Cost cost_;
  const std::string decoy_;
  std::atomic<unsigned> waiting_ = 0;
  std::optional<boost::asio::thread_pool> pool_;
  boost::asio::any_io_executor executor_;
};

}  // namespace amicale::auth
