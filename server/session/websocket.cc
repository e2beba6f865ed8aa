// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/websocket.h"

#include <array>
#include <memory>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "server/domain/limits.h"
#include "server/runtime/wire.h"

namespace amicale::session {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace limits = domain::limits;

// A closing handshake that the peer does not finish is cut after this.
constexpr auto close_time = std::chrono::seconds(2);
// The same when the connection's place is wanted for another.
constexpr auto hurried_close_time = std::chrono::milliseconds(100);
// Above this the read buffer is given back after a frame: an idle connection keeps little.
constexpr std::size_t kept_buffer = 1'024;

runtime::Socket& socket_of(runtime::Wire<runtime::Socket>& wire) { return wire.next_layer(); }
runtime::Socket& socket_of(runtime::Wire<runtime::TlsStream>& wire) {
  return wire.next_layer().next_layer();
}

// The socket's side of one session: one read loop, at most one write. A local of `serve`.
template <class Stream>
class Connection final : public Transport {
 public:
  Connection(Stream stream, Place& place, Session::Peer peer, std::function<void()> authenticated)
      : ws_(runtime::Wire<Stream>(std::move(stream))),
        place_(place),
        peer_(std::move(peer)),
        changed_(ws_.get_executor()),
        authenticated_(std::move(authenticated)) {}

  runtime::Task<> run(UpgradeRequest request) {
    ws_.binary(true);
    ws_.auto_fragment(false);
    ws_.read_message_max(0);  // read_message knows better how to say that it was too much
    ws_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
      response.set(beast::http::field::sec_websocket_protocol, "amicale.v1");
    }));
    auto [refused] = co_await ws_.async_accept(request, runtime::as_result);
    request = {};
    beast::error_code ignored;
    if (!refused) {
      open_ = true;
      session_.emplace(place_, *this, std::move(peer_));
      co_await read_all();
      if (!closing_) socket_of(ws_.next_layer()).close(ignored);
      co_await session_->finish();
    }
    // What is being written or closed refers to this connection.
    while (writing_ || closing_) co_await wait_for_change();
    socket_of(ws_.next_layer()).close(ignored);
  }

  // Frames are ours: a server's have ten bytes of header at most and no mask, and Beast's operation around them costs a quiet
  // delivery as much again as the system call.
  runtime::Writing write(Outgoing& message) override {
    using runtime::Writing;
    const Writing writing =
        ws_.is_open() ? ws_.next_layer().write(message.buffers(frame_header(message.size())),
                                               [this](beast::error_code error) {
                                                 writing_ = false;
                                                 changed_.cancel();
                                                 if (error) hang_up();
                                                 session_->written(!error);
                                                 if (close_wanted_) start_close();
                                               })
                      : Writing::kFailed;
    writing_ = writing == Writing::kUnderWay;
    if (writing == Writing::kFailed) hang_up();
    return writing;
  }

  void close(v1::CloseCode code) override {
    code_ = code;
    close_wanted_ = true;
    if (writing_) {
      // The peer does not take what is being written: a close frame would only wait behind it.
      beast::error_code ignored;
      socket_of(ws_.next_layer()).close(ignored);
      return;
    }
    start_close();
  }

  void resume_input() override { changed_.cancel(); }

  void authenticated() override {
    if (authenticated_) std::exchange(authenticated_, nullptr)();
  }

 private:
  // The peer is gone: reading ends too.
  void hang_up() {
    beast::error_code ignored;
    socket_of(ws_.next_layer()).close(ignored);
  }

  // Of one whole binary message (RFC 6455, 5.2).
  std::string_view frame_header(std::size_t size) {
    header_[0] = char(0x82);
    std::size_t used = 2;
    if (size < 126) {
      header_[1] = static_cast<char>(size);
    } else {
      const unsigned bytes = size <= 0xffff ? 2 : 8;
      header_[1] = static_cast<char>(bytes == 2 ? 126 : 127);
      for (unsigned i = bytes; i-- > 0;) header_[used++] = static_cast<char>(size >> (8 * i));
    }
    return {header_.data(), used};
  }

  enum class Message : std::uint8_t { whole, too_large, none };

  // The next message into the empty buffer. What is too large is so by what its frames say of themselves, before it has come.
  runtime::Task<Message> read_message(beast::flat_buffer& buffer) {
    do {
      auto [error, size] = co_await ws_.async_read_some(
          buffer, limits::frame_bytes + 1 - buffer.size(), runtime::as_result);
      if (error) co_return Message::none;
      if (buffer.size() > limits::frame_bytes) co_return Message::too_large;
      // What the present frame still has; 1 is also said between two frames.
      const std::size_t rest = ws_.is_message_done() ? 0 : ws_.read_size_hint(1);
      if (rest > 1 && rest > limits::frame_bytes - buffer.size()) co_return Message::too_large;
    } while (!ws_.is_message_done());
    co_return Message::whole;
  }

  // Takes what the peer still sends, so that it reads why the connection ends instead of a reset. start_close bounds the time.
  runtime::Task<> drop_all(beast::flat_buffer& buffer) {
    for (;;) {
      buffer.consume(buffer.size());
      auto [error, size] =
          co_await ws_.async_read_some(buffer, limits::frame_bytes, runtime::as_result);
      if (error) co_return;
    }
  }

  runtime::Task<> read_all() {
    beast::flat_buffer buffer;
    for (;;) {
      const Message message = co_await read_message(buffer);
      if (message == Message::none) co_return;
      if (message == Message::too_large) {
        session_->end(v1::CLOSE_CODE_BAD_FRAME, 0);
        co_return co_await drop_all(buffer);
      }
      if (!ws_.got_binary()) {
        session_->end(v1::CLOSE_CODE_BAD_FRAME, 0);
      } else {
        auto data = buffer.cdata();
        session_->receive({static_cast<const char*>(data.data()), data.size()});
      }
      buffer.consume(buffer.size());
      if (buffer.capacity() > kept_buffer) buffer.shrink_to_fit();
      while (!session_->accepts_input() && open_) {
        session_->input_stopped();
        co_await wait_for_change();
      }
    }
  }

  runtime::Task<> wait_for_change() {
    changed_.expires_after(std::chrono::seconds(1));
    co_await changed_.async_wait(runtime::as_result);
  }

  void start_close() {
    close_wanted_ = false;
    if (closing_ || !open_) return;
    closing_ = true;
    open_ = false;
    const std::chrono::milliseconds time =
        code_ == v1::CLOSE_CODE_OVERLOADED ? hurried_close_time : close_time;
    auto deadline = std::make_shared<asio::steady_timer>(ws_.get_executor(), time);
    deadline->async_wait([this, deadline, alive = std::weak_ptr<bool>(alive_)](beast::error_code) {
      if (alive.expired()) return;
      beast::error_code ignored;
      socket_of(ws_.next_layer()).close(ignored);
    });
    // Not Beast's async_close: while it waits for the read that is under way, holding the right to write, a read that
    // meets a bad frame waits for that right, and neither ever ends (1.81). The frame is four bytes; the read loop hears
    // the peer's answer, and the deadline ends what hears none.
    const auto code = static_cast<std::uint16_t>(code_);
    close_frame_ = {char(0x88), 2, static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
    asio::async_write(ws_.next_layer(), asio::buffer(close_frame_),
                      [this](beast::error_code error, std::size_t) {
                        closing_ = false;
                        changed_.cancel();
                        beast::error_code ignored;
                        auto& socket = socket_of(ws_.next_layer());
                        if (error)
                          socket.close(ignored);
                        else
                          socket.shutdown(asio::socket_base::shutdown_send, ignored);
                      });
  }

  // Without permessage-deflate: it costs more than a delivery.
  websocket::stream<runtime::Wire<Stream>, false> ws_;
  Place& place_;
  Session::Peer peer_;
  asio::steady_timer changed_;
  std::function<void()> authenticated_;
  std::array<char, 10> header_{};
  std::array<char, 4> close_frame_{};
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for the closing deadline
  bool open_ = false;
  bool writing_ = false;
  bool closing_ = false;
  bool close_wanted_ = false;
  v1::CloseCode code_ = v1::CLOSE_CODE_UNSPECIFIED;
  std::optional<Session> session_;  // from the accepted upgrade on
};

template <class Stream>
runtime::Task<> serve(Stream stream, Place& place, Arrival arrival) {
  Connection<Stream> connection(std::move(stream), place, std::move(arrival.peer),
                                std::move(arrival.authenticated));
  co_await connection.run(std::move(arrival.request));
}

}  // namespace

runtime::Task<> serve_websocket(runtime::Socket stream, Place& place, Arrival arrival) {
  return serve(std::move(stream), place, std::move(arrival));
}

runtime::Task<> serve_websocket(runtime::TlsStream stream, Place& place, Arrival arrival) {
  return serve(std::move(stream), place, std::move(arrival));
}

}  // namespace amicale::session
