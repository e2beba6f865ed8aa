// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The server's side of protocol v1 for one client, in memory and in virtual time: logs, cursors,
// idempotent posts. Written apart from the server, so that the SDK's core is not tested against its
// own assumptions alone. One connection at a time; the test decides what arrives and what is lost.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amicale/client/session_core.h"
#include "amicale/v1/frame.pb.h"

namespace amicale::testing {

namespace v1 = amicale::v1;

class SimulatedServer {
 public:
  using Stream = client::Stream;

  std::uint64_t epoch = 1;
  std::uint64_t account = 42;
  v1::Limits limits;
  v1::SiteRole site_role = v1::SITE_ROLE_NONE;
  std::map<Stream, v1::ClubSnapshot> clubs;  // what a snapshot tells, beside its seq
  std::uint32_t reconnect_after_ms = 0;
  std::map<Stream, std::vector<v1::Event>> logs;
  std::deque<std::string> outgoing;          // frames on their way to the client
  std::deque<v1::RefusalCode> refuse_posts;  // consumed one per post, before it is decided
  std::vector<v1::ClientFrame> seen;         // every request, in the order of arrival
  std::uint32_t retry_after_ms = 0;
  std::map<Stream, v1::AuditHead> audit_heads;  // what Subscribe answers with
  std::function<v1::Reply(const v1::ClientFrame&)>
      prove;  // answers what is asked of the provable log

  // A new connection: what the old one had in flight is gone.
  void open() {
    outgoing.clear();
    cursors_.clear();
  }

  v1::Event& append(Stream stream) {
    auto& log = logs[stream];
    v1::Event& event = log.emplace_back();
    event.set_seq(log.size());
    event.set_time_ms(1000 + static_cast<std::int64_t>(log.size()));
    return event;
  }

  void append_post(Stream stream, std::uint64_t room, const std::string& body) {
    v1::Event& event = append(stream);
    event.set_actor(7);
    event.mutable_message_posted()->set_room_id(room);
    event.mutable_message_posted()->set_number(++numbers_[{stream, room}]);
    event.mutable_message_posted()->set_body(body);
  }

  // Tells the client that a provable log has grown.
  void push(const v1::AuditHead& head) {
    audit_heads[Stream::from(head.stream())] = head;
    v1::ServerFrame frame;
    *frame.add_audit_heads() = head;
    outgoing.push_back(frame.SerializeAsString());
  }

  // Sends each followed stream what its cursor has not passed.
  void flush() {
    v1::ServerFrame frame;
    for (auto& [stream, cursor] : cursors_) {
      const auto& log = logs[stream];
      if (cursor < log.size()) *frame.add_batches() = batch(stream, cursor, log.size());
      cursor = log.size();
    }
    if (frame.batches_size() > 0) outgoing.push_back(frame.SerializeAsString());
  }

  v1::StreamBatch batch(Stream stream, std::uint64_t after, std::uint64_t through) {
    v1::StreamBatch out;
    *out.mutable_stream() = stream.proto();
    out.set_after_seq(after);
    out.set_through_seq(through);
    for (std::uint64_t seq = after + 1; seq <= through; ++seq)
      *out.add_events() = logs[stream][seq - 1];
    return out;
  }

  void receive(const std::string& bytes) {
    v1::ClientFrame request;
    if (!request.ParseFromString(bytes)) throw std::runtime_error("the client sent a bad frame");
    seen.push_back(request);
    v1::ServerFrame frame;
    answer(request, *frame.add_replies());
    frame.mutable_replies(0)->set_request_id(request.request_id());
    outgoing.push_back(frame.SerializeAsString());
    flush();
  }

  // The client_msg_ids of posts that took effect, in order.
  std::vector<std::string> posted(Stream stream) const {
    std::vector<std::string> out;
    const auto log = logs.find(stream);
    if (log == logs.end()) return out;
    for (const auto& event : log->second) {
      if (event.has_message_posted() && !event.client_msg_id().empty()) {
        out.push_back(event.client_msg_id());
      }
    }
    return out;
  }

 private:
  void answer(const v1::ClientFrame& request, v1::Reply& reply) {
    switch (request.body_case()) {
      case v1::ClientFrame::kHello: {
        auto& hello = *reply.mutable_hello();
        hello.set_protocol(1);
        hello.set_epoch(epoch);
        hello.set_heartbeat_interval_ms(30'000);
        hello.set_reconnect_after_ms(reconnect_after_ms);
        hello.set_server_time_ms(1'700'000'000'000);
        *hello.mutable_limits() = limits;
        return;
      }
      case v1::ClientFrame::kAuthenticate:
        if (request.authenticate().token() == "bad") {
          reply.mutable_refusal()->set_code(v1::REFUSAL_CODE_UNAUTHENTICATED);
          return;
        }
        reply.mutable_authenticate()->set_account_id(account);
        reply.mutable_authenticate()->set_site_role(site_role);
        return;
      case v1::ClientFrame::kSubscribe:
        return subscribe(request.subscribe(), *reply.mutable_subscribe());
      case v1::ClientFrame::kUnsubscribe:
        cursors_.erase(Stream::from(request.unsubscribe().stream()));
        reply.mutable_unsubscribe();
        return;
      case v1::ClientFrame::kHeartbeat: reply.mutable_heartbeat(); return;
      case v1::ClientFrame::kLogin: reply.mutable_login()->set_token("token"); return;
      case v1::ClientFrame::kPostMessage: return post(request.post_message(), reply);
      case v1::ClientFrame::kListClubs: reply.mutable_list_clubs(); return;
      case v1::ClientFrame::kSetTyping: reply.mutable_set_typing(); return;
      case v1::ClientFrame::kGetAuditConsistency:
      case v1::ClientFrame::kGetAuditKeys: reply = prove(request); return;
      case v1::ClientFrame::kLogout: reply.mutable_logout(); return;
      default: reply.mutable_refusal()->set_code(v1::REFUSAL_CODE_UNSUPPORTED);
    }
  }

  void subscribe(const v1::Subscribe& asked, v1::SubscribeReply& reply) {
    const Stream stream = Stream::from(asked.stream());
    const std::uint64_t head = logs[stream].size();
    reply.set_epoch(epoch);
    reply.set_head_seq(head);
    if (audit_heads.contains(stream)) *reply.mutable_audit_head() = audit_heads[stream];
    cursors_.erase(stream);
    if (!asked.has_after_seq()) {
      reply.set_outcome(v1::SUBSCRIBE_OUTCOME_SNAPSHOT);
      reply.mutable_snapshot()->set_seq(head);
      *reply.mutable_snapshot()->mutable_club() = clubs[stream];
      reply.mutable_snapshot()->mutable_club()->mutable_club()->set_club_id(stream.id);
      cursors_[stream] = head;
    } else if (asked.epoch() != epoch || asked.after_seq() > head) {
      reply.set_outcome(v1::SUBSCRIBE_OUTCOME_GAP);
      reply.mutable_gap()->set_reason(asked.epoch() != epoch ? v1::GAP_REASON_EPOCH
                                                             : v1::GAP_REASON_AHEAD);
    } else {
      const bool caught_up = asked.after_seq() == head;
      reply.set_outcome(caught_up ? v1::SUBSCRIBE_OUTCOME_CAUGHT_UP
                                  : v1::SUBSCRIBE_OUTCOME_REPLAYING);
      if (!caught_up) reply.set_replay_to(head);
      cursors_[stream] = asked.after_seq();
    }
  }

  void post(const v1::PostMessage& asked, v1::Reply& reply) {
    if (!refuse_posts.empty()) {
      reply.mutable_refusal()->set_code(refuse_posts.front());
      reply.mutable_refusal()->set_retry_after_ms(retry_after_ms);
      refuse_posts.pop_front();
      // "Unavailable" means that the outcome is unknown: here it did happen.
      if (reply.refusal().code() != v1::REFUSAL_CODE_UNAVAILABLE) return;
    }
    const Stream stream = Stream::from(asked.stream());
    const auto [first, fresh] = done_.try_emplace(asked.client_msg_id());
    if (fresh) {
      append_post(stream, asked.room_id(), asked.body());
      v1::Event& event = logs[stream].back();
      event.set_actor(account);
      event.set_client_msg_id(asked.client_msg_id());
      first->second.set_first_seq(event.seq());
      first->second.set_last_seq(event.seq());
      first->second.set_object_id(event.message_posted().number());
    }
    if (reply.has_refusal()) return;
    *reply.mutable_post_message() = first->second;
    reply.mutable_post_message()->set_repeated(!fresh);
  }

  std::map<Stream, std::uint64_t> cursors_;
  std::map<std::pair<Stream, std::uint64_t>, std::uint64_t> numbers_;
  std::map<std::string, v1::Committed> done_;
};

}  // namespace amicale::testing
