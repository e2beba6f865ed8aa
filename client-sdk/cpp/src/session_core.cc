// SPDX-License-Identifier: Apache-2.0
//
// The life of a connection: hello, authenticate, heartbeats, loss, waiting. Streams are in
// session_streams.cc, calls in session_calls.cc.
#include "amicale/client/session_core.h"

#include <algorithm>
#include <utility>

#include "request.h"
#include "retry.h"

namespace amicale::client {
namespace {

constexpr std::uint32_t protocol_version = 1;
constexpr std::uint32_t retry_first = 4000, retry_last = 4099, final_last = 4199;
constexpr std::uint32_t protocol_error = 1002;
// RFC 6455's "going away", "service restart" and "try again later", and ours.
bool closed_for_all(std::uint32_t code) {
  return code == 1001 || code == 1012 || code == 1013 ||
         (code >= retry_first && code <= retry_last);
}
// Hints of the server are obeyed, but not beyond reason.
constexpr Milliseconds longest_hint{3'600'000};

Milliseconds hint(std::uint32_t ms) { return std::min(Milliseconds{ms}, longest_hint); }

Failure closed_by_server(std::uint32_t code, std::string message) {
  return {Failure::Kind::ClosedByServer, {}, code, std::move(message)};
}

Failure refused(v1::Refusal refusal) {
  std::string message = refusal.message();
  return {Failure::Kind::Refused, std::move(refusal), 0, std::move(message)};
}

}  // namespace

SessionCore::SessionCore(Settings settings, Time now)
    : settings_(std::move(settings)),
      started_(now),
      clock_offset_ms_(settings_.unix_ms_at_start),
      backoff_(settings_.seed, settings_.first_wait, settings_.longest_wait),
      message_id_state_(~settings_.seed),
      audit_(settings_.audit_key, settings_.audit_store) {
  if (settings_.outbox_store == nullptr) return;
  CallId id = first_restored_call;
  for (v1::ClientFrame& command : settings_.outbox_store->load()) {
    if (may_be_stored(command)) accept(id++, std::move(command), true, now);
  }
}

SessionCore::~SessionCore() = default;

// --- From the application ------------------------------------------------------------------------

void SessionCore::connect(Time now) {
  if (state_ != State::Idle && state_ != State::Closed) return;
  backoff_.reset();
  attempt_ = 1;
  state_ = State::Connecting;
  actions_.emplace_back(Connect{});
  happenings_.emplace_back(Connecting{attempt_});
  (void)now;
}

void SessionCore::close(Time now, std::uint32_t code) {
  (void)now;
  if (state_ == State::Closed) return;
  if (talking() || state_ == State::Connecting) actions_.emplace_back(Close{code});
  become_closed(0, {Failure::Kind::Cancelled, {}, 0, "closed by the application"});
}

void SessionCore::set_token(std::string token, Time now) {
  settings_.token = std::move(token);
  if (state_ == State::Greeted && !settings_.token.empty()) authenticate(now);
}

// --- From the socket and the clock ---------------------------------------------------------------

void SessionCore::connected(Time now) {
  if (state_ != State::Connecting) return;
  state_ = State::Greeting;
  heard_at_ = now;
  greeting_deadline_ = now + settings_.greeting_timeout;
  // The server's bucket starts full, but its depth is not known before the answer to Hello.
  tokens_ = 1;
  tokens_at_ = now;
  hello_.Clear();

  v1::ClientFrame frame;
  v1::Hello& hello = *frame.mutable_hello();
  hello.set_protocol_min(protocol_version);
  hello.set_protocol_max(protocol_version);
  hello.set_capabilities((settings_.signals ? std::uint64_t{v1::CAPABILITY_SIGNALS} : 0) |
                         (settings_.audit ? std::uint64_t{v1::CAPABILITY_AUDIT} : 0));
  hello.set_client_name(settings_.client_name);
  hello.set_language(settings_.language);
  send(frame, {}, now);
}

void SessionCore::received(std::string_view message, Time now) {
  if (!talking()) return;
  heard_at_ = now;
  v1::ServerFrame frame;
  if (!frame.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return protocol_failure("not a ServerFrame", now);
  }
  // Replies come first: a Subscribe's answer and its first batch may share a frame. Each step may
  // lose the connection.
  for (int i = 0; i < frame.replies_size() && talking(); ++i) {
    on_reply(*frame.mutable_replies(i), now);
  }
  for (int i = 0; i < frame.batches_size() && talking(); ++i) {
    on_batch(*frame.mutable_batches(i), now);
  }
  for (int i = 0; i < frame.signals_size() && talking(); ++i) {
    happenings_.emplace_back(Signalled{std::move(*frame.mutable_signals(i))});
  }
  for (const v1::AuditHead& head : frame.audit_heads()) take_audit_head(head);
  watch_audit(now);
  if (frame.has_goodbye() && talking()) {
    // Nothing follows a Goodbye, so there is no reason to wait for the close itself.
    const v1::Goodbye& goodbye = frame.goodbye();
    Loss loss{goodbye.close_code(), closed_by_server(goodbye.close_code(), goodbye.message()),
              false};
    const bool known = goodbye.close_code() >= retry_first && goodbye.close_code() <= final_last;
    if (!known && goodbye.reconnect_after_ms() == 0) loss.final = true;
    lose(std::move(loss), true, hint(goodbye.reconnect_after_ms()), now);
  }
  if (talking()) pump(now);
}

// Of a stream that is followed: what the server says unasked of others is no concern of this client.
void SessionCore::take_audit_head(const v1::AuditHead& head) {
  if (settings_.audit && followed_.contains(Stream::from(head.stream()))) audit_.take(head);
}

void SessionCore::watch_audit(Time now) {
  while (state_ == State::Online) {
    auto request = audit_.next_request();
    if (!request) break;
    send(request->frame, {v1::ClientFrame::BODY_NOT_SET, request->stream, 0}, now);
  }
  while (auto finding = audit_.next_finding()) {
    std::visit([this](auto& found) { happenings_.emplace_back(std::move(found)); }, *finding);
  }
}

void SessionCore::disconnected(Loss loss, Time now) {
  if (!talking() && state_ != State::Connecting) return;
  // A line that breaks concerns one client, which may come back soon. A server that closes, or that
  // is not there any more, concerns all of them: those wait for as long as Hello told each.
  const std::uint32_t code = loss.close_code;
  const bool by_server = state_ == State::Connecting || closed_for_all(code);
  lose(std::move(loss), false, hint(by_server ? hello_.reconnect_after_ms() : 0), now);
}

void SessionCore::tick(Time now) {
  if (state_ == State::Waiting && reconnect_at_ && now >= *reconnect_at_) {
    reconnect_at_.reset();
    state_ = State::Connecting;
    ++attempt_;
    actions_.emplace_back(Connect{});
    happenings_.emplace_back(Connecting{attempt_});
  }
  if (greeting_deadline_ && now >= *greeting_deadline_) {
    lose({0, {Failure::Kind::TimedOut, {}, 0, "the server did not answer the greeting"}, false},
         true, Milliseconds{0}, now);
  }
  if (state_ == State::Online) {
    // Two and a half intervals: one lost heartbeat and a slow second one are not yet a dead server.
    if (reading_ && now >= heard_at_ + heartbeat_interval() * 5 / 2) {
      lose({0, {Failure::Kind::Network, {}, 0, "the server fell silent"}, false}, true,
           Milliseconds{0}, now);
    } else if (heartbeat_at_ && now >= *heartbeat_at_) {
      beat(now);
    }
  }
  if (stable_at_ && now >= *stable_at_) {
    stable_at_.reset();
    backoff_.reset();
    attempt_ = 0;
  }
  if (state_ == State::Online) {
    for (auto& [stream, followed] : followed_) {
      if (followed.retry_at && now >= *followed.retry_at) subscribe(stream, followed, now);
    }
  }
  expire_queries(now);
  if (talking()) pump(now);
}

void SessionCore::set_reading(bool reading, Time now) {
  if (reading && !reading_) heard_at_ = now;
  reading_ = reading;
}

// --- To the owner --------------------------------------------------------------------------------

std::optional<Action> SessionCore::next_action() {
  if (actions_.empty()) return std::nullopt;
  Action action = std::move(actions_.front());
  actions_.pop_front();
  return action;
}

std::optional<Happening> SessionCore::next_happening() {
  if (happenings_.empty()) return std::nullopt;
  Happening happening = std::move(happenings_.front());
  happenings_.pop_front();
  return happening;
}

std::optional<Time> SessionCore::next_deadline() const {
  std::optional<Time> soonest;
  const auto consider = [&soonest](std::optional<Time> at) {
    if (at && (!soonest || *at < *soonest)) soonest = at;
  };
  consider(reconnect_at_);
  consider(greeting_deadline_);
  consider(stable_at_);
  if (state_ == State::Online) {
    consider(heartbeat_at_);
    if (reading_) consider(heard_at_ + heartbeat_interval() * 5 / 2);
    for (const auto& [stream, followed] : followed_) consider(followed.retry_at);
  }
  if (talking()) consider(pump_at_);
  if (!query_deadlines_.empty()) consider(query_deadlines_.front().first);
  return soonest;
}

std::int64_t SessionCore::unix_ms(Time now) const {
  return clock_offset_ms_ + std::chrono::duration_cast<Milliseconds>(now - started_).count();
}

// --- Inside --------------------------------------------------------------------------------------

bool SessionCore::talking() const {
  return state_ == State::Greeting || state_ == State::Greeted || state_ == State::Authenticating ||
         state_ == State::Online;
}

Milliseconds SessionCore::heartbeat_interval() const {
  constexpr std::uint32_t fallback = 30'000, shortest = 100, longest = 600'000;
  const std::uint32_t told = hello_.heartbeat_interval_ms();
  return Milliseconds{told == 0 ? fallback : std::clamp(told, shortest, longest)};
}

void SessionCore::learn_clock(std::int64_t server_ms, Time now) {
  if (server_ms <= 0) return;
  clock_offset_ms_ = server_ms - std::chrono::duration_cast<Milliseconds>(now - started_).count();
}

std::uint32_t SessionCore::send(v1::ClientFrame& frame, Sent sent, Time now) {
  // 0 is not an id, and after four thousand million requests one may still be in flight under its
  // number.
  do ++last_request_id_;
  while (last_request_id_ == 0 || sent_.contains(last_request_id_));
  frame.set_request_id(last_request_id_);
  sent.what = frame.body_case();
  sent_.emplace(last_request_id_, sent);
  spend_token(now);
  actions_.emplace_back(Send{frame.SerializeAsString()});
  return last_request_id_;
}

void SessionCore::protocol_failure(std::string what, Time now) {
  Loss loss;
  loss.failure = {Failure::Kind::BadFrame, {}, 0, std::move(what)};
  actions_.emplace_back(Close{protocol_error});
  lose(std::move(loss), false, Milliseconds{0}, now);
}

void SessionCore::lose(Loss loss, bool tell_peer, Milliseconds at_least, Time now) {
  if (tell_peer) actions_.emplace_back(Close{1000});
  audit_.lost();
  sent_.clear();
  in_flight_ = 0;
  greeting_deadline_.reset();
  heartbeat_at_.reset();
  stable_at_.reset();
  pump_at_.reset();
  paused_until_.reset();
  for (auto& [stream, followed] : followed_) {
    followed.asked = 0;
    followed.renewing = false;
    followed.holes = 0;
    followed.retry_at.reset();
  }

  const bool final_code = loss.close_code > retry_last && loss.close_code <= final_last;
  if (loss.final || final_code || !settings_.reconnect) {
    return become_closed(loss.close_code, std::move(loss.failure));
  }
  state_ = State::Waiting;
  requeue_after_loss(loss.failure);
  reconnect_at_ = now + std::max(at_least, backoff_.next());
  happenings_.emplace_back(Waiting{*reconnect_at_, std::move(loss.failure)});
}

void SessionCore::become_closed(std::uint32_t code, Failure why) {
  state_ = State::Closed;
  audit_.lost();
  sent_.clear();
  in_flight_ = 0;
  reconnect_at_.reset();
  greeting_deadline_.reset();
  heartbeat_at_.reset();
  stable_at_.reset();
  pump_at_.reset();
  for (auto& [stream, followed] : followed_) {
    followed.asked = 0;
    followed.renewing = false;
    followed.retry_at.reset();
  }
  fail_all(why, why.kind == Failure::Kind::Cancelled);
  closed_why_ = why;
  happenings_.emplace_back(Closed{code, std::move(why)});
}

void SessionCore::on_reply(v1::Reply& reply, Time now) {
  const auto found = sent_.find(reply.request_id());
  if (found == sent_.end()) return;  // to a query that timed out here, or to nothing: no harm
  const Sent sent = found->second;
  sent_.erase(found);
  // A reply's body has its request's name and number.
  const bool matches = static_cast<int>(reply.body_case()) == static_cast<int>(sent.what);
  if (!reply.has_refusal() && !matches) {
    if (sent.order != 0) {
      --in_flight_;
      answer(sent.order, std::unexpected(Failure{
                             Failure::Kind::BadFrame, {}, 0, "the reply is not to this request"}));
    }
    return protocol_failure("a reply that is not to its request", now);
  }
  if (sent.order != 0) {
    --in_flight_;
    return on_answer(sent.order, reply, now);
  }
  switch (sent.what) {
    case v1::ClientFrame::kHello: return on_hello(reply, now);
    case v1::ClientFrame::kAuthenticate: return on_authenticate(reply, now);
    case v1::ClientFrame::kSubscribe:
      return on_subscribe(reply.request_id(), sent.stream, reply, now);
    case v1::ClientFrame::kGetAuditConsistency:
    case v1::ClientFrame::kGetAuditKeys: return audit_.answered(sent.stream, reply);
    case v1::ClientFrame::kHeartbeat: return learn_clock(reply.heartbeat().server_time_ms(), now);
    default: return;
  }
}

void SessionCore::on_hello(v1::Reply& reply, Time now) {
  greeting_deadline_.reset();
  if (reply.has_refusal()) {
    const v1::RefusalCode code = reply.refusal().code();
    const bool transient =
        code == v1::REFUSAL_CODE_RATE_LIMITED || code == v1::REFUSAL_CODE_OVERLOADED ||
        code == v1::REFUSAL_CODE_UNAVAILABLE || code == v1::REFUSAL_CODE_INTERNAL;
    const Milliseconds wait = hint(reply.refusal().retry_after_ms());
    return lose({0, refused(std::move(*reply.mutable_refusal())), !transient}, true, wait, now);
  }
  if (reply.hello().protocol() != protocol_version) {
    return protocol_failure("the server chose a protocol version that was not offered", now);
  }
  hello_ = std::move(*reply.mutable_hello());
  learn_clock(hello_.server_time_ms(), now);
  tokens_ = hello_.limits().request_burst();
  tokens_at_ = now;
  spend_token(now);  // Hello's own
  state_ = State::Greeted;
  if (!settings_.token.empty()) return authenticate(now);
  happenings_.emplace_back(Greeted{hello_});
}

void SessionCore::authenticate(Time now) {
  state_ = State::Authenticating;
  greeting_deadline_ = now + settings_.greeting_timeout;
  v1::ClientFrame frame;
  frame.mutable_authenticate()->set_token(settings_.token);
  send(frame, {}, now);
}

void SessionCore::on_authenticate(v1::Reply& reply, Time now) {
  greeting_deadline_.reset();
  if (reply.has_refusal()) {
    const v1::RefusalCode code = reply.refusal().code();
    const bool transient =
        code == v1::REFUSAL_CODE_RATE_LIMITED || code == v1::REFUSAL_CODE_OVERLOADED ||
        code == v1::REFUSAL_CODE_UNAVAILABLE || code == v1::REFUSAL_CODE_INTERNAL;
    const Milliseconds wait = hint(reply.refusal().retry_after_ms());
    return lose({0, refused(std::move(*reply.mutable_refusal())), !transient}, true, wait, now);
  }
  const std::uint64_t before = me_.account_id();
  v1::AuthenticateReply me = std::move(*reply.mutable_authenticate());
  if (before == me.account_id()) set_site_role(me.site_role(), now);
  me_ = std::move(me);
  if (before != 0 && before != me_.account_id()) {
    // Another person: what the first one left unsent must not be said in the second one's name.
    fail_all({Failure::Kind::Cancelled, {}, 0, "another account logged in"}, false);
    followed_.clear();
  }
  state_ = State::Online;
  heartbeat_at_ = now + heartbeat_interval() * 4 / 5;
  stable_at_ = now + settings_.stable_after;
  happenings_.emplace_back(Online{hello_, me_, std::exchange(was_online_, true)});
  if (settings_.follow_account) followed_.try_emplace(Stream::account(me_.account_id()));
  for (auto& [stream, followed] : followed_) subscribe(stream, followed, now);
}

void SessionCore::beat(Time now) {
  heartbeat_at_ = now + heartbeat_interval() * 4 / 5;
  v1::ClientFrame frame;
  v1::Heartbeat& heartbeat = *frame.mutable_heartbeat();
  for (const auto& [stream, followed] : followed_) {
    if (!followed.at) continue;
    v1::Cursor& cursor = *heartbeat.add_cursors();
    *cursor.mutable_stream() = stream.proto();
    cursor.set_seq(followed.at->seq);
  }
  send(frame, {}, now);
}

}  // namespace amicale::client
