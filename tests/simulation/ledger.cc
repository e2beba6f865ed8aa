// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/ledger.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "client-sdk/cpp/src/request.h"

namespace amicale::simulation {
namespace {

using google::protobuf::util::MessageDifferencer;

bool has(uint16_t roles, v1::ClubRole role) {
  return role != v1::CLUB_ROLE_UNSPECIFIED && (roles >> static_cast<unsigned>(role) & 1) != 0;
}

std::string text(uint64_t number) { return std::to_string(number); }

// The message without what pages and folds may write differently: an absent and an empty Mentions are one.
v1::Message plain(v1::Message message) {
  if (message.has_mentions() && message.mentions().ByteSizeLong() == 0) message.clear_mentions();
  return message;
}

bool same(const v1::Message& a, const v1::Message& b) {
  return MessageDifferencer::Equals(plain(a), plain(b));
}

// Which stream an answer's `Committed` belongs to, if the request has one.
const v1::Committed* committed_of(const v1::Reply& reply) {
  switch (reply.body_case()) {
    case v1::Reply::kChangePassword: return &reply.change_password();
    case v1::Reply::kChangeProfile: return &reply.change_profile();
    case v1::Reply::kRevokeToken: return &reply.revoke_token();
    case v1::Reply::kMarkRead: return &reply.mark_read();
    case v1::Reply::kSetLevel: return &reply.set_level();
    case v1::Reply::kChangeClub: return &reply.change_club();
    case v1::Reply::kCreateRoom: return &reply.create_room();
    case v1::Reply::kChangeRoom: return &reply.change_room();
    case v1::Reply::kRevokeInvitation: return &reply.revoke_invitation();
    case v1::Reply::kSetRole: return &reply.set_role();
    case v1::Reply::kSetMemberStatus: return &reply.set_member_status();
    case v1::Reply::kPostMessage: return &reply.post_message();
    case v1::Reply::kEditMessage: return &reply.edit_message();
    case v1::Reply::kDeleteMessage: return &reply.delete_message();
    case v1::Reply::kReact: return &reply.react();
    case v1::Reply::kRestoreMessage: return &reply.restore_message();
    case v1::Reply::kLockMessage: return &reply.lock_message();
    case v1::Reply::kPinMessage: return &reply.pin_message();
    case v1::Reply::kOpenDirect: return &reply.open_direct();
    case v1::Reply::kAnswerDirect: return &reply.answer_direct();
    case v1::Reply::kBlockDirect: return &reply.block_direct();
    case v1::Reply::kImposeSanction: return &reply.impose_sanction();
    case v1::Reply::kLiftSanction: return &reply.lift_sanction();
    case v1::Reply::kDecideProposal: return &reply.decide_proposal();
    default: return nullptr;
  }
}

}  // namespace

std::string name(Stream stream) { return stream.text(); }

void Ledger::fail(const std::string& promise, std::string what) {
  if (violation_ || (!only_.empty() && promise != only_)) return;
  violation_ = {promise, std::move(what)};
}

// --- The disk

void Ledger::wrote(const storage::View& view, const std::set<Stream>& streams) {
  for (const Stream stream : streams) read(view, stream);
}

void Ledger::read(const storage::View& view, Stream stream) {
  const uint64_t first = truth.read(view, stream);
  for (uint64_t seq = first; seq <= truth.head(stream); ++seq) {
    check_entry(stream, truth.at(stream, seq));
    if (truth.at(stream, seq).event.has_message_deleted())
      check_deleted(view, stream, truth.at(stream, seq).event);
  }
}

void Ledger::check_entry(Stream stream, const Entry& entry) {
  ++checks;
  const v1::Event& event = entry.event;
  const std::string where = name(stream) + " seq " + text(event.seq());
  if (event.seq() > 1 && event.time_ms() < truth.at(stream, event.seq() - 1).event.time_ms())
    fail("I24", where + ": time went back");
  if (event.has_message_posted() && !event.client_msg_id().empty()) {
    const Command command{stream, event.actor(), event.client_msg_id()};
    const auto [known, fresh] = effects_.emplace(command, event.seq());
    if (!fresh) fail("I4", where + ": posts again what seq " + text(known->second) + " posted");
  }
  // Who hears of a message is who reads its room.
  if (stream.kind != v1::STREAM_KIND_CLUB) return;
  check_held(stream, event);
  const auto about = Truth::message_of(event);
  if (about && entry.roles != truth.readers(stream, about->first, event.seq()))
    fail("I7", where + ": its audience is not the readers of room " + text(about->first));
}

// Coming and going stays open to everybody; the site's owner stands above every sanction.
void Ledger::check_held(Stream stream, const v1::Event& event) {
  if (event.actor() == 0 || truth.staff.contains(event.actor()) || event.has_invitation_used())
    return;
  if (event.has_member_changed() && event.member_changed().member().account_id() == event.actor()) {
    const auto& after = event.member_changed().member();
    const auto before = truth.member(stream, event.actor(), event.seq() - 1);
    if (!before || before->status() != after.status()) return;
    // Said with a reason, it is told twice in one commit: to the committee with it, to the others without.
    const v1::Event& last = truth.at(stream, event.seq() - 1).event;
    const bool again =
        last.has_member_changed() && !last.member_changed().reason().empty() &&
        last.client_msg_id() == event.client_msg_id() &&
        last.member_changed().member().SerializeAsString() == after.SerializeAsString();
    if (again) return;
  }
  uint64_t room = 0;
  if (const auto about = Truth::message_of(event)) room = about->first;
  if (event.has_room_changed()) room = event.room_changed().room().room_id();
  const auto hold = truth.hold(stream, event.actor(), room, event.seq(), event.time_ms());
  if (hold)
    fail("I12", name(stream) + " seq " + text(event.seq()) + ": account " + text(event.actor()) +
                    " does this under sanction " + text(hold->sanction) + " of seq " +
                    text(hold->seq));
}

// The words that a deleted message ever had are out of the log.
void Ledger::check_deleted(const storage::View& view, Stream stream, const v1::Event& deletion) {
  const auto about = Truth::message_of(deletion);
  for (uint64_t seq = 1; seq < deletion.seq(); ++seq) {
    Entry& entry = truth.at(stream, seq);
    const bool says = entry.event.has_message_posted() || entry.event.has_message_edited() ||
                      entry.event.has_message_restored();
    if (!says || Truth::message_of(entry.event) != about) continue;
    const auto now = Truth::stored(view, stream, seq);
    if (!now) return fail("I1", name(stream) + " seq " + text(seq) + ": gone");
    if (!now->event.message_posted().body().empty() ||
        !now->event.message_edited().body().empty() ||
        !now->event.message_restored().body().empty())
      fail("I11", name(stream) + " seq " + text(seq) + ": still says what was deleted");
    entry.redacted = now->sent;
  }
}

void Ledger::reopened(const storage::View& view) {
  for (const Stream stream : truth.streams()) {
    const uint64_t promised = promised_[stream];
    uint64_t kept = truth.head(stream);
    for (uint64_t seq = 1; seq <= kept; ++seq) {
      ++checks;
      const auto now = Truth::stored(view, stream, seq);
      const Entry& then = truth.at(stream, seq);
      const std::string where = name(stream) + " seq " + text(seq);
      if (!now) {
        if (seq <= promised) return fail("I1", where + ": was acknowledged or shown, and is lost");
        kept = seq - 1;
        break;
      }
      if (now->sent != then.sent && now->sent != then.redacted) {
        // A deletion that survived without having been seen takes words away as well.
        auto bare = then.event;
        bare.mutable_message_posted()->clear_body();
        if (now->event.has_message_posted() && now->event.message_posted().body().empty()) continue;
        if (now->event.has_message_edited() && now->event.message_edited().body().empty()) continue;
        if (now->event.has_message_restored() && now->event.message_restored().body().empty())
          continue;
        if (seq <= promised) return fail("I1", where + ": was shown, and is another event now");
        kept = seq - 1;
        break;
      }
    }
    if (kept < truth.head(stream)) {
      truth.cut(stream, kept);
      std::erase_if(effects_, [&](const auto& effect) {
        return std::get<0>(effect.first) == stream && effect.second > kept;
      });
    }
  }
  for (const auto partition : view.partitions()) read(view, {partition.kind, partition.id});
}

void Ledger::promise(Stream stream, uint64_t seq) {
  uint64_t& promised = promised_[stream];
  promised = std::max(promised, seq);
}

// --- The wire

bool Ledger::is_revoked(uint64_t account, uint64_t token) const {
  return revoked_ms_.contains({account, token});
}

void Ledger::received(uint64_t connection, const v1::ClientFrame& frame) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Connection& from = found->second;
  Asked asked{frame, from.account != 0 && is_revoked(from.account, from.token), {}, 0};
  if (frame.has_get_history()) asked.promised = promised_;
  if (frame.has_list_members())
    asked.head = truth.head(Stream::club(frame.list_members().club_id()));
  from.asked[frame.request_id()] = std::move(asked);
}

void Ledger::sent(uint64_t connection, const v1::ServerFrame& frame) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  Connection& to = found->second;
  for (const auto& reply : frame.replies()) check_reply(to, reply);
  for (const auto& batch : frame.batches()) check_batch(to, batch);
  for (const auto& signal : frame.signals()) {
    const Stream stream =
        Stream::from(signal.has_typing() ? signal.typing().stream() : signal.presence().stream());
    if (!to.followed.contains(stream))
      return fail("I7", "account " + text(to.account) + " gets a signal of " + name(stream) +
                            ", which it does not follow");
    // What was told while they read the room may reach a slow reader later.
    if (signal.has_typing() && stream.kind == v1::STREAM_KIND_CLUB &&
        !truth.read_ever(stream, signal.typing().room_id(), to.account, to.followed[stream].since,
                         truth.head(stream)))
      fail("I7", "account " + text(to.account) + " hears who types in room " +
                     text(signal.typing().room_id()) + " of " + name(stream));
  }
}

void Ledger::check_reply(Connection& connection, const v1::Reply& reply) {
  ++checks;
  const auto found = connection.asked.find(reply.request_id());
  if (found == connection.asked.end())
    return fail("I5", "an answer to request " + text(reply.request_id()) + ", which nobody made");
  const Asked asked = std::move(found->second);
  connection.asked.erase(found);
  if (reply.has_refusal()) return;
  if (asked.revoked)
    fail("I8", "account " + text(connection.account) + ": a request of revoked device " +
                   text(connection.token) + " was done");
  if (reply.has_authenticate()) {
    connection.account = reply.authenticate().account_id();
    connection.token = reply.authenticate().token_id();
    if (is_revoked(connection.account, connection.token))
      fail("I8", "account " + text(connection.account) + ": revoked device " +
                     text(connection.token) + " is let in");
  } else if (reply.has_logout()) {
    revoked_ms_.try_emplace({connection.account, connection.token}, clock_.steady_ms());
  } else if (reply.has_subscribe()) {
    check_subscribed(connection, asked, reply.subscribe());
  } else if (reply.has_unsubscribe()) {
    connection.followed.erase(Stream::from(asked.frame.unsubscribe().stream()));
  } else if (reply.has_get_history()) {
    check_history(connection, asked, reply.get_history());
  } else if (reply.has_list_members()) {
    const Stream club = Stream::club(asked.frame.list_members().club_id());
    if (truth.was_out(club, connection.account, 0, asked.head) &&
        !truth.may_follow(club, connection.account, asked.head) &&
        !truth.may_follow(club, connection.account, truth.head(club)))
      fail("I7", "account " + text(connection.account) + " lists the members of " + name(club));
  } else if (const auto* committed = committed_of(reply)) {
    check_committed(connection, asked, *committed);
  }
}

void Ledger::check_committed(const Connection& connection, const Asked& asked,
                             const v1::Committed& committed) {
  const Stream stream = Stream::from(committed.stream());
  const std::string& id = client::client_msg_id_of(asked.frame);
  const std::string who = "account " + text(connection.account) + ": ";
  // The first answer stands for ever.
  const Command command{stream, connection.account, id};
  const auto [known, fresh] = answers_.try_emplace(command, committed);
  const v1::Committed& first = known->second;
  if (fresh || first.first_seq() == 0) {
    known->second = committed;
  } else if (committed.first_seq() != first.first_seq() ||
             committed.last_seq() != first.last_seq() ||
             committed.object_id() != first.object_id() || !committed.repeated()) {
    fail("I4", who + "a repeat is answered with " + name(stream) + " seq " +
                   text(committed.first_seq()) + ", at first it was " + text(first.first_seq()));
  }
  if (committed.first_seq() != 0) {
    promise(stream, committed.last_seq());
    if (committed.last_seq() > truth.head(stream))
      return fail("I1", who + name(stream) + " seq " + text(committed.last_seq()) +
                            " is acknowledged and not durable");
    for (uint64_t seq = committed.first_seq(); seq <= committed.last_seq(); ++seq) {
      const v1::Event& event = truth.at(stream, seq).event;
      if (event.actor() != connection.account || event.client_msg_id() != id)
        return fail("I1", who + name(stream) + " seq " + text(seq) +
                              " is acknowledged as theirs and is somebody else's");
      if (asked.frame.has_post_message() &&
          event.message_posted().body() != asked.frame.post_message().body() &&
          truth.at(stream, seq).redacted.empty() && !event.message_posted().body().empty())
        fail("I1", who + name(stream) + " seq " + text(seq) + " is not what was posted");
      if (event.has_token_revoked())
        revoked_ms_.try_emplace({stream.id, event.token_revoked().token_id()}, clock_.steady_ms());
    }
  }
}

void Ledger::check_subscribed(Connection& connection, const Asked& asked,
                              const v1::SubscribeReply& reply) {
  const Stream stream = Stream::from(asked.frame.subscribe().stream());
  const std::string who = "account " + text(connection.account) + " follows " + name(stream);
  connection.followed.erase(stream);
  if (reply.outcome() == v1::SUBSCRIBE_OUTCOME_GAP) {
    // Nothing was lost and no epoch was drawn: a cursor that was given out is always honoured.
    if (asked.frame.subscribe().after_seq() <= promised_[stream])
      fail("I5", who + ": a cursor that was given out is not honoured");
    return;
  }
  if (!truth.may_follow(stream, connection.account, reply.head_seq()) &&
      !truth.may_follow(stream, connection.account, truth.head(stream)))
    fail("I7", who + " without a right to");
  Followed& followed = connection.followed[stream];
  followed.head = reply.head_seq();
  followed.told = reply.outcome() == v1::SUBSCRIBE_OUTCOME_SNAPSHOT
                      ? reply.snapshot().seq()
                      : asked.frame.subscribe().after_seq();
  followed.since = followed.told;
  promise(stream, reply.head_seq());
  if (reply.head_seq() > truth.head(stream))
    return fail("I1", who + " up to a head that is not durable");
  if (reply.outcome() == v1::SUBSCRIBE_OUTCOME_SNAPSHOT)
    check_snapshot(connection, stream, reply.snapshot());
}

void Ledger::check_snapshot(const Connection& connection, Stream stream,
                            const v1::Snapshot& snapshot) {
  ++checks;
  const std::string what = "snapshot of " + name(stream) + " at " + text(snapshot.seq()) +
                           " for account " + text(connection.account);
  if (snapshot.seq() > truth.head(stream)) return fail("I1", what + ": beyond what is durable");
  if (!snapshot.has_club()) return;
  const auto role = truth.reader(stream, connection.account, snapshot.seq());
  if (role == v1::CLUB_ROLE_UNSPECIFIED) return fail("I7", what + ": is not theirs to read");
  std::map<uint64_t, v1::Room> rooms;
  for (const auto& [id, room] : truth.rooms(stream, snapshot.seq())) {
    if (has(Truth::readers(room), role)) rooms.emplace(id, room);
  }
  for (const auto& room : snapshot.club().rooms()) {
    const auto found = rooms.find(room.room_id());
    if (found == rooms.end()) return fail("I7", what + ": has a room that is not for them");
    if (!MessageDifferencer::Equals(found->second, room))
      return fail("I6", what + ": room " + text(room.room_id()) + " is not what the log says");
  }
  if (static_cast<std::size_t>(snapshot.club().rooms_size()) != rooms.size())
    return fail("I6", what + ": a room is missing");
  const auto members = truth.members(stream, snapshot.seq());
  for (const auto& member : snapshot.club().members()) {
    const auto found = members.find(member.account_id());
    if (found == members.end() || !MessageDifferencer::Equals(found->second, member))
      return fail("I6",
                  what + ": member " + text(member.account_id()) + " is not what the log says");
  }
}

void Ledger::check_history(const Connection& connection, const Asked& asked,
                           const v1::GetHistoryReply& reply) {
  ++checks;
  const auto& request = asked.frame.get_history();
  const Stream stream = Stream::from(request.stream());
  const std::string what = "history of room " + text(request.room_id()) + " of " + name(stream) +
                           " at " + text(reply.seq()) + " for account " + text(connection.account);
  if (reply.seq() > truth.head(stream)) return fail("I1", what + ": beyond what is durable");
  promise(stream, reply.seq());
  const auto promised = asked.promised.find(stream);
  if (promised != asked.promised.end() && reply.seq() < promised->second)
    return fail("I6", what + ": older than " + text(promised->second) +
                          ", which was acknowledged before it was asked for");
  const bool entitled = stream.kind == v1::STREAM_KIND_CLUB
                            ? has(truth.readers(stream, request.room_id(), reply.seq()),
                                  truth.reader(stream, connection.account, reply.seq()))
                            : truth.may_follow(stream, connection.account, reply.seq());
  if (!entitled) return fail("I7", what + ": is not theirs to read");
  const auto messages = truth.messages(stream, request.room_id(), reply.seq());
  const uint64_t head = messages.empty() ? 0 : messages.rbegin()->first;
  if (reply.head_number() != head) return fail("I6", what + ": the head is another");
  const uint64_t around = request.around() == 0 ? head : std::min(request.around(), head);
  const uint64_t first = around >= request.before() ? around - request.before() + 1 : 1;
  const uint64_t last = std::min(head, around + request.after());
  uint64_t number = first;
  for (const auto& message : reply.messages()) {
    if (message.number() != number++) return fail("I6", what + ": a message is missing");
    const auto said = messages.find(message.number());
    if (said == messages.end() || !same(message, said->second))
      return fail("I6", what + ": message " + text(message.number()) + " is not what the log says");
  }
  if (number <= last) fail("I6", what + ": ends at " + text(number - 1) + " of " + text(last));
}

void Ledger::check_batch(Connection& connection, const v1::StreamBatch& batch) {
  const Stream stream = Stream::from(batch.stream());
  const std::string who = "account " + text(connection.account) + " on " + name(stream);
  const auto found = connection.followed.find(stream);
  if (found == connection.followed.end())
    return fail("I7", who + ": a batch of what it does not follow (any more)");
  Followed& followed = found->second;
  if (batch.after_seq() != followed.told)
    fail("I5", who + ": a batch after " + text(batch.after_seq()) + ", the last one ended at " +
                   text(followed.told));
  promise(stream, batch.through_seq());
  if (batch.through_seq() > truth.head(stream))
    return fail("I1", who + ": seq " + text(batch.through_seq()) + " is shown and not durable");
  check_run(who, connection.account, stream, batch.after_seq(), batch.through_seq(),
            batch.events());
  const auto role = truth.reader(stream, connection.account, followed.head);
  for (const auto& event : batch.events()) {
    if (event.seq() == 0 || event.seq() > batch.through_seq()) continue;  // said above
    const Entry& entry = truth.at(stream, event.seq());
    if (stream.kind == v1::STREAM_KIND_CLUB && event.seq() <= followed.head &&
        entry.account != connection.account && !has(entry.roles, role))
      fail("I7", who + ": seq " + text(event.seq()) + " is not for the role that it has now");
  }
  followed.told = batch.through_seq();
  if (!batch.ended()) return;
  if (!truth.was_out(stream, connection.account, batch.after_seq(), truth.head(stream)))
    fail("I5", who + ": ended, and it may still follow");
  connection.followed.erase(found);
}

template <class Events>
void Ledger::check_run(const std::string& who, uint64_t account, Stream stream, uint64_t after,
                       uint64_t through, const Events& events) {
  uint64_t next = after + 1;
  const uint64_t head = truth.head(stream);
  const auto pass = [&](uint64_t until) {
    for (; next < until; ++next) {
      if (truth.sight(stream, next, account, head) == Sight::always)
        fail("I5", who + ": seq " + text(next) + " never came");
    }
  };
  for (const v1::Event& event : events) {
    ++checks;
    if (event.seq() < next)
      return fail(event.seq() <= after ? "I5" : "I6",
                  who + ": seq " + text(event.seq()) + " comes again, or out of order");
    if (event.seq() > through)
      return fail("I5", who + ": seq " + text(event.seq()) + " lies beyond its batch");
    pass(event.seq());
    ++next;
    const Entry& entry = truth.at(stream, event.seq());
    if (truth.sight(stream, event.seq(), account, head) == Sight::never)
      return fail("I7", who + ": seq " + text(event.seq()) + " is not for them");
    const std::string bytes = event.SerializeAsString();
    if (bytes != entry.sent && bytes != entry.redacted)
      return fail("I6", who + ": seq " + text(event.seq()) + " is not what the log says");
  }
  pass(through + 1);
}

void Ledger::look(int64_t patience_ms) {
  for (const auto& [id, connection] : connections_) {
    const auto revoked = revoked_ms_.find({connection.account, connection.token});
    if (revoked != revoked_ms_.end() && clock_.steady_ms() > revoked->second + patience_ms)
      fail("I8", "account " + text(connection.account) + ": the connection of revoked device " +
                     text(connection.token) + " stands after " +
                     text(static_cast<uint64_t>(clock_.steady_ms() - revoked->second)) + " ms");
  }
}

// --- A client's SDK

void Ledger::heard(Told& told, const client::Happening& happening) {
  const std::string who = "the SDK of account " + text(told.account) + " on ";
  if (const auto* resynced = std::get_if<client::Resynced>(&happening)) {
    told.cursors[resynced->stream] = resynced->at.seq;
    told.snapshots[resynced->stream] = resynced->at.seq;
  } else if (const auto* resumed = std::get_if<client::Resumed>(&happening)) {
    const auto cursor = told.cursors.find(resumed->stream);
    if (cursor != told.cursors.end() && cursor->second != resumed->at.seq)
      fail("I5", who + name(resumed->stream) + ": resumes where it was not");
    told.cursors[resumed->stream] = resumed->at.seq;
  } else if (const auto* batch = std::get_if<client::Batch>(&happening)) {
    uint64_t& cursor = told.cursors[batch->stream];
    if (batch->through.seq > truth.head(batch->stream))
      return fail("I1", who + name(batch->stream) + ": shown and not durable");
    check_run(who + name(batch->stream), told.account, batch->stream, cursor, batch->through.seq,
              batch->events);
    cursor = batch->through.seq;
  } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
    told.cursors.erase(ended->stream);
  }
}

void Ledger::compare(const Told& told, const client::Model& model) {
  for (const auto& [stream, cursor] : told.cursors) {
    ++checks;
    const std::string what = "the model of account " + text(told.account) + " of " + name(stream);
    if (!truth.nothing_to_see(stream, told.account, cursor)) {
      fail("I5", what + ": stays at seq " + text(cursor) + " of " + text(truth.head(stream)));
      continue;
    }
    const auto same_timeline = [&](uint64_t room, uint64_t head) {
      const client::Timeline* timeline = model.timeline(stream, room);
      if (!timeline) return fail("I6", what + ": room " + text(room) + " is missing");
      if (timeline->head() != head)
        return fail("I6", what + ": room " + text(room) + " ends at " + text(timeline->head()) +
                              " of " + text(head));
      for (const auto& [number, message] : truth.messages(stream, room, cursor)) {
        const v1::Message* shown = timeline->find(number);
        if (shown && !same(*shown, message))
          fail("I6", what + ": shows message " + text(number) + " otherwise than it is");
      }
    };
    if (const auto* club = model.club(stream.id); stream.kind == v1::STREAM_KIND_CLUB && club) {
      std::set<uint64_t> shown;
      for (const auto& [id, sanction] : club->sanctions) {
        if (sanction.account_id() == told.account) shown.insert(id);
      }
      if (shown != truth.standing(stream, told.account, cursor))
        fail("I6", what + ": shows other sanctions on oneself than stand");
    }
    const auto snapshot = told.snapshots.find(stream);
    if (stream.kind != v1::STREAM_KIND_CLUB || snapshot == told.snapshots.end()) continue;
    for (const auto& [id, room] : truth.rooms(stream, cursor)) {
      // A room that somebody came to read since is known whole from the next snapshot on.
      if (truth.read_throughout(stream, id, told.account, snapshot->second, cursor))
        same_timeline(id, room.head_number());
    }
  }
}

}  // namespace amicale::simulation
