// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/runtime/spawn.h"

#include <spdlog/spdlog.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

namespace amicale::runtime {
namespace {

void report(std::string_view name, std::exception_ptr error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    spdlog::error("task failed task={} error=\"{}\"", name, e.what());
  } catch (...) {
    spdlog::error("task failed task={} error=unknown", name);
  }
}

// A task that is told to end between two waits leaves by this exception, at the second one.
bool was_cancelled(std::exception_ptr error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

void spawn(Executor executor, std::string_view name, Task<> task) {
  asio::co_spawn(executor, std::move(task),
                 [name](std::exception_ptr error) { report(name, error); });
}

void TaskGroup::spawn(std::string_view name, Task<> task) {
  auto signal = running_.emplace(running_.end());
  asio::co_spawn(
      executor_, std::move(task),
      asio::bind_cancellation_slot(signal->slot(), [this, signal, name](std::exception_ptr error) {
        if (!was_cancelled(error)) report(name, error);
        running_.erase(signal);
        if (size() == 0) idle_.cancel();
      }));
}

void TaskGroup::spawn_whole(std::string_view name, Task<> task) {
  ++whole_;
  asio::co_spawn(executor_, std::move(task), [this, name](std::exception_ptr error) {
    report(name, error);
    end_whole();
  });
}

void TaskGroup::end_whole() {
  --whole_;
  if (size() == 0) idle_.cancel();
}

void TaskGroup::cancel() {
  // A task may end, and leave the list, while it is told to.
  for (auto it = running_.begin(); it != running_.end();)
    (it++)->emit(asio::cancellation_type::terminal);
}

Task<> TaskGroup::join() {
  while (size() > 0) {
    idle_.expires_at(asio::steady_timer::time_point::max());
    co_await idle_.async_wait(as_result);
  }
}

}  // namespace amicale::runtime
