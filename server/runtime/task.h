// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace amicale::runtime {

namespace asio = boost::asio;

// A coroutine of the server. Named functions, parameters by value (docs/style.md, "Coroutines").
template <class T = void>
using Task = asio::awaitable<T>;

// Completion token for operations on the network: errors come back as a value, never as an exception.
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace amicale::runtime
