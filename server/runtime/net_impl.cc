// SPDX-License-Identifier: AGPL-3.0-or-later
// Asio, its TLS layer and Beast, compiled once for the whole server.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
