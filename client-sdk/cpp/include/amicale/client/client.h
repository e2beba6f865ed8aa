// SPDX-License-Identifier: Apache-2.0
//
// The client: SessionCore with a real WebSocket, a thread and a clock.
//
//   amicale::client::Client client({.url = "wss://chat.example.org", .on_happening = show});
//   client.connect();
//   auto login = client.login("ada", password, "my laptop").get();
//   client.follow(Stream::club(7));
//   client.post(Stream::club(7), 1, "Bonjour");
//
// Threads. Every method may be called from any thread, also from inside a handler. Happenings, and
// the handlers of calls, come one at a time and in order: on the client's own thread if
// Options::on_happening is set, else inside poll(), on the thread that calls it. Futures become
// ready on the client's thread: do not wait for one inside a handler.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amicale/client/calls.h"
#include "amicale/client/failure.h"
#include "amicale/client/happening.h"
#include "amicale/client/session_core.h"
#include "amicale/client/stream.h"

namespace amicale::client {

// Keeps cursors across restarts. Give one only together with a store of what the events said: a
// resumed stream sends no snapshot. load() is called on the client's thread when a stream is
// followed. save() and forget() are called where happenings are delivered, after the handler
// returned (with poll(): at the next poll()), so that a cursor is never saved for events that were
// not handled.
class CursorStore {
 public:
  virtual ~CursorStore() = default;

  virtual std::optional<Position> load(Stream stream) = 0;
  virtual void save(Stream stream, Position position) = 0;
  virtual void forget(Stream stream) = 0;  // ended, or the server could not honour the cursor
};

struct Options {
  // "ws://host[:port]" or "wss://host[:port]"; the path is /v1/ws unless the URL has one.
  std::string url = {};
  // 32 bytes from LoginReply or RegisterReply; empty = login() or a Register call comes first.
  std::string token = {};
  std::string ca_file = {};        // PEM; empty = the system's trusted authorities
  bool verify_certificate = true;  // false accepts any certificate: for tests only
  std::string client_name = "amicale-cpp/0.1";
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  bool follow_account = true;  // follow the account's own stream (read marks, levels, directs)
  // Streams to follow from the start, each from CursorStore's position if it has one.
  std::vector<Stream> follow = {};
  bool signals = true;         // typing and presence
  bool audit = true;           // watch the provable log of followed streams (audit.h)
  std::string audit_key = {};  // the site's key, 32 bytes; empty = trust the first one seen
  bool reconnect = true;       // false: the first loss is Closed, and calls fail instead of waiting
  // Ceiling of the back-off: waits are uniform in [0, ceiling], which doubles from 250 ms up to this.
  Milliseconds longest_wait{30000};
  // Name resolution, TCP, TLS and WebSocket handshakes, together.
  Milliseconds connect_timeout{15000};
  Milliseconds query_timeout{30000};  // queries and logins; 0 = none
  std::size_t outbox_calls = 1000;    // unanswered calls of all kinds
  std::size_t outbox_bytes = 4 * 1024 * 1024;
  std::size_t lane_window = 1;  // see Settings::lane_window
  // Happenings kept for poll(). Above this the socket is not read until poll() is called: the
  // server keeps the rest, so nothing is lost. Until the first poll() only the newest 1000 are kept
  // instead, for programs that only wait for futures. 0 = keep none.
  std::size_t waiting_happenings = 10000;
  std::function<void(const Happening&)> on_happening = {};  // absent = poll()
  CursorStore* cursor_store = nullptr;                      // both outlive the client
  OutboxStore* outbox_store = nullptr;
  AuditStore* audit_store = nullptr;  // used on the client's thread
};

class Client {
 public:
  using Handler = std::function<void(const Result<v1::Reply>&)>;

  // Starts the thread; connects nothing. Handlers may not throw. An unusable URL or ca_file shows
  // as Closed after connect().
  explicit Client(Options options);
  // close(0 ms), then joins the thread. Not from inside a handler.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Connects, and stays connected until close(): lost connections are made again with jittered
  // exponential back-off.
  void connect();
  // Waits up to `flush` for unanswered calls while online, then closes; calls still open become
  // Cancelled. Not from inside a handler (there, use close_soon(), which does not wait).
  void close(Milliseconds flush = Milliseconds{2000});
  void close_soon();

  // Connects if needed, logs in, and goes online with the new token; keep LoginReply.token for the
  // next start. While online already, the token is only returned.
  std::future<Result<v1::LoginReply>> login(std::string login, std::string password,
                                            std::string device_name);
  void set_token(std::string token);

  // Calls any request of the protocol, e.g. call(v1::ListClubs{}) ->
  // future<Result<v1::ListClubsReply>>. Commands without a client_msg_id get one; they wait while
  // offline and are repeated safely after a cut. UNAVAILABLE, INTERNAL, OVERLOADED and RATE_LIMITED
  // are retried, honouring retry_after. Queries are repeated after a cut until query_timeout.
  template <Request T>
  std::future<Result<ReplyTo<T>>> call(T request) {
    auto promise = std::make_shared<std::promise<Result<ReplyTo<T>>>>();
    auto future = promise->get_future();
    start(Call<T>::wrap(std::move(request)), {}, [promise](Result<v1::Reply> result) {
      if (result)
        promise->set_value(Call<T>::unwrap(std::move(*result)));
      else
        promise->set_value(std::unexpected(std::move(result.error())));
    });
    return future;
  }
  // The same with a handler, which runs where happenings are delivered, just before the Answered
  // happening.
  template <Request T>
  CallId call(T request, std::function<void(Result<ReplyTo<T>>)> handler) {
    return call(Call<T>::wrap(std::move(request)),
                [handler = std::move(handler)](const Result<v1::Reply>& result) {
                  if (result)
                    handler(Call<T>::unwrap(v1::Reply(*result)));
                  else
                    handler(std::unexpected(result.error()));
                });
  }
  CallId call(v1::ClientFrame request, Handler handler);
  void cancel(CallId call);

  // Posts to a room of a club (room_id) or to a direct conversation (room_id 0). Returns the
  // client_msg_id (16 bytes), under which a Posting happening (the local echo) comes at once and an
  // Answered one follows. `reply_to`: message number, 0 = none.
  std::string post(Stream stream, std::uint64_t room_id, std::string body,
                   std::uint64_t reply_to = 0, v1::Mentions mentions = {});

  // Follows a stream, from `from`, else from CursorStore's position, else from a snapshot. Survives
  // reconnections.
  void follow(Stream stream, std::optional<Position> from = std::nullopt);
  void unfollow(Stream stream);
  // After an AuditAlarm: the person decided to go on (AuditWatch::accept).
  void accept_audit(Stream stream);

  // Without on_happening: takes up to `most` happenings that are there, in order, without waiting.
  // One thread at a time.
  std::vector<Happening> poll(std::size_t most = 1000);
  // Readable (poll, select, epoll, a GUI's socket notifier) while poll() has something to take.
  // Owned by the client.
  int notification_fd() const;

  // 16 random bytes: a client_msg_id.
  static std::string new_message_id();

 private:
  using Completion = std::function<void(Result<v1::Reply>)>;
  CallId start(v1::ClientFrame request, Handler handler, Completion completion);

  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace amicale::client
