// SPDX-License-Identifier: Apache-2.0
//
// The only file of the SDK that knows Beast.
#include "websocket.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <deque>
#include <utility>

namespace amicale::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using beast::error_code;

constexpr auto awaited = asio::as_tuple(asio::use_awaitable);
constexpr const char* subprotocol = "amicale.v1";
constexpr std::size_t largest_until_told = 1 << 20;
constexpr std::chrono::seconds closing_timeout{1};

Loss network_loss(const char* step, const error_code& ec) {
  return {0, {Failure::Kind::Network, {}, 0, std::string(step) + ": " + ec.message()}, false};
}

template <class Lower>
constexpr bool is_tls = !std::is_same_v<Lower, beast::tcp_stream>;

template <class Lower>
class Connection final : public WebSocket, public std::enable_shared_from_this<Connection<Lower>> {
 public:
  template <class... Args>
  Connection(asio::io_context& context, WebSocketOptions options, WebSocketEvents events,
             Args&&... args)
      : options_(std::move(options)),
        events_(std::move(events)),
        resolver_(context),
        deadline_(context),
        wake_reader_(context, asio::steady_timer::time_point::max()),
        stream_(context, std::forward<Args>(args)...) {}

  void start() override {
    deadline_.expires_after(options_.connect_timeout);
    asio::co_spawn(resolver_.get_executor(), run(this->shared_from_this()), asio::detached);
    asio::co_spawn(resolver_.get_executor(), give_up_in_time(this->shared_from_this()),
                   asio::detached);
  }

  void send(std::string message) override {
    outgoing_.push_back(std::move(message));
    write();
  }

  void close(std::uint16_t code) override {
    if (silent_) return;
    silent_ = true;
    close_code_ = code;
    wake_reader_.cancel();
    if (!open_) return abort();
    deadline_.expires_after(closing_timeout);
    asio::co_spawn(resolver_.get_executor(), give_up_in_time(this->shared_from_this()),
                   asio::detached);
    write();
  }

  void set_reading(bool reading) override {
    if (std::exchange(reading_, reading) != reading) wake_reader_.cancel();
  }

  void set_largest_message(std::size_t bytes) override {
    stream_.read_message_max(std::max(bytes, largest_until_told));
  }

 private:
  using Self = std::shared_ptr<Connection>;

  // Coroutines take the owning pointer by value: it keeps the frame's object alive.
  static asio::awaitable<void> run(Self self) {
    Loss loss = co_await open(self);
    if (self->silent_) co_return self->abort();
    if (loss.failure.message.empty()) {
      self->open_ = true;
      self->deadline_.cancel();
      self->events_.open();
      loss = co_await read(self);
    }
    self->deadline_.cancel();
    self->finished_ = true;
    self->abort();
    if (!std::exchange(self->silent_, true)) self->events_.lost(std::move(loss));
  }

  // A Loss with an empty message means success.
  static asio::awaitable<Loss> open(Self self) {
    const Url& url = self->options_.url;
    auto [resolve_error, addresses] =
        co_await self->resolver_.async_resolve(url.host, url.port, awaited);
    if (resolve_error) co_return self->opening_loss(url.host.c_str(), resolve_error);

    beast::tcp_stream& tcp_layer = beast::get_lowest_layer(self->stream_);
    auto [connect_error, endpoint] = co_await tcp_layer.async_connect(addresses, awaited);
    if (connect_error) co_return self->opening_loss("connect", connect_error);
    error_code ignored;
    tcp_layer.socket().set_option(tcp::no_delay(true), ignored);

    if constexpr (is_tls<Lower>) {
      Loss loss = co_await secure(self);
      if (!loss.failure.message.empty()) co_return loss;
    }

    self->stream_.set_option(websocket::stream_base::timeout{
        websocket::stream_base::none(), websocket::stream_base::none(), false});
    self->stream_.read_message_max(largest_until_told);
    self->stream_.binary(true);
    self->stream_.set_option(websocket::stream_base::decorator(
        [agent = self->options_.user_agent](websocket::request_type& request) {
          request.set(beast::http::field::sec_websocket_protocol, subprotocol);
          request.set(beast::http::field::user_agent, agent);
        }));
    websocket::response_type response;
    auto [error] =
        co_await self->stream_.async_handshake(response, url.authority(), url.path, awaited);
    if (error == websocket::error::upgrade_declined) {
      const unsigned status = response.result_int();
      Loss loss = network_loss("upgrade", error);
      loss.failure.message = "the server answered HTTP " + std::to_string(status);
      // Too many, or not now; anything else will not change by itself.
      loss.final = status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
      co_return loss;
    }
    if (error) co_return self->opening_loss("WebSocket handshake", error);
    if (response[beast::http::field::sec_websocket_protocol] != subprotocol) {
      co_return Loss{0, {Failure::Kind::Network, {}, 0, "not a server of amicale.v1"}, true};
    }
    co_return Loss{};
  }

  static asio::awaitable<Loss> secure(Self self)
    requires is_tls<Lower>
  {
    auto& tls = self->stream_.next_layer();
    const std::string& host = self->options_.url.host;
    error_code not_an_address;
    asio::ip::make_address(host, not_an_address);
    // RFC 6066: an address is not a server name.
    if (not_an_address && !SSL_set_tlsext_host_name(tls.native_handle(), host.c_str())) {
      co_return Loss{0, {Failure::Kind::Network, {}, 0, "the host name is too long"}, true};
    }
    if (self->options_.verify_certificate) {
      tls.set_verify_mode(asio::ssl::verify_peer);
      tls.set_verify_callback(asio::ssl::host_name_verification(host));
    } else {
      tls.set_verify_mode(asio::ssl::verify_none);
    }
    auto [error] = co_await tls.async_handshake(asio::ssl::stream_base::client, awaited);
    if (!error) co_return Loss{};
    const bool certificate = error.category() == asio::error::get_ssl_category() &&
                             ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
                                 SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (!certificate) co_return self->opening_loss("TLS handshake", error);
    const long verdict = SSL_get_verify_result(tls.native_handle());
    const std::string why =
        verdict == X509_V_OK ? "it names another host" : X509_verify_cert_error_string(verdict);
    co_return Loss{
        0,
        {Failure::Kind::Certificate, {}, 0, "the server's certificate is refused: " + why},
        true};
  }

  static asio::awaitable<Loss> read(Self self) {
    beast::flat_buffer buffer;
    for (;;) {
      while (!self->reading_ && !self->silent_) {
        co_await self->wake_reader_.async_wait(awaited);
      }
      if (self->silent_ && !self->open_) co_return Loss{};
      auto [error, size] = co_await self->stream_.async_read(buffer, awaited);
      if (error == websocket::error::closed) {
        const auto& reason = self->stream_.reason();
        std::string text = reason.reason.empty() ? "closed by the server"
                                                 : std::string(std::string_view(reason.reason));
        co_return Loss{
            reason.code, {Failure::Kind::ClosedByServer, {}, reason.code, std::move(text)}, false};
      }
      if (error) co_return network_loss("connection lost", error);
      if (self->silent_) {
        buffer
            .clear();  // our close is on the way: what comes before the peer's is not ours any more
        continue;
      }
      if (!self->stream_.got_binary()) {
        co_return Loss{0, {Failure::Kind::BadFrame, {}, 0, "a text message"}, false};
      }
      const auto bytes = buffer.cdata();
      self->events_.message({static_cast<const char*>(bytes.data()), bytes.size()});
      buffer.clear();
    }
  }

  void write() {
    if (writing_ || !open_ || finished_) return;
    if (outgoing_.empty() && !close_code_) return;
    writing_ = true;
    asio::co_spawn(resolver_.get_executor(), write_all(this->shared_from_this()), asio::detached);
  }

  static asio::awaitable<void> write_all(Self self) {
    while (!self->outgoing_.empty()) {
      const std::string message = std::move(self->outgoing_.front());
      self->outgoing_.pop_front();
      auto [error, size] = co_await self->stream_.async_write(asio::buffer(message), awaited);
      // The reader meets the same failure, and reports it.
      if (error) {
        self->abort();
        co_return;
      }
    }
    self->writing_ = false;
    if (!self->close_code_ || self->finished_) co_return;
    self->writing_ = true;
    const auto code = static_cast<websocket::close_code>(*self->close_code_);
    co_await self->stream_.async_close(code, awaited);
    self->abort();
  }

  static asio::awaitable<void> give_up_in_time(Self self) {
    auto [cancelled] = co_await self->deadline_.async_wait(awaited);
    // An expiry may already be queued when its reason is gone.
    if (cancelled || self->finished_ || (self->open_ && !self->silent_)) co_return;
    if (!self->open_) self->timed_out_ = true;
    self->abort();
  }

  Loss opening_loss(const char* step, const error_code& ec) const {
    if (!timed_out_) return network_loss(step, ec);
    return {0, {Failure::Kind::Network, {}, 0, std::string(step) + ": no answer in time"}, false};
  }

  void abort() {
    resolver_.cancel();
    deadline_.cancel();
    wake_reader_.cancel();
    error_code ignored;
    beast::get_lowest_layer(stream_).socket().close(ignored);
  }

  WebSocketOptions options_;
  WebSocketEvents events_;
  tcp::resolver resolver_;
  asio::steady_timer deadline_;     // of connecting, later of closing
  asio::steady_timer wake_reader_;  // never expires; cancelled when reading goes on
  websocket::stream<Lower> stream_;
  std::deque<std::string> outgoing_;
  std::optional<std::uint16_t> close_code_;
  bool open_ = false;
  bool silent_ = false;  // report nothing more
  bool finished_ = false;
  bool reading_ = true;
  bool writing_ = false;
  bool timed_out_ = false;
};

}  // namespace

std::shared_ptr<WebSocket> WebSocket::make(asio::io_context& context, asio::ssl::context& tls,
                                           WebSocketOptions options, WebSocketEvents events) {
  if (options.url.tls) {
    using Secure = beast::ssl_stream<beast::tcp_stream>;
    return std::make_shared<Connection<Secure>>(context, std::move(options), std::move(events),
                                                tls);
  }
  return std::make_shared<Connection<beast::tcp_stream>>(context, std::move(options),
                                                         std::move(events));
}

}  // namespace amicale::client
