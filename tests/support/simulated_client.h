// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A SessionCore joined to a SimulatedServer by a wire that the test may cut, in virtual time.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "amicale/client/session_core.h"
#include "tests/support/simulated_server.h"

namespace amicale::testing {

using client::CallId;
using client::Failure;
using client::Happening;
using client::Milliseconds;
using client::Position;
using client::SessionCore;
using client::Settings;
using client::Stream;
using client::Time;

class SimulatedClient {
 public:
  explicit SimulatedClient(SimulatedServer& server, Settings settings = with_token())
      : core(std::move(settings), Time{}), server_(server) {}

  static Settings with_token() {
    Settings settings;
    settings.token = "token";
    settings.follow_account = false;
    return settings;
  }

  SessionCore core;
  Time now{};
  bool reachable = true;  // whether the next Connect succeeds
  bool wired = false;     // a connection stands
  std::deque<std::string> to_server;
  std::vector<Happening> happened;  // all, in order
  std::vector<std::uint32_t> closes;
  int connects = 0;

  // Carries out what the core wants; delivers nothing by itself.
  void carry_out() {
    while (auto action = core.next_action()) {
      if (std::holds_alternative<client::Connect>(*action)) {
        ++connects;
        to_server.clear();
        wired = reachable;
        if (reachable) {
          server_.open();
          core.connected(now);
        } else {
          core.disconnected({0, {Failure::Kind::Network, {}, 0, "unreachable"}, false}, now);
        }
      } else if (auto* send = std::get_if<client::Send>(&*action)) {
        if (wired) to_server.push_back(std::move(send->bytes));
      } else {
        closes.push_back(std::get<client::Close>(*action).code);
        drop_wire();
      }
    }
    while (auto happening = core.next_happening()) happened.push_back(std::move(*happening));
  }

  bool deliver_to_server() {
    if (!wired || to_server.empty()) return false;
    const std::string bytes = std::move(to_server.front());
    to_server.pop_front();
    server_.receive(bytes);
    return true;
  }

  bool deliver_to_client() {
    if (!wired || server_.outgoing.empty()) return false;
    const std::string bytes = std::move(server_.outgoing.front());
    server_.outgoing.pop_front();
    core.received(bytes, now);
    carry_out();
    return true;
  }

  void receive(const v1::ServerFrame& frame) {
    core.received(frame.SerializeAsString(), now);
    carry_out();
  }

  // Until nothing is in flight. Time stands still.
  void settle() {
    carry_out();
    server_.flush();
    while (deliver_to_server() || deliver_to_client()) server_.flush();
  }

  void cut(std::uint32_t code = 1006) {
    if (!wired) return;
    drop_wire();
    core.disconnected({code, {Failure::Kind::ClosedByServer, {}, code, "cut"}, false}, now);
    carry_out();
  }

  void advance(Milliseconds by) {
    now += by;
    core.tick(now);
    carry_out();
  }

  // Moves time to the core's next deadline. False: there is none.
  bool advance_to_deadline() {
    const auto deadline = core.next_deadline();
    if (!deadline) return false;
    if (*deadline > now) now = *deadline;
    core.tick(now);
    carry_out();
    return true;
  }

  void go_online() {
    core.connect(now);
    for (int i = 0; i < 50 && core.state() != SessionCore::State::Online; ++i) {
      settle();
      if (core.state() == SessionCore::State::Waiting) advance_to_deadline();
    }
    settle();
  }

  CallId post(Stream stream, std::string body) {
    v1::ClientFrame frame;
    *frame.mutable_post_message()->mutable_stream() = stream.proto();
    frame.mutable_post_message()->set_room_id(1);
    frame.mutable_post_message()->set_body(std::move(body));
    return call(std::move(frame));
  }

  CallId call(v1::ClientFrame frame) {
    core.call(++last_call_, std::move(frame), now);
    carry_out();
    return last_call_;
  }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const Happening& happening : happened) {
      if (const T* found = std::get_if<T>(&happening)) out.push_back(*found);
    }
    return out;
  }

  template <class T>
  const T* last() const {
    for (auto i = happened.rbegin(); i != happened.rend(); ++i) {
      if (const T* found = std::get_if<T>(&*i)) return found;
    }
    return nullptr;
  }

  const client::Answered* answer_to(CallId call) const {
    for (const Happening& happening : happened) {
      const auto* found = std::get_if<client::Answered>(&happening);
      if (found != nullptr && found->call == call) return found;
    }
    return nullptr;
  }

  std::vector<std::uint64_t> seqs(Stream stream) const {
    std::vector<std::uint64_t> out;
    for (const client::Batch& batch : all<client::Batch>()) {
      if (batch.stream != stream) continue;
      for (const v1::Event& event : batch.events) out.push_back(event.seq());
    }
    return out;
  }

 private:
  void drop_wire() {
    wired = false;
    to_server.clear();
    server_.outgoing.clear();
  }

  SimulatedServer& server_;
  CallId last_call_ = 0;
};

}  // namespace amicale::testing
