// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace amicale::runtime {

namespace asio = boost::asio;

// Where coroutines run: a shard's loop. Named outright, because an erased executor costs a post a microsecond.
using Executor = asio::io_context::executor_type;

// A coroutine of the server. Named functions, parameters by value (docs/style.md, "Coroutines").
template <class T = void>
using Task = asio::awaitable<T, Executor>;

// Completion token: suspends the coroutine until the operation has ended.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

// The same for operations on the network: errors come back as a value, never as an exception.
inline constexpr auto as_result = asio::as_tuple(use_task);

}  // namespace amicale::runtime
