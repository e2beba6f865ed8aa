// SPDX-License-Identifier: Apache-2.0
//
// Followed streams: each has one cursor, and this file is its arithmetic.
#include <algorithm>
#include <iterator>
#include <utility>

#include "amicale/client/session_core.h"
#include "retry.h"

namespace amicale::client {
namespace {

// A server that shows a hole again right after each repair will not stop: give the connection up.
constexpr std::uint32_t most_holes_in_a_row = 3;
// A room opens to all of its new readers at once: they ask for it in the course of this.
constexpr Milliseconds renewal_spread{1000};

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

bool is_site_staff(v1::SiteRole role) {
  return role == v1::SITE_ROLE_STAFF || role == v1::SITE_ROLE_OWNER;
}

bool reads(const v1::Room& room, v1::ClubRole role) {
  return room.access() != v1::ROOM_ACCESS_ROLES || role == v1::CLUB_ROLE_SUPERVISOR ||
         std::count(room.roles().begin(), room.roles().end(), role) != 0;
}

std::set<std::uint64_t> rooms_of(const v1::Snapshot& snapshot) {
  std::set<std::uint64_t> rooms;
  for (const v1::Room& room : snapshot.club().rooms()) rooms.insert(room.room_id());
  return rooms;
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

bool SessionCore::renews(Stream stream) const {
  const auto found = followed_.find(stream);
  return found != followed_.end() && found->second.renew;
}

void SessionCore::subscribe(Stream stream, Followed& followed, Time now) {
  followed.retry_at.reset();
  followed.renewing = followed.at && followed.renew;
  v1::ClientFrame frame;
  v1::Subscribe& subscribe = *frame.mutable_subscribe();
  *subscribe.mutable_stream() = stream.proto();
  if (followed.at && !followed.renewing) {
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
  const bool renewing = std::exchange(followed.renewing, false);

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
      return on_snapshot(stream, followed, epoch, *answer.mutable_snapshot(), now);
    }
    case v1::SUBSCRIBE_OUTCOME_CAUGHT_UP:
    case v1::SUBSCRIBE_OUTCOME_REPLAYING: {
      if (!followed.at || renewing) return protocol_failure("a resume that was not asked for", now);
      const bool caught_up = outcome == v1::SUBSCRIBE_OUTCOME_CAUGHT_UP;
      happenings_.emplace_back(
          Resumed{stream, *followed.at, caught_up ? followed.at->seq : answer.replay_to()});
      return;
    }
    case v1::SUBSCRIBE_OUTCOME_GAP: {
      if (!followed.at || renewing) return protocol_failure("a gap where no cursor was given", now);
      followed.gap = reason;
      followed.at.reset();
      return subscribe(stream, followed, now);
    }
    default: return protocol_failure("an outcome of Subscribe that protocol 1 does not have", now);
  }
}

void SessionCore::on_snapshot(Stream stream, Followed& followed, std::uint64_t epoch,
                              v1::Snapshot& snapshot, Time now) {
  const std::uint64_t seq = snapshot.seq();
  const v1::ClubRole role = reading_role(snapshot.club().me());
  const std::set<std::uint64_t> held = std::exchange(followed.rooms, rooms_of(snapshot));
  followed.renew = false;
  if (followed.at && followed.at->epoch == epoch && followed.at->seq <= seq) {
    // Told beside the events, whose role it is until they say otherwise.
    if (!followed.role) followed.role = role;
    Renewed renewed{stream, seq, std::move(snapshot), {}};
    std::set_intersection(held.begin(), held.end(), followed.rooms.begin(), followed.rooms.end(),
                          std::inserter(renewed.held, renewed.held.end()));
    happenings_.emplace_back(std::move(renewed));
    // What lies between is still to be told.
    if (followed.at->seq < seq) subscribe(stream, followed, now);
    return;
  }
  if (followed.at) {  // the log went back while this was asked for
    followed.gap = followed.at->epoch == epoch ? v1::GAP_REASON_AHEAD : v1::GAP_REASON_EPOCH;
  }
  followed.at = Position{epoch, seq};
  followed.role = role;
  happenings_.emplace_back(Resynced{stream, *followed.at, std::move(snapshot),
                                    std::exchange(followed.gap, std::nullopt)});
}

// The role by which this account reads a club of which it is such a member.
v1::ClubRole SessionCore::reading_role(const v1::Member& me) const {
  if (is_site_staff(me_.site_role())) return v1::CLUB_ROLE_SUPERVISOR;
  const bool may =
      me.status() == v1::MEMBER_STATUS_ACTIVE || me.status() == v1::MEMBER_STATUS_PAUSED;
  return may ? me.role() : v1::CLUB_ROLE_UNSPECIFIED;
}

// Whether an event of a club opens a room, or may have.
void SessionCore::watch(Followed& followed, const v1::Event& event) const {
  if (event.has_room_created()) {
    followed.rooms.insert(event.room_created().room().room_id());
  } else if (event.has_room_changed()) {
    const v1::Room& room = event.room_changed().room();
    if (followed.role && !reads(room, *followed.role))
      followed.rooms.erase(room.room_id());
    else if (!followed.role || !followed.rooms.contains(room.room_id()))
      followed.renew = true;
  } else if (event.has_member_changed() &&
             event.member_changed().member().account_id() == me_.account_id()) {
    const v1::ClubRole role = reading_role(event.member_changed().member());
    if (followed.role == role) return;
    followed.role = role;
    followed.rooms.clear();
    followed.renew = role != v1::CLUB_ROLE_UNSPECIFIED;
  }
}

void SessionCore::renew_soon(Followed& followed, Time now) {
  if (followed.renewing || followed.retry_at) return;
  followed.retry_at = now + backoff_.jitter(renewal_spread);
}

// Site staff read everything: whoever becomes one, or is one no longer, reads every club by another role.
void SessionCore::set_site_role(v1::SiteRole role, Time now) {
  const bool was = is_site_staff(me_.site_role());
  me_.set_site_role(role);
  if (is_site_staff(role) == was) return;
  for (auto& [stream, followed] : followed_) {
    if (stream.kind != v1::STREAM_KIND_CLUB || !followed.at) continue;
    followed.role.reset();
    followed.rooms.clear();
    followed.renew = true;
    if (state_ == State::Online) renew_soon(followed, now);
  }
}

void SessionCore::on_batch(v1::StreamBatch& batch, Time now) {
  if (!well_formed(batch)) return protocol_failure("a batch whose seqs are out of order", now);
  const Stream stream = Stream::from(batch.stream());
  const auto found = followed_.find(stream);
  // Not followed any more, or its snapshot is still on the way: nothing to place it against.
  if (found == followed_.end() || !found->second.at) return;
  Followed& followed = found->second;
  // The state that is on its way must not be older than what was told: these come again after it.
  if (followed.renewing) return;
  Position& at = *followed.at;

  if (batch.after_seq() > at.seq) {
    if (followed.asked != 0) return;  // being repaired; what was sent before the repair is skipped
    if (++followed.holes > most_holes_in_a_row) {
      return protocol_failure("a stream with a hole that does not close", now);
    }
    return subscribe(stream, followed, now);
  }

  std::optional<v1::SiteRole> site_role;
  if (batch.through_seq() > at.seq) {
    Batch out{stream, {at.epoch, batch.through_seq()}, {}};
    out.events.reserve(static_cast<std::size_t>(batch.events_size()));
    for (v1::Event& event : *batch.mutable_events()) {
      if (event.seq() <= at.seq) continue;
      if (stream.kind == v1::STREAM_KIND_CLUB) watch(followed, event);
      out.events.push_back(std::move(event));
    }
    at.seq = batch.through_seq();
    followed.holes = 0;
    if (stream == Stream::account(me_.account_id())) {
      for (const v1::Event& event : out.events) {
        if (event.has_profile_changed()) site_role = event.profile_changed().site_role();
      }
    }
    happenings_.emplace_back(std::move(out));
  }
  if (batch.ended()) {
    followed_.erase(found);
    happenings_.emplace_back(Ended{stream});
    return;
  }
  if (followed.renew) renew_soon(followed, now);
  if (site_role) set_site_role(*site_role, now);
}

}  // namespace amicale::client
