// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <thread>

#include "server/runtime/hop.h"
#include "server/runtime/metrics.h"
#include "server/runtime/task.h"

namespace amicale::runtime {

// A thread with its own io_context. State belongs to exactly one shard and is touched only there, which is why the server
// has no mutex; crossing is by `call` (come back with a value) and `post` (do not). Owned by the server for its whole life.
class Shard {
 public:
  explicit Shard(unsigned index) : index_(index), context_(1), work_(context_.get_executor()) {}
  ~Shard() { stop(); }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Starts the thread. Without it the owner runs `context()` itself, as the simulation does.
  void start();

  // Ends the loop after the handler that runs now, and joins. What is queued is dropped: drain first.
  void stop();

  unsigned index() const { return index_; }
  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }

  // Counters of this shard; touched only on it.
  Metrics& metrics() { return metrics_; }

  template <class Function>
  void post(Function function) {
    asio::post(context_, std::move(function));
  }

  // Runs `function` (ordinary, or returning a Task) on this shard; resumes the caller on its own.
  template <class Function>
  auto call(Function function) {
    return hop(executor(), std::move(function));
  }

 private:
  const unsigned index_;
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  Metrics metrics_;
  std::thread thread_;
};

}  // namespace amicale::runtime
