// SPDX-License-Identifier: Apache-2.0
//
// Followed streams: each has one cursor, and this file is its arithmetic.
#include <algorithm>
#include <utility>

#include "amicale/client/session_core.h"
#include "retry.h"

namespace amicale::client {
namespace {

// A server that shows a hole again right after each repair will not stop: give the connection up.
constexpr std::uint32_t most_holes_in_a_row = 3;

// Seqs ascend strictly within (after, through].
bool well_formed(const v1::StreamBatch& batch) {
  if (batch.after_seq() > batch.through_seq()) return false;
  std::uint64_t last = batch.after_seq();
  for (const v1::Event& event : batch.events()) {
    if (event.seq() <= last || event.seq() > batch.through_seq()) return false;
    last = event.seq();
  }
  return true;
}

}  // namespace

void SessionCore::follow(Stream stream, std::optional<Position> from, Time now) {
  const auto [place, fresh] = followed_.try_emplace(stream);
  if (!fresh) return;
  place->second.at = from;
  if (state_ == State::Online) subscribe(stream, place->second, now);
}

void SessionCore::unfollow(Stream stream, Time now) {
  if (followed_.erase(stream) == 0 || state_ != State::Online) return;
  v1::ClientFrame frame;
  *frame.mutable_unsubscribe()->mutable_stream() = stream.proto();
  send(frame, {}, now);
}

std::optional<Position> SessionCore::position(Stream stream) const {
  const auto found = followed_.find(stream);
  return found == followed_.end() ? std::nullopt : found->second.at;
}

std::vector<Stream> SessionCore::followed() const {
  std::vector<Stream> out;
  out.reserve(followed_.size());
  for (const auto& [stream, followed] : followed_) out.push_back(stream);
  return out;
}

void SessionCore::subscribe(Stream stream, Followed& followed, Time now) {
  followed.retry_at.reset();
  v1::ClientFrame frame;
  v1::Subscribe& subscribe = *frame.mutable_subscribe();
  *subscribe.mutable_stream() = stream.proto();
  if (followed.at) {
    subscribe.set_epoch(followed.at->epoch);
    subscribe.set_after_seq(followed.at->seq);
  }
  followed.asked = send(frame, {v1::ClientFrame::BODY_NOT_SET, stream, 0}, now);
}

void SessionCore::on_subscribe(std::uint32_t request_id, Stream stream, v1::Reply& reply,
                               Time now) {
  const auto found = followed_.find(stream);
  if (found == followed_.end()) return;  // unfollowed meanwhile
  Followed& followed = found->second;
  if (followed.asked != request_id)
    return;  // unfollowed and followed again: the later answer counts
  followed.asked = 0;

  if (reply.has_refusal()) {
    if (!worth_another_try(reply.refusal().code())) {
      happenings_.emplace_back(FollowRefused{stream, std::move(*reply.mutable_refusal())});
      followed_.erase(found);
      return;
    }
    const Milliseconds ceiling = retry_ceiling(followed.failures);
    ++followed.failures;
    followed.retry_at =
        now + Milliseconds{reply.refusal().retry_after_ms()} + backoff_.jitter(ceiling);
    return;
  }

  followed.failures = 0;
  v1::SubscribeReply& answer = *reply.mutable_subscribe();
  const std::uint64_t epoch = answer.epoch() != 0 ? answer.epoch() : hello_.epoch();
  if (answer.has_audit_head() && Stream::from(answer.audit_head().stream()) == stream) {
    take_audit_head(answer.audit_head());
  }
  v1::SubscribeOutcome outcome = answer.outcome();
  v1::GapReason reason = answer.gap().reason();
  const bool resumed =
      outcome == v1::SUBSCRIBE_OUTCOME_CAUGHT_UP || outcome == v1::SUBSCRIBE_OUTCOME_REPLAYING;
  if (resumed && followed.at && followed.at->epoch != epoch) {
    // The cursor belongs to another history, whatever the server made of it.
    outcome = v1::SUBSCRIBE_OUTCOME_GAP;
    reason = v1::GAP_REASON_EPOCH;
  }

  switch (outcome) {
    case v1::SUBSCRIBE_OUTCOME_SNAPSHOT: {
      if (!answer.has_snapshot()) return protocol_failure("a snapshot without its state", now);
      followed.at = Position{epoch, answer.snapshot().seq()};
      happenings_.emplace_back(Resynced{stream, *followed.at, std::move(*answer.mutable_snapshot()),
                                        std::exchange(followed.gap, std::nullopt)});
      return;
    }
    case v1::SUBSCRIBE_OUTCOME_CAUGHT_UP:
    case v1::SUBSCRIBE_OUTCOME_REPLAYING: {
      if (!followed.at) return protocol_failure("a resume that was not asked for", now);
      const bool caught_up = outcome == v1::SUBSCRIBE_OUTCOME_CAUGHT_UP;
      happenings_.emplace_back(
          Resumed{stream, *followed.at, caught_up ? followed.at->seq : answer.replay_to()});
      return;
    }
    case v1::SUBSCRIBE_OUTCOME_GAP: {
      if (!followed.at) return protocol_failure("a gap where no cursor was given", now);
      followed.gap = reason;
      followed.at.reset();
      return subscribe(stream, followed, now);
    }
    default: return protocol_failure("an outcome of Subscribe that protocol 1 does not have", now);
  }
}

void SessionCore::on_batch(v1::StreamBatch& batch, Time now) {
  if (!well_formed(batch)) return protocol_failure("a batch whose seqs are out of order", now);
  const Stream stream = Stream::from(batch.stream());
  const auto found = followed_.find(stream);
  // Not followed any more, or its snapshot is still on the way: nothing to place it against.
  if (found == followed_.end() || !found->second.at) return;
  Followed& followed = found->second;
  Position& at = *followed.at;

  if (batch.after_seq() > at.seq) {
    if (followed.asked != 0) return;  // being repaired; what was sent before the repair is skipped
    if (++followed.holes > most_holes_in_a_row) {
      return protocol_failure("a stream with a hole that does not close", now);
    }
    return subscribe(stream, followed, now);
  }

  if (batch.through_seq() > at.seq) {
    Batch out{stream, {at.epoch, batch.through_seq()}, {}};
    out.events.reserve(static_cast<std::size_t>(batch.events_size()));
    for (v1::Event& event : *batch.mutable_events()) {
      if (event.seq() > at.seq) out.events.push_back(std::move(event));
    }
    at.seq = batch.through_seq();
    followed.holes = 0;
    happenings_.emplace_back(std::move(out));
  }
  if (batch.ended()) {
    followed_.erase(found);
    happenings_.emplace_back(Ended{stream});
  }
}

}  // namespace amicale::client
