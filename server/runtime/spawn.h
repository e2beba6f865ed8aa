// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <string_view>

#include "server/runtime/task.h"

namespace amicale::runtime {

// Starts a coroutine that nobody awaits and reports the exception that it ends with, under its name. `name` is a literal.
void spawn(Executor executor, std::string_view name, Task<> task);

// Coroutines that must end before their owner does. Lives on the executor that it was given; `cancel` asks all of them to
// stop (their awaits end with operation_aborted), `join` waits until none is left.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(executor), idle_(executor) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(std::string_view name, Task<> task);
  // For what must not be cut in two: `cancel` does not reach it, `join` waits for it.
  void spawn_whole(std::string_view name, Task<> task);
  // The same for what is no coroutine: `join` waits until each begin has its end.
  void begin_whole() { ++whole_; }
  void end_whole();
  void cancel();
  Task<> join();
  std::size_t size() const { return running_.size() + whole_; }

 private:
  Executor executor_;
  asio::steady_timer idle_;
  std::list<asio::cancellation_signal> running_;
  std::size_t whole_ = 0;
};

}  // namespace amicale::runtime
