// SPDX-License-Identifier: Apache-2.0
//
// Calls: what may be sent when, what is repeated after a cut, what is tried again after a "not
// now".
#include <algorithm>
#include <utility>

#include "amicale/client/session_core.h"
#include "random.h"
#include "request.h"
#include "retry.h"

namespace amicale::client {
namespace {

constexpr std::size_t in_flight_until_told = 16;
// INTERNAL is a defect: some pass by themselves, the rest should be seen.
constexpr std::uint32_t most_internal_failures = 5;

Failure cut_off(const Failure& why) {
  return {Failure::Kind::Disconnected, {}, why.close_code, why.message};
}

struct Lane {
  std::size_t in_flight = 0;
  bool blocked = false;  // an earlier command of this lane waits
};

}  // namespace

void SessionCore::call(CallId id, v1::ClientFrame request, Time now) {
  accept(id, std::move(request), false, now);
  if (talking()) pump(now);
}

void SessionCore::accept(CallId id, v1::ClientFrame request, bool restored, Time now) {
  request.set_request_id(0);
  const RequestKind kind = kind_of(request);
  const auto reject = [&](Failure::Kind why, const char* text) {
    happenings_.emplace_back(
        Answered{id, std::move(request), std::unexpected(Failure{why, {}, 0, text})});
  };
  if (kind == RequestKind::Session || kind == RequestKind::Unknown) {
    return reject(Failure::Kind::Cancelled, "not a call");
  }
  if (state_ == State::Closed) {
    happenings_.emplace_back(Answered{id, std::move(request), std::unexpected(closed_why_)});
    return;
  }
  if (kind == RequestKind::Signal && state_ != State::Online) {
    return reject(Failure::Kind::Disconnected, "not online");
  }
  if (kind == RequestKind::Command && client_msg_id_of(request).empty()) {
    set_client_msg_id(request, message_id());
  }
  const std::size_t bytes = request.ByteSizeLong();
  if (!restored &&
      (calls_.size() >= settings_.outbox_calls || calls_bytes_ + bytes > settings_.outbox_bytes)) {
    return reject(Failure::Kind::Full, "too much waits for an answer");
  }

  const std::uint64_t order = next_order_++;
  Pending& pending = calls_[order];
  pending.id = id;
  pending.bytes = bytes;
  pending.request = std::move(request);
  order_of_[id] = order;
  calls_bytes_ += bytes;
  if (kind == RequestKind::Query || kind == RequestKind::Entry) {
    if (settings_.query_timeout.count() > 0) {
      query_deadlines_.emplace_back(now + settings_.query_timeout, order);
    }
  }
  if (settings_.outbox_store != nullptr && may_be_stored(pending.request)) {
    pending.stored = true;
    if (!restored) settings_.outbox_store->put(client_msg_id_of(pending.request), pending.request);
  }
  if (pending.request.has_post_message()) {
    happenings_.emplace_back(
        Posting{id, pending.request.post_message(), me_.account_id(), unix_ms(now)});
  }
}

bool SessionCore::cancel(CallId call, Time now) {
  const auto found = order_of_.find(call);
  if (found == order_of_.end()) return false;
  answer(found->second, std::unexpected(Failure{Failure::Kind::Cancelled, {}, 0, "cancelled"}));
  if (talking()) pump(now);
  return true;
}

void SessionCore::pump(Time now) {
  pump_at_.reset();
  const auto later = [this](Time at) {
    if (!pump_at_ || at < *pump_at_) pump_at_ = at;
  };
  if (paused_until_) {
    if (now < *paused_until_) return later(*paused_until_);
    paused_until_.reset();
  }
  const std::size_t told = hello_.limits().requests_in_flight();
  const std::size_t window = told == 0 ? in_flight_until_told : told;
  const bool greeted = talking() && state_ != State::Greeting;
  const double per_second = hello_.limits().requests_per_second();

  std::map<Stream, Lane> lanes;
  for (auto next = calls_.begin(); next != calls_.end() && in_flight_ < window;) {
    const auto entry = next++;
    Pending& pending = entry->second;
    const RequestKind kind = kind_of(pending.request);
    Lane* lane = kind == RequestKind::Command ? &lanes[lane_of(pending.request)] : nullptr;
    if (pending.in_flight) {
      if (lane != nullptr) ++lane->in_flight;
      continue;
    }
    if (lane != nullptr && (lane->blocked || lane->in_flight >= settings_.lane_window)) {
      lane->blocked = true;
      continue;
    }
    const bool allowed = kind == RequestKind::Entry ? greeted : state_ == State::Online;
    const bool waits = pending.retry_at && now < *pending.retry_at;
    if (!allowed || waits) {
      if (waits) later(*pending.retry_at);
      if (lane != nullptr) lane->blocked = true;
      continue;
    }
    const std::uint32_t most = hello_.limits().frame_bytes();
    // The request_id's field adds at most six bytes.
    if (most != 0 && pending.bytes + 6 > most) {
      answer(entry->first, std::unexpected(Failure{
                               Failure::Kind::TooLarge, {}, 0, "larger than the server accepts"}));
      continue;
    }
    const bool may_send = spend_token(now) || per_second == 0;
    tokens_ += 1;  // a question only: send() is who spends
    if (!may_send) {
      const double seconds = (1 - tokens_) / per_second;
      return later(now + Milliseconds{static_cast<std::int64_t>(seconds * 1000) + 1});
    }
    pending.in_flight = true;
    pending.retry_at.reset();
    ++in_flight_;
    if (lane != nullptr) ++lane->in_flight;
    send(pending.request, {v1::ClientFrame::BODY_NOT_SET, {}, entry->first}, now);
  }
}

bool SessionCore::spend_token(Time now) {
  const double per_second = hello_.limits().requests_per_second();
  const double depth = std::max(1.0, static_cast<double>(hello_.limits().request_burst()));
  tokens_ += std::chrono::duration<double>(now - tokens_at_).count() * per_second;
  tokens_ = std::min(tokens_, depth);
  tokens_at_ = now;
  const bool had = tokens_ >= 1;
  tokens_ -= 1;
  return had;
}

void SessionCore::on_answer(std::uint64_t order, v1::Reply& reply, Time now) {
  const auto found = calls_.find(order);
  if (found == calls_.end()) return;  // cancelled or timed out
  Pending& pending = found->second;
  pending.in_flight = false;

  if (!reply.has_refusal()) {
    const std::string token = reply.has_login()       ? reply.login().token()
                              : reply.has_register_() ? reply.register_().token()
                                                      : std::string();
    if (settings_.audit && reply.has_get_audit_proof() && reply.get_audit_proof().has_head()) {
      const auto& head = reply.get_audit_proof().head();
      const Stream asked = Stream::from(pending.request.get_audit_proof().stream());
      if (Stream::from(head.stream()) == asked) audit_.take_from_proof(head);
    }
    answer(order, std::move(reply));
    if (!token.empty() && state_ == State::Greeted) set_token(token, now);
    return;
  }

  const v1::Refusal& refusal = reply.refusal();
  const RequestKind kind = kind_of(pending.request);
  const bool repeatable = kind == RequestKind::Command || kind == RequestKind::Query;
  bool again = false;
  switch (refusal.code()) {
    case v1::REFUSAL_CODE_UNAVAILABLE:
    case v1::REFUSAL_CODE_OVERLOADED: again = repeatable; break;
    case v1::REFUSAL_CODE_RATE_LIMITED:
      again = repeatable && refusal.retry_after_ms() > 0;  // 0: waiting does not help
      break;
    case v1::REFUSAL_CODE_INTERNAL:
      again = repeatable && pending.failures < most_internal_failures;
      break;
    default: break;
  }
  if (!again) {
    std::string message = refusal.message();
    Failure failure{Failure::Kind::Refused, std::move(*reply.mutable_refusal()), 0,
                    std::move(message)};
    return answer(order, std::unexpected(std::move(failure)));
  }
  const Milliseconds ceiling = retry_ceiling(pending.failures);
  ++pending.failures;
  pending.retry_at = now + Milliseconds{refusal.retry_after_ms()} + backoff_.jitter(ceiling);
  // A command holds up its own lane. Anything else was over the connection's own measure, so
  // everything waits: a client that keeps sending is closed with ABUSE.
  const bool busy = refusal.code() == v1::REFUSAL_CODE_RATE_LIMITED ||
                    refusal.code() == v1::REFUSAL_CODE_OVERLOADED;
  if (busy && kind == RequestKind::Query) paused_until_ = *pending.retry_at;
}

void SessionCore::answer(std::uint64_t order, Result<v1::Reply> result) {
  const auto found = calls_.find(order);
  if (found == calls_.end()) return;
  Pending pending = std::move(found->second);
  calls_.erase(found);
  order_of_.erase(pending.id);
  calls_bytes_ -= pending.bytes;
  if (pending.stored) settings_.outbox_store->remove(client_msg_id_of(pending.request));
  pending.request.set_request_id(0);
  if (result) result->set_request_id(0);
  happenings_.emplace_back(Answered{pending.id, std::move(pending.request), std::move(result)});
}

void SessionCore::expire_queries(Time now) {
  while (!query_deadlines_.empty() && (now >= query_deadlines_.front().first ||
                                       !calls_.contains(query_deadlines_.front().second))) {
    const std::uint64_t order = query_deadlines_.front().second;
    query_deadlines_.pop_front();
    answer(order, std::unexpected(Failure{Failure::Kind::TimedOut, {}, 0, "no answer in time"}));
  }
}

void SessionCore::requeue_after_loss(const Failure& why) {
  for (auto next = calls_.begin(); next != calls_.end();) {
    const auto entry = next++;
    Pending& pending = entry->second;
    const RequestKind kind = kind_of(pending.request);
    const bool repeatable = kind == RequestKind::Command || kind == RequestKind::Query;
    // A login that waited for this very attempt is not kept: whoever typed it waits for a word.
    if (kind == RequestKind::Entry || (!repeatable && pending.in_flight)) {
      answer(entry->first, std::unexpected(cut_off(why)));
      continue;
    }
    pending.in_flight = false;
  }
}

void SessionCore::fail_all(const Failure& why, bool keep_stored) {
  while (!calls_.empty()) {
    Pending& pending = calls_.begin()->second;
    if (keep_stored) pending.stored = false;
    answer(calls_.begin()->first, std::unexpected(why));
  }
  query_deadlines_.clear();
}

std::string SessionCore::message_id() {
  if (settings_.new_message_id) return settings_.new_message_id();
  std::string id(16, '\0');
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t word = split_mix(message_id_state_);
    for (std::size_t i = 0; i < 8; ++i) id[half * 8 + i] = static_cast<char>(word >> (8 * i));
  }
  return id;
}

}  // namespace amicale::client
