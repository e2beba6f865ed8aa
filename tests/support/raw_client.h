// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace amicale::support {

// An answer, taken apart.
struct RawAnswer {
  int status = 0;    // 0 = the connection ended before one
  std::string head;  // status line and fields
  std::string body;
  // The value of a field; empty when absent. `name` as the server writes it.
  std::string field(std::string_view name) const;
};

// Sends bytes exactly as given and reads what comes back, blocking: for what no decent HTTP client would send.
class RawClient {
 public:
  // Plain, from any loopback address ("127.0.0.2") so that a test can be several clients.
  explicit RawClient(std::uint16_t port, const char* from = "127.0.0.1");
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Turns to TLS, trusting exactly this certificate. False when the handshake fails. `version`: 0, or the highest allowed
  // (TLS1_1_VERSION…).
  bool start_tls(const std::string& certificate, int version = 0);

  // False when the peer has closed.
  bool send(std::string_view bytes);

  // One HTTP answer: to the end of its Content-Length, or of its head when it has none.
  RawAnswer receive();

  // Waits until the peer closes, whatever it sends before; true for an end or a reset.
  bool closed_by_peer();

  // The peer's certificate's serial number, after start_tls.
  std::uint64_t serial() const;

 private:
  std::size_t read_some(char* bytes, std::size_t most, boost::system::error_code& error);

  boost::asio::io_context context_;
  boost::asio::ssl::context settings_{boost::asio::ssl::context::tls_client};
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  bool tls_ = false;
  std::string received_;
};

// One request on a connection of its own. `fields` are whole lines, each ended by CRLF.
RawAnswer request(std::uint16_t port, std::string_view method, std::string_view target,
                  std::string_view fields = "", std::string_view body = "");

}  // namespace amicale::support
