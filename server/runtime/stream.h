// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The byte streams of a connection, plain and TLS. Both are what Asio calls an AsyncStream, so that HTTP and WebSocket are
// written once over either.
#pragma once

#include <boost/asio/append.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <span>

struct ssl_st;
struct ssl_ctx_st;
namespace boost::beast {
enum class role_type;
}

namespace amicale::runtime {

namespace asio = boost::asio;

// A socket that knows its executor by type: a shard's, with no virtual call per operation.
using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

// TLS on a socket, by OpenSSL on the descriptor itself. Asio's own ssl::stream keeps some 70 KiB of buffers per connection
// for as long as it lives, and makes one record (and one write) of each buffer of a gathering write; this one keeps nothing
// while idle and packs small buffers into whole records. Lives on its socket's shard; at most one read and one write at a
// time, as for any AsyncStream. The process must ignore SIGPIPE.
class TlsStream {
 public:
  using executor_type = Socket::executor_type;
  using next_layer_type = Socket;

  // Takes part in `context`'s life. Throws when OpenSSL has no memory.
  TlsStream(Socket socket, ssl_ctx_st* context);

  // One attempt at an operation: done (with `error` and `bytes`), or to be tried again when the socket is ready.
  struct Attempt {
    enum class State : std::uint8_t { kDone, kWaitRead, kWaitWrite } state = State::kDone;
    boost::system::error_code error{};
    std::size_t bytes = 0;
  };

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& next_layer() { return socket_; }
  const Socket& next_layer() const { return socket_; }

  // The server's side of the handshake. It has no time limit: close the socket to end it.
  template <class Token>
  auto async_handshake(Token&& token) {
    return start<Token, void(boost::system::error_code)>(Handshake{}, token);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return start<Token, void(boost::system::error_code, std::size_t)>(Read<Buffers>{buffers},
                                                                      token);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return start<Token, void(boost::system::error_code, std::size_t)>(Write<Buffers>{buffers},
                                                                      token);
  }

  // One attempt to write what fits into one record. After kWaitWrite the same bytes must be tried again.
  template <class Buffers>
  Attempt try_write(const Buffers& buffers) {
    // A first buffer that fills a record needs no copy. After WANT_WRITE the same bytes are packed again, as OpenSSL asks.
    const auto first = asio::buffer_sequence_begin(buffers);
    if (first == asio::buffer_sequence_end(buffers)) return {};
    const asio::const_buffer whole(*first);
    if (whole.size() >= kRecord) return write({static_cast<const char*>(whole.data()), kRecord});
    char record[kRecord];
    const auto size = asio::buffer_copy(asio::buffer(record), buffers);
    if (size == 0) return {};
    return write({record, size});
  }

  // Tells the peer that nothing follows, if that can be written at once, and shuts the socket. Never waits.
  void close();

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  // The largest plain text of one record.
  static constexpr std::size_t kRecord = 16 * 1024;

  struct Handshake {
    Attempt operator()(TlsStream& stream) const { return stream.handshake(); }
  };

  template <class Buffers>
  struct Read {
    Buffers buffers;
    Attempt operator()(TlsStream& stream) const {
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
           ++it) {
        const asio::mutable_buffer buffer(*it);
        if (buffer.size() > 0) return stream.read(buffer);
      }
      return {};
    }
  };

  template <class Buffers>
  struct Write {
    Buffers buffers;
    Attempt operator()(TlsStream& stream) const { return stream.try_write(buffers); }
  };

  // Tries an action until it is done, waiting for the socket in between. A first attempt that is done at once completes
  // through the executor, never inside the call that started it.
  template <class Action>
  struct Operation {
    TlsStream& stream;
    Action action;
    bool started = false;
    Attempt attempt{};

    template <class Self>
    void operator()(Self& self, boost::system::error_code waited = {}) {
      if (attempt.state == Attempt::State::kDone && started) return finish(self);
      if (waited) {
        attempt = {Attempt::State::kDone, waited, 0};
        return finish(self);
      }
      attempt = action(stream);
      const bool at_once = !std::exchange(started, true);
      switch (attempt.state) {
        case Attempt::State::kDone:
          if (at_once) return asio::post(stream.get_executor(), std::move(self));
          return finish(self);
        case Attempt::State::kWaitRead:
          return stream.socket_.async_wait(Socket::wait_read, std::move(self));
        case Attempt::State::kWaitWrite:
          return stream.socket_.async_wait(Socket::wait_write, std::move(self));
      }
    }

    template <class Self>
    void finish(Self& self) {
      const Attempt done = attempt;
      if constexpr (std::is_same_v<Action, Handshake>)
        self.complete(done.error);
      else
        self.complete(done.error, done.bytes);
    }
  };

  template <class Token, class Signature, class Action>
  auto start(Action action, Token& token) {
    return asio::async_compose<Token, Signature>(Operation<Action>{*this, std::move(action)}, token,
                                                 socket_);
  }

  Attempt handshake();
  Attempt read(asio::mutable_buffer buffer);
  Attempt write(std::span<const char> record);
  Attempt outcome(int result);
  static Attempt closed();

  Socket socket_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
};

// How Beast ends a WebSocket connection over a TlsStream: found by name, so that Beast is not included here.
void teardown(boost::beast::role_type role, TlsStream& stream, boost::system::error_code& error);

template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
  stream.close();
  asio::post(stream.get_executor(),
             asio::append(std::forward<Handler>(handler), boost::system::error_code()));
}

}  // namespace amicale::runtime
