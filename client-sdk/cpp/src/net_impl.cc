// SPDX-License-Identifier: Apache-2.0
//
// The one place where the SDK compiles Asio and Beast. The server's runtime has the same file; in a
// program with both, the linker takes the first that it meets.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
