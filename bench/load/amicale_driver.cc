// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/amicale_driver.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "amicale/v1/frame.pb.h"
#include "bench/load/conversation.h"
#include "bench/load/protobuf_scan.h"
#include "bench/load/websocket.h"

namespace amicale::load {
namespace {

enum Stage : uint32_t { upgrading, greeting, authenticating, subscribing, catching_up, live };

constexpr const char* kOwner = "owner";
// Under way at a time: below the server's bound on one connection's requests, enough that commits are shared.
constexpr size_t kAtOnce = 24;
constexpr size_t kNewcomers = 500;
constexpr uint32_t kImportBatch = 200;
constexpr uint32_t kDefaultCapacity = 1'000;

std::string hex(std::string_view bytes) {
  std::string out;
  char two[3];
  for (unsigned char byte : bytes) {
    std::snprintf(two, sizeof two, "%02x", byte);
    out += two;
  }
  return out;
}

std::string unhex(std::string_view digits) {
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return out;
}

void name_stream(v1::StreamId* stream, uint64_t club) {
  stream->set_kind(v1::STREAM_KIND_CLUB);
  stream->set_id(club);
}

}  // namespace

AmicaleDriver::AmicaleDriver(Target target) : Driver(std::move(target)) {
  run_id_ = fresh_message_id().substr(0, 8);
}

AmicaleDriver::~AmicaleDriver() = default;

// --- Making the site ready ---

void AmicaleDriver::load_state() {
  people_.clear();
  rooms_.clear();
  if (target_.state.empty()) return;
  std::ifstream file(target_.state);
  std::string kind;
  while (file >> kind) {
    if (kind == "person") {
      uint32_t index = 0;
      std::string login, token;
      file >> index >> login >> token;
      people_[index] = {login, unhex(token)};
    } else if (kind == "room") {
      uint32_t rooms = 0, members = 0, people = 0, which = 0;
      Room room;
      file >> rooms >> members >> people >> which >> room.club >> room.room >> room.members >>
          room.history;
      rooms_[{rooms, members, people, which}] = room;
    } else {
      throw std::runtime_error("the state file holds an unknown word: " + kind);
    }
  }
}

void AmicaleDriver::save_state() const {
  if (target_.state.empty()) return;
  const std::string fresh = target_.state + ".new";
  {
    std::ofstream file(fresh);
    for (const auto& [index, person] : people_)
      file << "person " << index << ' ' << person.login << ' ' << hex(person.token) << '\n';
    for (const auto& [key, room] : rooms_) {
      const auto& [rooms, members, people, which] = key;
      file << "room " << rooms << ' ' << members << ' ' << people << ' ' << which << ' '
           << room.club << ' ' << room.room << ' ' << room.members << ' ' << room.history << '\n';
    }
    if (!file) throw std::runtime_error("cannot write " + fresh);
  }
  std::filesystem::rename(fresh, target_.state);
}

AmicaleDriver::Room& AmicaleDriver::room_of(const Plan& plan, uint32_t room) {
  return rooms_[{plan.rooms, plan.members, plan.people, room}];
}

void AmicaleDriver::prepare(const Plan& plan) {
  plan_ = plan;
  load_state();
  bool ready = true;
  for (uint32_t i = 0; i < plan.people; ++i) ready = ready && people_.contains(i);
  for (uint32_t i = 0; i < plan.rooms; ++i) {
    const Room& room = room_of(plan, i);
    ready = ready && room.members >= plan.members && room.history >= plan.history;
  }
  if (!ready) {
    if (target_.tls) throw std::runtime_error("prepare the site over plain text first");
    Conversation front(target_, "");
    v1::ClientFrame login;
    login.mutable_login()->set_login(kOwner);
    login.mutable_login()->set_password(target_.password);
    login.mutable_login()->set_device_name("bench");
    Conversation owner(target_, front.call(login).login().token());
    make_rooms(plan, owner);
    add_members(plan, owner);
    fill(plan, owner);
    save_state();
  }
  plan_rooms_.clear();
  for (uint32_t i = 0; i < plan.rooms; ++i) plan_rooms_.push_back(&room_of(plan, i));
}

void AmicaleDriver::make_rooms(const Plan& plan, Conversation& owner) {
  const std::string shape = std::to_string(plan.rooms) + "x" + std::to_string(plan.members) + "x" +
                            std::to_string(plan.people);
  std::vector<v1::ClientFrame> creates;
  std::vector<uint32_t> which;
  for (uint32_t i = 0; i < plan.rooms; ++i) {
    if (room_of(plan, i).club != 0) continue;
    auto& create = *creates.emplace_back().mutable_create_club();
    create.set_slug("bench-" + shape + "-" + std::to_string(i));
    create.set_name("Bench " + shape + " " + std::to_string(i));
    create.set_kind(v1::CLUB_KIND_SOCIAL);
    create.set_language(v1::LANGUAGE_FR);
    create.set_capacity(std::max(kDefaultCapacity, plan.members + 10));
    create.set_client_msg_id(fresh_message_id());
    which.push_back(i);
  }
  auto created = owner.call_all(std::move(creates), kAtOnce);
  for (size_t i = 0; i < created.size(); ++i) {
    Room& room = room_of(plan, which[i]);
    room.club = created[i].create_club().object_id();
    v1::ClientFrame follow;
    name_stream(follow.mutable_subscribe()->mutable_stream(), room.club);
    const auto snapshot = owner.call(follow);
    for (const auto& made : snapshot.subscribe().snapshot().club().rooms()) {
      if (made.access() == v1::ROOM_ACCESS_ALL && room.room == 0) room.room = made.room_id();
    }
    if (room.room == 0) throw std::runtime_error("a new club has no open room");
    v1::ClientFrame leave;
    name_stream(leave.mutable_unsubscribe()->mutable_stream(), room.club);
    owner.call(leave);
  }
}

void AmicaleDriver::add_members(const Plan& plan, Conversation& owner) {
  std::vector<v1::ClientFrame> newcomers, others;
  std::vector<uint32_t> newcomer;
  std::map<uint32_t, bool> seen;
  for (uint32_t link = 0; link < plan.links(); ++link) {
    const Room& room = room_of(plan, link / plan.members);
    if (room.members >= plan.members) continue;
    const uint32_t person = link % plan.people;
    const bool fresh = !people_.contains(person) && !seen[person];
    seen[person] = true;
    v1::ClientFrame frame;
    auto& add = *frame.mutable_add_member();
    add.set_club_id(room.club);
    add.set_login("person-" + std::to_string(person));
    add.set_display_name("Person " + std::to_string(person));
    add.set_role(v1::CLUB_ROLE_MEMBER);
    add.set_client_msg_id(fresh_message_id());
    (fresh ? newcomers : others).push_back(std::move(frame));
    if (fresh) newcomer.push_back(person);
  }
  // In portions: the connection on which people come in is not authenticated itself, and may stay so for a while only.
  for (size_t from = 0; from < newcomers.size(); from += kNewcomers) {
    const size_t to = std::min(newcomers.size(), from + kNewcomers);
    auto added = owner.call_all({newcomers.begin() + static_cast<ptrdiff_t>(from),
                                 newcomers.begin() + static_cast<ptrdiff_t>(to)},
                                kAtOnce);
    std::vector<v1::ClientFrame> activations;
    for (const auto& reply : added) {
      auto& activate = *activations.emplace_back().mutable_register_();
      activate.set_code(reply.add_member().activation_code());
      activate.set_password("a long password");
      activate.set_device_name("bench");
      activate.set_client_msg_id(fresh_message_id());
    }
    Conversation door(target_, "");
    auto activated = door.call_all(std::move(activations), kAtOnce);
    for (size_t i = 0; i < activated.size(); ++i) {
      const uint32_t person = newcomer[from + i];
      people_[person] = {"person-" + std::to_string(person), activated[i].register_().token()};
    }
  }
  // After the activations: who has a password becomes a member at once.
  owner.call_all(std::move(others), kAtOnce);
  for (uint32_t i = 0; i < plan.rooms; ++i) room_of(plan, i).members = plan.members;
}

void AmicaleDriver::fill(const Plan& plan, Conversation& owner) {
  for (uint32_t i = 0; i < plan.rooms; ++i) {
    Room& room = room_of(plan, i);
    std::vector<v1::ClientFrame> batches;
    for (uint64_t done = room.history; done < plan.history; done += kImportBatch) {
      auto& batch = *batches.emplace_back().mutable_import_messages();
      batch.set_club_id(room.club);
      batch.set_room_id(room.room);
      batch.set_client_msg_id(fresh_message_id());
      for (uint32_t k = 0; k < kImportBatch; ++k) {
        auto& message = *batch.add_messages();
        message.set_author_name("Camille");
        message.set_time_ms(1'600'000'000'000 + static_cast<int64_t>(done + k) * 1'000);
        message.set_body(std::string(Traffic::kTextBytes, 'x'));
        message.set_client_msg_id(fresh_message_id());
      }
    }
    if (batches.empty()) continue;
    room.history += batches.size() * kImportBatch;
    owner.call_all(std::move(batches), 8);
  }
}

// --- Connections of a run ---

void AmicaleDriver::begin(Link& link) {
  link.stage = upgrading;
  append_upgrade(link.out, target_.host, "/v1/ws", "amicale.v1");
}

void AmicaleDriver::send(Link& link, std::string_view request) {
  append_frame(link.out, Opcode::binary, request);
}

size_t AmicaleDriver::take(Link& link, std::string_view bytes, Traffic& traffic) {
  size_t used = 0;
  if (link.stage == upgrading) {
    used = upgrade_answer(bytes);
    if (used == 0) return 0;
    link.stage = greeting;
    v1::ClientFrame frame;
    frame.set_request_id(++link.requests);
    frame.mutable_hello()->set_protocol_min(1);
    frame.mutable_hello()->set_protocol_max(1);
    frame.mutable_hello()->set_client_name("bench");
    send(link, frame.SerializeAsString());
  }
  Frame frame;
  while (next_frame(bytes.substr(used), frame)) {
    used += frame.size;
    if (frame.opcode == Opcode::binary)
      take_frame(link, frame.payload, traffic);
    else if (frame.opcode == Opcode::ping)
      append_frame(link.out, Opcode::pong, frame.payload);
    else
      throw std::runtime_error("the server closed the connection");
  }
  return used;
}

void AmicaleDriver::take_frame(Link& link, std::string_view bytes, Traffic& traffic) {
  FieldScan field(bytes);
  while (field.next()) {
    switch (field.number()) {
      case v1::ServerFrame::kRepliesFieldNumber: take_reply(link, field.bytes(), traffic); break;
      case v1::ServerFrame::kBatchesFieldNumber: take_batch(link, field.bytes(), traffic); break;
      case v1::ServerFrame::kGoodbyeFieldNumber: {
        v1::Goodbye goodbye;
        goodbye.ParseFromArray(field.bytes().data(), static_cast<int>(field.bytes().size()));
        throw std::runtime_error("goodbye " + std::to_string(goodbye.close_code()));
      }
      default: break;
    }
  }
}

void AmicaleDriver::take_reply(Link& link, std::string_view bytes, Traffic& traffic) {
  FieldScan field(bytes);
  while (field.next()) {
    switch (field.number()) {
      case v1::Reply::kRefusalFieldNumber: {
        v1::Refusal refusal;
        refusal.ParseFromArray(field.bytes().data(), static_cast<int>(field.bytes().size()));
        if (refusal.code() == v1::REFUSAL_CODE_OVERLOADED && link.stage == live)
          return traffic.shed(link);
        return traffic.refused(link, refusal.ShortDebugString());
      }
      case v1::Reply::kHelloFieldNumber: {
        v1::HelloReply hello;
        hello.ParseFromArray(field.bytes().data(), static_cast<int>(field.bytes().size()));
        epoch_ = hello.epoch();
        link.stage = authenticating;
        v1::ClientFrame frame;
        frame.set_request_id(++link.requests);
        frame.mutable_authenticate()->set_token(people_.at(link.person).token);
        send(link, frame.SerializeAsString());
        break;
      }
      case v1::Reply::kAuthenticateFieldNumber: {
        if (!plan_.follow) {
          link.stage = live;
          traffic.joined(link);
          break;
        }
        link.stage = subscribing;
        v1::ClientFrame frame;
        frame.set_request_id(++link.requests);
        auto& subscribe = *frame.mutable_subscribe();
        name_stream(subscribe.mutable_stream(), plan_rooms_[link.room]->club);
        if (link.again) {
          link.cursor -= std::min<uint64_t>(plan_.missed, link.cursor);
          subscribe.set_epoch(epoch_);
          subscribe.set_after_seq(link.cursor);
        }
        send(link, frame.SerializeAsString());
        break;
      }
      case v1::Reply::kSubscribeFieldNumber: subscribed(link, field.bytes(), traffic); break;
      case v1::Reply::kPostMessageFieldNumber: traffic.accepted(link); break;
      case v1::Reply::kGetHistoryFieldNumber: count_page(link, field.bytes(), traffic); break;
      default: break;
    }
  }
}

void AmicaleDriver::subscribed(Link& link, std::string_view bytes, Traffic& traffic) {
  FieldScan field(bytes);
  uint64_t outcome = 0, replay_to = 0, snapshot_seq = 0;
  while (field.next()) {
    if (field.number() == v1::SubscribeReply::kOutcomeFieldNumber) outcome = field.value();
    if (field.number() == v1::SubscribeReply::kReplayToFieldNumber) replay_to = field.value();
    if (field.number() == v1::SubscribeReply::kSnapshotFieldNumber) {
      FieldScan snapshot(field.bytes());
      while (snapshot_seq == 0 && snapshot.next()) {
        if (snapshot.number() == v1::Snapshot::kSeqFieldNumber) snapshot_seq = snapshot.value();
      }
    }
  }
  switch (outcome) {
    case v1::SUBSCRIBE_OUTCOME_SNAPSHOT: link.cursor = snapshot_seq; [[fallthrough]];
    case v1::SUBSCRIBE_OUTCOME_CAUGHT_UP:
      link.stage = live;
      traffic.joined(link);
      break;
    case v1::SUBSCRIBE_OUTCOME_REPLAYING:
      link.stage = catching_up;
      link.mark = replay_to;
      break;
    default: traffic.refused(link, "the cursor was not honoured");
  }
}

void AmicaleDriver::take_batch(Link& link, std::string_view bytes, Traffic& traffic) {
  uint64_t after = 0, through = 0, last = 0;
  const uint64_t room = plan_rooms_[link.room]->room;
  FieldScan field(bytes);
  while (field.next()) {
    switch (field.number()) {
      case v1::StreamBatch::kAfterSeqFieldNumber: after = field.value(); break;
      case v1::StreamBatch::kThroughSeqFieldNumber: through = field.value(); break;
      case v1::StreamBatch::kEndedFieldNumber: return traffic.refused(link, "the stream was ended");
      case v1::StreamBatch::kEventsFieldNumber: {
        if (last == 0) last = after;
        FieldScan event(field.bytes());
        while (event.next()) {
          if (event.number() == v1::Event::kSeqFieldNumber) {
            if (event.value() <= last || event.value() > through)
              return traffic.refused(link, "an event out of its place");
            last = event.value();
          } else if (event.number() == v1::Event::kMessagePostedFieldNumber) {
            FieldScan message(event.bytes());
            while (message.next()) {
              if (message.number() == v1::MessagePosted::kRoomIdFieldNumber) {
                if (message.value() != room) return traffic.refused(link, "another room");
              } else if (message.number() == v1::MessagePosted::kBodyFieldNumber) {
                traffic.delivered(link, message.bytes());
              }
            }
          }
        }
        break;
      }
      default: break;
    }
  }
  if (after != link.cursor) return traffic.refused(link, "a batch that does not continue the last");
  link.cursor = through;
  if (link.stage == catching_up && link.cursor >= link.mark) {
    link.stage = live;
    traffic.joined(link);
  }
}

void AmicaleDriver::post(Link& link, std::string_view text) {
  static thread_local v1::ClientFrame frame;
  frame.set_request_id(++link.requests);
  auto& post = *frame.mutable_post_message();
  const Room& room = *plan_rooms_[link.room];
  name_stream(post.mutable_stream(), room.club);
  post.set_room_id(room.room);
  post.set_body(text.data(), text.size());
  auto& id = *post.mutable_client_msg_id();
  id.assign(run_id_);
  const uint64_t number = ++posts_;
  id.append(reinterpret_cast<const char*>(&number), sizeof number);
  frame.SerializeToString(&scratch_);
  send(link, scratch_);
}

bool AmicaleDriver::page(Link& link) {
  v1::ClientFrame frame;
  frame.set_request_id(++link.requests);
  auto& history = *frame.mutable_get_history();
  name_stream(history.mutable_stream(), plan_rooms_[link.room]->club);
  history.set_room_id(plan_rooms_[link.room]->room);
  history.set_before(plan_.page);
  send(link, frame.SerializeAsString());
  return true;
}

void AmicaleDriver::count_page(Link& link, std::string_view bytes, Traffic& traffic) {
  uint32_t messages = 0;
  uint64_t text = 0, last = 0, head = 0;
  FieldScan field(bytes);
  while (field.next()) {
    if (field.number() == v1::GetHistoryReply::kHeadNumberFieldNumber) head = field.value();
    if (field.number() != v1::GetHistoryReply::kMessagesFieldNumber) continue;
    ++messages;
    FieldScan message(field.bytes());
    while (message.next()) {
      if (message.number() == v1::Message::kBodyFieldNumber) text += message.bytes().size();
      if (message.number() != v1::Message::kNumberFieldNumber) continue;
      if (last != 0 && message.value() != last + 1)
        return traffic.refused(link, "a page with a hole");
      last = message.value();
    }
  }
  if (last != head) return traffic.refused(link, "a page that does not end at the head");
  traffic.paged(link, messages, text);
}

void AmicaleDriver::keep_alive(Link& link) {
  v1::ClientFrame frame;
  frame.set_request_id(++link.requests);
  auto& heartbeat = *frame.mutable_heartbeat();
  if (plan_.follow) {
    auto& cursor = *heartbeat.add_cursors();
    name_stream(cursor.mutable_stream(), plan_rooms_[link.room]->club);
    cursor.set_seq(link.cursor);
  }
  send(link, frame.SerializeAsString());
}

}  // namespace amicale::load
