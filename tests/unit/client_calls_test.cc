// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The SDK's calls: what is repeated after a cut, what is tried again, what the outbox holds.
#include <doctest/doctest.h>

#include <set>

#include "tests/support/simulated_client.h"

using namespace amicale::testing;
using State = SessionCore::State;
using namespace std::chrono_literals;

namespace {

const Stream club = Stream::club(1);

v1::ClientFrame list_clubs() {
  v1::ClientFrame frame;
  frame.mutable_list_clubs();
  return frame;
}

std::vector<std::string> posted_ids(const SimulatedServer& server) {
  std::vector<std::string> out;
  for (const auto& frame : server.seen) {
    if (frame.has_post_message()) out.push_back(frame.post_message().client_msg_id());
  }
  return out;
}

class StoreInMemory final : public amicale::client::OutboxStore {
 public:
  std::vector<v1::ClientFrame> load() override {
    std::vector<v1::ClientFrame> out;
    for (const auto& [id, frame] : commands) out.push_back(frame);
    return out;
  }
  void put(const std::string& id, const v1::ClientFrame& command) override {
    commands.emplace_back(id, command);
  }
  void remove(const std::string& id) override {
    std::erase_if(commands, [&](const auto& entry) { return entry.first == id; });
  }
  std::vector<std::pair<std::string, v1::ClientFrame>> commands;
};

}  // namespace

TEST_CASE(
    "a command without an answer is sent again under the same id after a cut, and takes effect "
    "once") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  const CallId call = client.post(club, "once");
  SUBCASE("the request was lost") { client.to_server.clear(); }
  SUBCASE("the answer was lost") { client.deliver_to_server(); }
  const bool decided = !server.logs[club].empty();
  client.cut();
  CHECK(client.answer_to(call) == nullptr);
  client.advance_to_deadline();
  client.settle();
  REQUIRE(client.answer_to(call) != nullptr);
  REQUIRE(client.answer_to(call)->result.has_value());
  CHECK(client.answer_to(call)->result->post_message().repeated() == decided);
  CHECK(server.logs[club].size() == 1);
  const auto ids = posted_ids(server);
  CHECK(std::set(ids.begin(), ids.end()).size() == 1);
  CHECK(ids[0].size() == 16);
}

TEST_CASE("answers that say not now are tried again under the same id, no sooner than told") {
  for (const auto code : {v1::REFUSAL_CODE_UNAVAILABLE, v1::REFUSAL_CODE_INTERNAL,
                          v1::REFUSAL_CODE_OVERLOADED, v1::REFUSAL_CODE_RATE_LIMITED}) {
    SimulatedServer server;
    server.refuse_posts = {code, code};
    server.retry_after_ms = 800;
    SimulatedClient client(server);
    client.go_online();
    const CallId call = client.post(club, "patience");
    client.settle();
    client.advance(799ms);
    client.settle();
    CHECK(posted_ids(server).size() == 1);
    while (client.answer_to(call) == nullptr) {
      REQUIRE(client.advance_to_deadline());
      client.settle();
    }
    CHECK(client.answer_to(call)->result.has_value());
    const auto ids = posted_ids(server);
    CHECK(ids.size() == 3);
    CHECK(std::set(ids.begin(), ids.end()).size() == 1);
    CHECK(server.logs[club].size() == 1);
    CHECK(client.now >= Time{} + 1600ms);
  }
}

TEST_CASE("a rate limit that waiting does not lift, and a defect that stays, are reported") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  SUBCASE("rate limit") { server.refuse_posts = {v1::REFUSAL_CODE_RATE_LIMITED}; }
  SUBCASE("defect") { server.refuse_posts.assign(50, v1::REFUSAL_CODE_INTERNAL); }
  SUBCASE("a plain no") { server.refuse_posts = {v1::REFUSAL_CODE_FORBIDDEN}; }
  const CallId call = client.post(club, "no");
  client.settle();
  while (client.answer_to(call) == nullptr && client.now < Time{} + 600s) {
    REQUIRE(client.advance_to_deadline());
    client.settle();
  }
  REQUIRE(client.answer_to(call) != nullptr);
  REQUIRE_FALSE(client.answer_to(call)->result.has_value());
  CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::Refused);
}

TEST_CASE("commands of one stream keep their order, even when the first is tried again") {
  SimulatedServer server;
  server.refuse_posts = {v1::REFUSAL_CODE_OVERLOADED};
  server.retry_after_ms = 500;
  SimulatedClient client(server);
  client.go_online();
  client.post(club, "1");
  client.post(club, "2");
  client.post(Stream::club(2), "elsewhere");
  client.settle();
  CHECK(server.logs[club].empty());
  CHECK(server.logs[Stream::club(2)].size() == 1);  // another stream does not wait
  while (client.core.unanswered() > 0) {
    REQUIRE(client.advance_to_deadline());
    client.settle();
  }
  REQUIRE(server.logs[club].size() == 2);
  CHECK(server.logs[club][0].message_posted().body() == "1");
}

TEST_CASE("queries are repeated after a cut, until their time is over") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  SUBCASE("answered later") {
    const CallId call = client.call(list_clubs());
    client.cut();
    client.advance_to_deadline();
    client.settle();
    REQUIRE(client.answer_to(call) != nullptr);
    CHECK(client.answer_to(call)->result.has_value());
  }
  SUBCASE("never answered") {
    client.reachable = false;
    const CallId call = client.call(list_clubs());
    client.cut();
    while (client.answer_to(call) == nullptr) REQUIRE(client.advance_to_deadline());
    CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::TimedOut);
    CHECK(client.now == Time{} + 30s);
  }
}

TEST_CASE("a login ends with its attempt; what can't be repeated safely ends with the connection") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.token.clear();
  SimulatedClient client(server, settings);
  client.reachable = false;
  v1::ClientFrame login;
  login.mutable_login()->set_login("ada");
  const CallId first = client.call(login);
  client.core.connect(client.now);
  client.carry_out();
  REQUIRE(client.answer_to(first) != nullptr);
  CHECK(client.answer_to(first)->result.error().kind == Failure::Kind::Disconnected);

  SimulatedClient other(server);
  other.go_online();
  v1::ClientFrame logout;
  logout.mutable_logout();
  const CallId second = other.call(logout);
  other.cut();
  REQUIRE(other.answer_to(second) != nullptr);
  CHECK(other.answer_to(second)->result.error().kind == Failure::Kind::Disconnected);
}

TEST_CASE("typing is worth something only now: offline it is dropped") {
  SimulatedServer server;
  SimulatedClient client(server);
  v1::ClientFrame typing;
  typing.mutable_set_typing()->set_room_id(1);
  const CallId call = client.call(typing);
  CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::Disconnected);
  client.go_online();
  CHECK(client.core.unanswered() == 0);
}

TEST_CASE("the outbox holds so many calls and so many bytes, and says when it is full") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.outbox_calls = 3;
  settings.outbox_bytes = 1000;
  SimulatedClient client(server, settings);
  SUBCASE("calls") {
    for (int i = 0; i < 3; ++i) client.post(club, "x");
    const CallId call = client.post(club, "one too many");
    REQUIRE(client.answer_to(call) != nullptr);
    CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::Full);
    client.go_online();
    CHECK(server.logs[club].size() == 3);
    client.post(club, "room again");
    client.settle();
    CHECK(server.logs[club].size() == 4);
  }
  SUBCASE("bytes") {
    client.post(club, std::string(700, 'a'));
    const CallId call = client.post(club, std::string(400, 'b'));
    CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::Full);
  }
}

TEST_CASE("what was posted offline goes out in order, and shows as an echo at once") {
  SimulatedServer server;
  SimulatedClient client(server);
  for (int i = 0; i < 20; ++i) client.post(club, std::to_string(i));
  CHECK(client.all<amicale::client::Posting>().size() == 20);
  client.go_online();
  REQUIRE(server.logs[club].size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(server.logs[club][i].message_posted().body() == std::to_string(i));
  }
}

TEST_CASE("a larger request than the server takes is not sent") {
  SimulatedServer server;
  server.limits.set_frame_bytes(500);
  SimulatedClient client(server);
  client.go_online();
  const CallId call = client.post(club, std::string(600, 'x'));
  REQUIRE(client.answer_to(call) != nullptr);
  CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::TooLarge);
  CHECK(client.core.unanswered() == 0);
}

TEST_CASE("requests are paced by the server's own measure") {
  SimulatedServer server;
  server.limits.set_requests_per_second(10);
  server.limits.set_request_burst(5);
  server.limits.set_requests_in_flight(100);
  SimulatedClient client(server);
  client.go_online();
  const std::size_t before = server.seen.size();
  for (int i = 0; i < 20; ++i) client.call(list_clubs());
  client.settle();
  CHECK(server.seen.size() - before <= 5);
  client.advance(1s);
  client.settle();
  CHECK(server.seen.size() - before <= 15);
  while (client.core.unanswered() > 0) {
    REQUIRE(client.advance_to_deadline());
    client.settle();
  }
  CHECK(client.now >= Time{} + 1500ms);
}

TEST_CASE("no more requests are in flight than the server allows") {
  SimulatedServer server;
  server.limits.set_requests_in_flight(4);
  SimulatedClient client(server);
  client.go_online();
  for (int i = 0; i < 20; ++i) client.call(list_clubs());
  CHECK(client.to_server.size() == 4);
  client.settle();
  CHECK(client.core.unanswered() == 0);
}

TEST_CASE("a wider lane has more commands of one stream in flight, and keeps their order") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.lane_window = 8;
  SimulatedClient client(server, settings);
  client.go_online();
  for (int i = 0; i < 20; ++i) client.post(club, std::to_string(i));
  CHECK(client.to_server.size() == 8);
  client.cut();
  client.advance_to_deadline();
  client.settle();
  REQUIRE(server.logs[club].size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(server.logs[club][i].message_posted().body() == std::to_string(i));
  }
}

TEST_CASE("unanswered commands survive a restart in the store, passwords do not enter it") {
  SimulatedServer server;
  StoreInMemory store;
  Settings settings = SimulatedClient::with_token();
  settings.outbox_store = &store;
  {
    SimulatedClient client(server, settings);
    client.post(club, "first");
    client.post(club, "second");
    v1::ClientFrame secret;
    secret.mutable_change_password()->set_new_password("hunter2");
    client.call(secret);
    client.core.close(client.now);
    client.carry_out();
    CHECK(store.commands.size() == 2);
  }
  SimulatedClient client(server, settings);
  client.carry_out();
  CHECK(client.all<amicale::client::Posting>().size() == 2);
  client.go_online();
  CHECK(store.commands.empty());
  REQUIRE(server.logs[club].size() == 2);
  CHECK(server.logs[club][0].message_posted().body() == "first");
}

TEST_CASE("what one account left unsent is not said in another's name") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.core.follow(club, Position{1, 0}, client.now);
  client.go_online();
  client.cut();
  const CallId call = client.post(club, "mine");
  server.account = 43;
  client.core.set_token("another", client.now);
  client.advance_to_deadline();
  client.settle();
  REQUIRE(client.answer_to(call) != nullptr);
  CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::Cancelled);
  CHECK(server.logs[club].empty());
}

TEST_CASE("a cancelled call is answered once, and a late reply changes nothing") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  const CallId call = client.post(club, "never mind");
  CHECK(client.core.cancel(call, client.now));
  CHECK_FALSE(client.core.cancel(call, client.now));
  client.settle();
  int answers = 0;
  for (const auto& answered : client.all<amicale::client::Answered>())
    answers += answered.call == call;
  CHECK(answers == 1);
  client.post(club, "next");
  client.settle();
  CHECK(client.core.unanswered() == 0);
}

TEST_CASE("a reply that is not to its request fails the call and the connection") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  const CallId call = client.call(list_clubs());
  client.deliver_to_server();
  server.outgoing.clear();
  v1::ServerFrame frame;
  frame.add_replies()->set_request_id(server.seen.back().request_id());
  frame.mutable_replies(0)->mutable_get_history();
  client.receive(frame);
  CHECK(client.answer_to(call)->result.error().kind == Failure::Kind::BadFrame);
  CHECK(client.core.state() == State::Waiting);
}
