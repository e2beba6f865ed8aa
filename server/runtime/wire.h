// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/write.hpp>
#include <cassert>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "server/runtime/stream.h"
#include "server/runtime/writing.h"

namespace amicale::runtime {

// A stream with two writers that take turns: Beast, which answers pings and closing by itself, and the session's own messages.
// A message is given to the socket at once, without an operation, a completion or an allocation; only what the socket does not
// take waits for it. Neither writer's bytes ever stand between another's. Lives on its stream's shard, and does not move once
// something was written.
template <class Stream>
class Wire {
 public:
  using executor_type = typename Stream::executor_type;
  using next_layer_type = Stream;
  using Done = std::move_only_function<void(boost::system::error_code)>;

  explicit Wire(Stream stream) : stream_(std::move(stream)) { prepare(stream_); }

  executor_type get_executor() { return stream_.get_executor(); }
  Stream& next_layer() { return stream_; }
  const Stream& next_layer() const { return stream_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return stream_.async_read_some(buffers, std::forward<Token>(token));
  }

  // Beast's writes: all of the buffers, after the message that is under way.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        [this](auto handler, Buffers what) {
          auto start = [this, handler = std::move(handler), what = std::move(what)]() mutable {
            ++theirs_;
            auto executor = asio::get_associated_executor(handler, get_executor());
            asio::async_write(stream_, what,
                              asio::bind_executor(executor, [this, handler = std::move(handler)](
                                                                boost::system::error_code error,
                                                                std::size_t bytes) mutable {
                                --theirs_;
                                if (done_ && theirs_ == 0) push();
                                std::move(handler)(error, bytes);
                              }));
          };
          if (done_) {
            waiting_.emplace_back(std::move(start));
          } else {
            start();
          }
        },
        token, buffers);
  }

  // Writes a message, whole. `kUnderWay`: `done` hears how it ended, and `buffers` must stay until then. Otherwise `done` is
  // dropped. One message at a time.
  template <class Function>
  Writing write(std::vector<asio::const_buffer>& buffers, Function done) {
    assert(!done_);
    rest_ = buffers;
    if (theirs_ == 0) {
      boost::system::error_code error;
      const Attempt attempt = attempt_all(error);
      if (attempt == Attempt::kDone) return error ? Writing::kFailed : Writing::kDone;
      wait(attempt);
    }
    done_ = std::move(done);
    return Writing::kUnderWay;
  }

 private:
  using Attempt = TlsStream::Attempt::State;

  static void prepare(Socket& socket) {
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
  }
  static void prepare(TlsStream&) {}
  static Socket& socket_of(Socket& socket) { return socket; }
  static Socket& socket_of(TlsStream& stream) { return stream.next_layer(); }

  Attempt attempt_all(boost::system::error_code& error) {
    while (!rest_.empty()) {
      const TlsStream::Attempt attempt = try_write(stream_, rest_);
      if (attempt.state != Attempt::kDone) return attempt.state;
      error = attempt.error;
      if (error) break;
      std::size_t bytes = attempt.bytes;
      while (!rest_.empty() && bytes >= rest_.front().size()) {
        bytes -= rest_.front().size();
        rest_ = rest_.subspan(1);
      }
      if (bytes > 0) rest_.front() += bytes;
    }
    return Attempt::kDone;
  }

  static TlsStream::Attempt try_write(Socket& socket, std::span<asio::const_buffer> buffers) {
    TlsStream::Attempt attempt;
    attempt.bytes = socket.write_some(buffers, attempt.error);
    if (attempt.error == asio::error::would_block || attempt.error == asio::error::try_again)
      attempt = {.state = Attempt::kWaitWrite};
    return attempt;
  }
  static TlsStream::Attempt try_write(TlsStream& stream, std::span<asio::const_buffer> buffers) {
    return stream.try_write(buffers);
  }

  void wait(Attempt what) {
    socket_of(stream_).async_wait(
        what == Attempt::kWaitRead ? Socket::wait_read : Socket::wait_write,
        [this](boost::system::error_code error) { error ? finish(error) : push(); });
  }

  void push() {
    boost::system::error_code error;
    const Attempt attempt = attempt_all(error);
    if (attempt != Attempt::kDone) return wait(attempt);
    finish(error);
  }

  void finish(boost::system::error_code error) {
    auto done = std::exchange(done_, nullptr);
    for (auto& start : std::exchange(waiting_, {})) start();
    done(error);
  }

  Stream stream_;
  std::span<asio::const_buffer> rest_;                    // of our message
  Done done_;                                             // set while a message is under way
  unsigned theirs_ = 0;                                   // Beast's writes under way
  std::vector<std::move_only_function<void()>> waiting_;  // Beast's writes behind our message
};

// How Beast ends a WebSocket connection over a Wire: found by name, so that Beast is not included here.
inline void end_sending(Socket& socket) {
  boost::system::error_code ignored;
  socket.shutdown(Socket::shutdown_send, ignored);
}
inline void end_sending(TlsStream& stream) { stream.close(); }

template <class Stream>
void teardown(boost::beast::role_type, Wire<Stream>& wire, boost::system::error_code& error) {
  end_sending(wire.next_layer());
  error = {};
}

template <class Stream, class Handler>
void async_teardown(boost::beast::role_type, Wire<Stream>& wire, Handler&& handler) {
  end_sending(wire.next_layer());
  asio::post(wire.get_executor(),
             asio::append(std::forward<Handler>(handler), boost::system::error_code()));
}

}  // namespace amicale::runtime
