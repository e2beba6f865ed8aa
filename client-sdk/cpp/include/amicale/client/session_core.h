// SPDX-License-Identifier: Apache-2.0
//
// The protocol's client side as a total function: inputs are what happened (connected, received,
// disconnected, time passed, the application called), outputs are what to do (send, connect, close)
// and what to tell the application. No socket, no clock, no thread, no global randomness: given the
// same inputs and seed, it does the same, so it is tested without a network.
//
//   Connect -> Hello -> [Authenticate] -> online -> ... -> loss -> wait -> Connect -> ...
//
// Exactness. For each followed stream it holds one cursor. A StreamBatch whose after_seq equals it
// is taken; what lies before it is dropped; a batch that lies beyond it shows a hole, and the
// stream is subscribed again from the cursor. When a room of a club opens to this account, a snapshot
// is asked for beside the cursor, which does not move for it. Commands carry a client_msg_id and are repeated under
// the same id until they are answered, so each takes effect once.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "amicale/client/audit.h"
#include "amicale/client/backoff.h"
#include "amicale/client/calls.h"
#include "amicale/client/failure.h"
#include "amicale/client/happening.h"
#include "amicale/client/outbox.h"
#include "amicale/client/stream.h"

namespace amicale::client {

struct Settings {
  std::string client_name = "amicale-cpp/0.1";  // at most 64 bytes; for the operator's logs
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  std::string token;                  // 32 bytes; empty = log in first
  bool signals = true;                // ask for typing and presence
  bool audit = true;                  // watch the provable log of followed streams (audit.h)
  std::string audit_key;              // the site's key, 32 bytes; empty = trust the first one seen
  AuditStore* audit_store = nullptr;  // keeps what was pinned; outlives the core
  bool follow_account = true;         // follow the account's own stream as soon as its id is known
  bool reconnect = true;              // false: the first loss closes the client

  Milliseconds first_wait{250};  // back-off: ceiling of the first wait
  Milliseconds longest_wait{30000};
  Milliseconds stable_after{10000};      // online this long resets the back-off
  Milliseconds greeting_timeout{15000};  // Hello and Authenticate each answer within this
  // Queries and logins; 0 = none. Commands wait for as long as it takes.
  Milliseconds query_timeout{30000};

  std::size_t outbox_calls = 1000;  // unanswered calls of all kinds
  std::size_t outbox_bytes = 4 * 1024 * 1024;
  // Commands to one stream in flight. Above 1 is faster over distance, but a command that is tried
  // again may then be decided after a later one.
  std::size_t lane_window = 1;

  std::uint64_t seed = 1;  // of all jitter
  // Gives 16 random bytes; absent = derived from the seed, for tests.
  std::function<std::string()> new_message_id;
  OutboxStore* outbox_store = nullptr;  // outlives the core
  std::int64_t unix_ms_at_start = 0;  // wall clock at construction, until the server tells its own
};

// What the owner of the socket must do, in order.
// Connect: open a connection, then call connected() or disconnected(). Send: one binary WebSocket
// message. Close: close this connection, and report nothing more of it.
struct Connect {};
struct Send {
  std::string bytes;
};
struct Close {
  std::uint32_t code = 1000;
};
using Action = std::variant<Connect, Send, Close>;

// Why a connection ended.
struct Loss {
  std::uint32_t close_code = 0;  // the peer's close code; 0 = none came
  Failure failure;               // Network, Certificate or ClosedByServer
  bool final = false;            // trying again can't help
};

// Not thread-safe; whoever owns it calls it from one thread. Every input may queue actions and
// happenings: drain next_action() and next_happening() after each. `now` never goes back. Any input
// is allowed in any state.
class SessionCore {
 public:
  SessionCore(Settings settings, Time now);
  ~SessionCore();
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  // --- From the application
  void connect(Time now);  // nothing if already trying
  // Every unanswered call fails with Cancelled; stored commands stay stored.
  void close(Time now, std::uint32_t code = 1000);
  // Takes effect at once when not yet authenticated, else when next connected.
  void set_token(std::string token, Time now);
  // Sends `request` (its request_id is ignored) when that is possible; exactly one Answered{id}
  // follows, perhaps at once. An empty client_msg_id of a command is filled in. Login and Register
  // adopt the token that they bring. `id` is the caller's choice: unique, below first_restored_call
  // (those above are commands found in the outbox store).
  void call(CallId id, v1::ClientFrame request, Time now);
  static constexpr CallId first_restored_call = CallId{1} << 63;
  // False: answered already, or unknown. A command already sent may still take effect.
  bool cancel(CallId call, Time now);
  // With `from`: the application holds everything up to it. Without: a snapshot comes first.
  // Nothing if followed already.
  void follow(Stream stream, std::optional<Position> from, Time now);
  void unfollow(Stream stream, Time now);

  // After an AuditAlarm: the person decided to go on. The next head of the stream is pinned whatever it is.
  void accept_audit(Stream stream) { audit_.accept(stream); }

  // --- From the socket and the clock
  void connected(Time now);  // the WebSocket handshake is done
  void received(std::string_view message, Time now);
  void disconnected(Loss loss, Time now);
  void tick(Time now);  // call at next_deadline(), or any time
  // While the application does not take happenings, the socket is not read: silence is then not the
  // server's.
  void set_reading(bool reading, Time now);

  // --- To the owner
  std::optional<Action> next_action();
  std::optional<Happening> next_happening();
  std::optional<Time> next_deadline() const;

  // --- What is so now
  enum class State { Idle, Connecting, Greeting, Greeted, Authenticating, Online, Waiting, Closed };
  State state() const { return state_; }
  std::optional<Position> position(Stream stream) const;  // absent: not followed, or no snapshot
  std::vector<Stream> followed() const;
  // Whether a Renewed of that stream is wanted, and has not come yet.
  bool renews(Stream stream) const;
  std::size_t unanswered() const { return calls_.size(); }
  const v1::HelloReply& hello() const { return hello_; }  // of the last connection
  const v1::AuthenticateReply& me() const { return me_; }
  std::int64_t unix_ms(Time now) const;  // the server's clock, as well as it is known

 private:
  // One followed stream.
  struct Followed {
    std::optional<Position> at;        // absent: a snapshot is needed
    std::optional<v1::GapReason> gap;  // why the cursor was given up, until the snapshot comes
    std::uint32_t asked = 0;           // request_id of the Subscribe in flight; 0 = none
    std::uint32_t failures = 0;        // refusals in a row that are worth another try
    std::uint32_t holes = 0;           // in a row, without progress
    std::optional<Time> retry_at;

    // A club's: what is held of it at the cursor. After a start from a stored cursor nobody here knows, and the first event
    // that might have opened a room settles it.
    std::optional<v1::ClubRole> role;  // by which it is read; UNSPECIFIED = it may not be
    std::set<std::uint64_t> rooms;     // read without a break
    bool renew = false;                // a snapshot is wanted beside the cursor …
    bool renewing = false;             // … and `asked` asks for it
  };
  // One call without its answer.
  struct Pending {
    CallId id = 0;
    v1::ClientFrame request;
    std::size_t bytes = 0;
    bool stored = false;
    bool in_flight = false;
    std::uint32_t failures = 0;  // answers so far that are worth another try
    std::optional<Time> retry_at;
  };
  // What a request_id of this connection stands for.
  struct Sent {
    v1::ClientFrame::BodyCase what = v1::ClientFrame::BODY_NOT_SET;
    Stream stream;            // Subscribe
    std::uint64_t order = 0;  // of the call; 0 = the core's own request
  };

  // The connection (session_core.cc)
  bool talking() const;
  void lose(Loss loss, bool tell_peer, Milliseconds at_least, Time now);
  void protocol_failure(std::string what, Time now);
  void become_closed(std::uint32_t code, Failure why);
  void on_reply(v1::Reply& reply, Time now);
  void on_hello(v1::Reply& reply, Time now);
  void on_authenticate(v1::Reply& reply, Time now);
  void authenticate(Time now);
  void beat(Time now);
  Milliseconds heartbeat_interval() const;
  std::uint32_t send(v1::ClientFrame& frame, Sent sent, Time now);
  void learn_clock(std::int64_t server_ms, Time now);

  // The provable log
  void take_audit_head(const v1::AuditHead& head);
  void watch_audit(Time now);

  // Followed streams (session_streams.cc)
  void subscribe(Stream stream, Followed& followed, Time now);
  void on_subscribe(std::uint32_t request_id, Stream stream, v1::Reply& reply, Time now);
  void on_batch(v1::StreamBatch& batch, Time now);
  void on_snapshot(Stream stream, Followed& followed, std::uint64_t epoch, v1::Snapshot& snapshot,
                   Time now);
  void watch(Followed& followed, const v1::Event& event) const;
  void renew_soon(Followed& followed, Time now);
  void set_site_role(v1::SiteRole role, Time now);
  v1::ClubRole reading_role(const v1::Member& me) const;

  // Calls (session_calls.cc)
  void accept(CallId id, v1::ClientFrame request, bool restored, Time now);
  void pump(Time now);
  void on_answer(std::uint64_t order, v1::Reply& reply, Time now);
  void answer(std::uint64_t order, Result<v1::Reply> result);
  void expire_queries(Time now);
  void requeue_after_loss(const Failure& why);
  void fail_all(const Failure& why, bool keep_stored);
  bool spend_token(Time now);
  std::string message_id();

  Settings settings_;
  State state_ = State::Idle;
  Time started_;
  std::int64_t clock_offset_ms_;  // Unix milliseconds at started_, by the server's clock once known
  Backoff backoff_;
  std::uint64_t message_id_state_;

  std::deque<Action> actions_;
  std::deque<Happening> happenings_;

  std::map<Stream, Followed> followed_;
  AuditWatch audit_;

  std::map<std::uint64_t, Pending> calls_;  // by order of call(), which is the order of sending
  std::unordered_map<CallId, std::uint64_t> order_of_;
  std::uint64_t next_order_ = 1;
  std::size_t calls_bytes_ = 0;
  std::deque<std::pair<Time, std::uint64_t>>
      query_deadlines_;               // oldest first; answered ones linger
  std::optional<Time> pump_at_;       // when a waiting call may next be sent
  std::optional<Time> paused_until_;  // the server said "too fast" or "too busy"

  // Of this connection
  std::unordered_map<std::uint32_t, Sent> sent_;
  std::uint32_t last_request_id_ = 0;
  std::size_t in_flight_ = 0;  // calls
  double tokens_ = 0;          // mirrors the server's bucket, so as not to run into it
  Time tokens_at_{};
  v1::HelloReply hello_;
  v1::AuthenticateReply me_;
  Time heard_at_{};
  std::optional<Time> greeting_deadline_;
  std::optional<Time> heartbeat_at_;
  std::optional<Time> stable_at_;

  bool was_online_ = false;
  bool reading_ = true;
  std::uint32_t attempt_ = 0;
  std::optional<Time> reconnect_at_;
  Failure closed_why_;
};

}  // namespace amicale::client
