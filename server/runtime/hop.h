// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Crossing between threads: run something over there, come back here with its value. A hop is never cancelled: Boost 1.81
// hands a raw cancellation pointer across executors, so the slot is deliberately left unconnected.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "server/runtime/task.h"

namespace amicale::runtime {

template <class T>
struct TaskResult {
  using type = T;
  static constexpr bool is_task = false;
};
template <class T>
struct TaskResult<Task<T>> {
  using type = T;
  static constexpr bool is_task = true;
};

// A hop's value on its way back; empty only beside an exception.
template <class T>
using HopValue = std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>>;

// Runs `function` on `executor` and resumes the caller on its own executor with the value, or the exception, that it ended
// with. `function` may be an ordinary function or return a Task.
template <class There, class Function>
auto hop(There executor, Function function)
    -> Task<typename TaskResult<std::invoke_result_t<Function>>::type> {
  using Traits = TaskResult<std::invoke_result_t<Function>>;
  using Value = typename Traits::type;
  auto initiate = [executor](auto handler, Function run) mutable {
    auto home = asio::get_associated_executor(handler);
    auto finish = [home, handler = std::move(handler)](std::exception_ptr error,
                                                       HopValue<Value> value) mutable {
      asio::post(home, [handler = std::move(handler), error, value = std::move(value)]() mutable {
        std::move(handler)(error, std::move(value));
      });
    };
    if constexpr (Traits::is_task) {
      asio::post(executor, [executor, run = std::move(run), finish = std::move(finish)]() mutable {
        // The callable is kept alive by the completion handler: its coroutine may refer to captures.
        auto kept = std::make_unique<Function>(std::move(run));
        auto task = (*kept)();
        if constexpr (std::is_void_v<Value>) {
          asio::co_spawn(executor, std::move(task),
                         [kept = std::move(kept), finish = std::move(finish)](
                             std::exception_ptr e) mutable { finish(e, std::monostate{}); });
        } else {
          asio::co_spawn(executor, std::move(task),
                         [kept = std::move(kept), finish = std::move(finish)](
                             std::exception_ptr e, Value v) mutable { finish(e, std::move(v)); });
        }
      });
    } else {
      asio::post(executor, [run = std::move(run), finish = std::move(finish)]() mutable {
        HopValue<Value> value;
        std::exception_ptr error;
        try {
          if constexpr (std::is_void_v<Value>) {
            run();
            value.emplace();
          } else {
            value.emplace(run());
          }
        } catch (...) {
          error = std::current_exception();
        }
        finish(error, std::move(value));
      });
    }
  };
  auto value =
      co_await asio::async_initiate<decltype(use_task), void(std::exception_ptr, HopValue<Value>)>(
          std::move(initiate), use_task, std::move(function));
  if constexpr (!std::is_void_v<Value>) co_return std::move(*value);
}

}  // namespace amicale::runtime
