// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "amicale/client/session_core.h"
#include "url.h"

namespace amicale::client {

// What a WebSocket tells its owner, on the io_context's thread. Nothing after `lost`, and nothing
// after close().
struct WebSocketEvents {
  std::function<void()> open;
  std::function<void(std::string_view)> message;
  std::function<void(Loss)> lost;
};

struct WebSocketOptions {
  Url url;
  bool verify_certificate = true;
  std::string user_agent;
  std::chrono::milliseconds connect_timeout{15000};
};

// One connection, plain or TLS. Lives on its io_context's thread; keeps itself alive until its
// socket is closed. Writes wait for each other in order; the session core bounds how many requests
// are in flight.
class WebSocket {
 public:
  virtual ~WebSocket() = default;

  virtual void start() = 0;
  virtual void send(std::string message) = 0;
  // Sends what waits and a close frame, waits a second for the peer's, and closes. Reports nothing
  // more.
  virtual void close(std::uint16_t code) = 0;
  virtual void set_reading(bool reading) = 0;
  virtual void set_largest_message(std::size_t bytes) = 0;

  static std::shared_ptr<WebSocket> make(boost::asio::io_context& context,
                                         boost::asio::ssl::context& tls, WebSocketOptions options,
                                         WebSocketEvents events);
};

}  // namespace amicale::client
