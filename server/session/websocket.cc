// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/websocket.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "server/domain/limits.h"

namespace amicale::session {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace limits = domain::limits;

// A closing handshake that the peer does not finish is cut after this.
constexpr auto close_time = std::chrono::seconds(2);
// Above this the read buffer is given back after a frame: an idle connection keeps little.
constexpr std::size_t kept_buffer = 1'024;

runtime::Socket& socket_of(runtime::Socket& stream) { return stream; }
runtime::Socket& socket_of(runtime::TlsStream& stream) { return stream.next_layer(); }

// The socket's side of one session: one read loop, at most one write. A local of `serve`.
template <class Stream>
class Connection final : public Transport {
 public:
  Connection(Stream stream, Place& place, Session::Peer peer, std::function<void()> authenticated)
      : ws_(std::move(stream)),
        place_(place),
        peer_(std::move(peer)),
        changed_(ws_.get_executor()),
        authenticated_(std::move(authenticated)) {}

  runtime::Task<> run(UpgradeRequest request) {
    ws_.binary(true);
    ws_.auto_fragment(false);
    ws_.read_message_max(limits::frame_bytes);
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

  void write(Outgoing& message) override {
    writing_ = true;
    ws_.async_write(message.buffers(), [this](beast::error_code error, std::size_t) {
      writing_ = false;
      changed_.cancel();
      session_->written(!error);
      if (close_wanted_) start_close();
    });
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
  runtime::Task<> read_all() {
    beast::flat_buffer buffer;
    for (;;) {
      auto [error, size] = co_await ws_.async_read(buffer, runtime::as_result);
      // A frame over the limit is answered by Beast with close code 1009; everything else is a network being one.
      if (error) co_return;
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
    auto deadline = std::make_shared<asio::steady_timer>(ws_.get_executor(), close_time);
    auto closed = std::make_shared<bool>(false);
    deadline->async_wait([this, deadline, closed](beast::error_code error) {
      if (error || *closed) return;
      beast::error_code ignored;
      socket_of(ws_.next_layer()).close(ignored);
    });
    websocket::close_reason reason(static_cast<uint16_t>(code_));
    ws_.async_close(reason, [this, deadline, closed](beast::error_code) {
      *closed = true;
      deadline->cancel();
      closing_ = false;
      open_ = false;
      changed_.cancel();
      beast::error_code ignored;
      socket_of(ws_.next_layer()).close(ignored);
    });
  }

  websocket::stream<Stream, false>
      ws_;  // without permessage-deflate: it costs more than a delivery
  Place& place_;
  Session::Peer peer_;
  asio::steady_timer changed_;
  std::function<void()> authenticated_;
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
