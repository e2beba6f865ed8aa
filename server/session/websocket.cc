// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/websocket.h"

#include <spdlog/spdlog.h>

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
      // From here on reads refer to this connection: asked to stop, it hangs up and waits for the last of them.
      co_await asio::this_coro::throw_if_cancelled(false);
      reading_ = true;
      read();
      while (reading_) {
        co_await wait_for_change();
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) hang_up();
      }
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
    // The peer does not take what is being written: a close frame would only wait behind it.
    if (writing_) return hang_up();
    start_close();
  }

  void resume_input() override {
    if (std::exchange(stopped_, false)) read_when_accepted();
  }

  void authenticated() override {
    if (authenticated_) std::exchange(authenticated_, nullptr)();
  }

 private:
  // The peer is gone: reading ends too.
  void hang_up() {
    beast::error_code ignored;
    socket_of(ws_.next_layer()).close(ignored);
    if (std::exchange(stopped_, false)) read();
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

  // Asks for more of the message that comes; `take` hears of it. A frame that idles in a coroutine would cost each connection a
  // kilobyte.
  void read() {
    const std::size_t room =
        dropping_ ? limits::frame_bytes : limits::frame_bytes + 1 - buffer_.size();
    ws_.async_read_some(buffer_, room, [this](beast::error_code error, std::size_t) {
      if (error) return end_reading();
      try {
        take();
      } catch (const std::exception& e) {
        spdlog::error("task failed task=connection error=\"{}\"", e.what());
        hang_up();
        read();
      }
    });
  }

  // What is too large is so by what its frames say of themselves, before it has come.
  bool too_large() {
    if (buffer_.size() > limits::frame_bytes) return true;
    // What the present frame still has; 1 is also said between two frames.
    const std::size_t rest = ws_.is_message_done() ? 0 : ws_.read_size_hint(1);
    return rest > 1 && rest > limits::frame_bytes - buffer_.size();
  }

  void take() {
    if (dropping_) {
      buffer_.consume(buffer_.size());
      return read();
    }
    if (too_large()) {
      // What the peer still sends is taken, so that it reads why the connection ends instead of a reset. start_close bounds
      // the time.
      dropping_ = true;
      session_->end(v1::CLOSE_CODE_BAD_FRAME, 0);
      return read();
    }
    if (!ws_.is_message_done()) return read();
    if (!ws_.got_binary()) {
      session_->end(v1::CLOSE_CODE_BAD_FRAME, 0);
    } else {
      auto data = buffer_.cdata();
      session_->receive({static_cast<const char*>(data.data()), data.size()});
    }
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kept_buffer) buffer_.shrink_to_fit();
    read_when_accepted();
  }

  void read_when_accepted() {
    if (session_->accepts_input() || !open_) return read();
    session_->input_stopped();
    stopped_ = true;
  }

  void end_reading() {
    reading_ = false;
    changed_.cancel();
  }

  runtime::Task<> wait_for_change() {
    changed_.expires_at(asio::steady_timer::time_point::max());
    co_await changed_.async_wait(runtime::as_result);
  }

  void start_close() {
    close_wanted_ = false;
    if (closing_ || !open_) return;
    closing_ = true;
    open_ = false;
    if (std::exchange(stopped_, false)) read();
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
  beast::flat_buffer buffer_;
  bool reading_ = false;   // a read is under way, or held up
  bool stopped_ = false;   // until the session accepts input again
  bool dropping_ = false;  // what is read is not looked at any more
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
