// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <functional>

#include "server/runtime/stream.h"
#include "server/session/session.h"

namespace amicale::session {

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// A connection on its way into a session.
struct Arrival {
  UpgradeRequest request;  // checked: route, origin, subprotocol
  Session::Peer peer;
  std::function<void()> authenticated;  // called once, when the peer has proved who it is
};

// Speaks WebSocket on a stream, from the answer to its upgrade request to the end of the connection. On the stream's shard.
// Nothing is thrown for what a network does.
runtime::Task<> serve_websocket(runtime::Socket stream, Place& place, Arrival arrival);
runtime::Task<> serve_websocket(runtime::TlsStream stream, Place& place, Arrival arrival);

}  // namespace amicale::session
