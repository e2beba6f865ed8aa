// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The SDK's session core: greeting, heartbeats, loss, back-off, close codes, hostile servers.
#include <doctest/doctest.h>

#include "amicale/client/calls.h"
#include "tests/support/simulated_client.h"

using namespace amicale::testing;
using State = SessionCore::State;
using namespace std::chrono_literals;

namespace {

std::vector<v1::ClientFrame::BodyCase> kinds(const SimulatedServer& server) {
  std::vector<v1::ClientFrame::BodyCase> out;
  for (const auto& frame : server.seen) out.push_back(frame.body_case());
  return out;
}

v1::ServerFrame goodbye(std::uint32_t code, std::uint32_t after_ms) {
  v1::ServerFrame frame;
  frame.mutable_goodbye()->set_close_code(code);
  frame.mutable_goodbye()->set_reconnect_after_ms(after_ms);
  return frame;
}

}  // namespace

TEST_CASE("a client says hello, authenticates, subscribes, then sends what waited") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.core.follow(Stream::club(1), std::nullopt, client.now);
  client.post(Stream::club(1), "waited");
  client.go_online();
  CHECK(kinds(server) == std::vector{v1::ClientFrame::kHello, v1::ClientFrame::kAuthenticate,
                                     v1::ClientFrame::kSubscribe, v1::ClientFrame::kPostMessage});
  CHECK(server.seen[0].hello().protocol_min() == 1);
  CHECK(server.seen[0].hello().capabilities() == 3);
  CHECK(server.seen[1].authenticate().token() == "token");
  CHECK(client.core.state() == State::Online);
  REQUIRE(client.last<amicale::client::Online>() != nullptr);
  CHECK_FALSE(client.last<amicale::client::Online>()->again);
}

TEST_CASE("a client follows its own account once its id is known") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.follow_account = true;
  SimulatedClient client(server, settings);
  client.go_online();
  CHECK(client.core.position(Stream::account(server.account)).has_value());
}

TEST_CASE("without a token a client is greeted, and a login takes it online") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.token.clear();
  SimulatedClient client(server, settings);
  client.core.connect(client.now);
  client.settle();
  CHECK(client.core.state() == State::Greeted);
  CHECK(client.last<amicale::client::Greeted>() != nullptr);
  v1::ClientFrame login;
  login.mutable_login()->set_login("ada");
  client.call(login);
  client.settle();
  CHECK(client.core.state() == State::Online);
  CHECK(server.seen.back().authenticate().token() == "token");
}

TEST_CASE("a refused token closes the client and is not tried again") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.token = "bad";
  SimulatedClient client(server, settings);
  client.core.connect(client.now);
  client.settle();
  REQUIRE(client.core.state() == State::Closed);
  CHECK(client.last<amicale::client::Closed>()->why.refused_with(v1::REFUSAL_CODE_UNAUTHENTICATED));
  CHECK_FALSE(client.core.next_deadline().has_value());
}

TEST_CASE("heartbeats carry cumulative cursors and come before the interval is over") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.core.follow(Stream::club(1), std::nullopt, client.now);
  client.go_online();
  for (int i = 0; i < 5; ++i) server.append(Stream::club(1));
  client.settle();
  server.seen.clear();
  while (server.seen.empty()) {
    REQUIRE(client.advance_to_deadline());
    client.settle();
  }
  CHECK(client.now <= Time{} + 30s);
  REQUIRE(server.seen[0].has_heartbeat());
  REQUIRE(server.seen[0].heartbeat().cursors_size() == 1);
  CHECK(server.seen[0].heartbeat().cursors(0).seq() == 5);
}

TEST_CASE("a server silent for two and a half intervals is left") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  while (client.core.state() == State::Online) {
    REQUIRE(client.advance_to_deadline());
    client.to_server.clear();  // nothing arrives, so nothing is answered
  }
  CHECK(client.now == Time{} + 75s);
  CHECK(client.core.state() == State::Waiting);
  CHECK(client.closes.size() == 1);
}

TEST_CASE("while the application takes nothing, silence is not the server's") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  client.core.set_reading(false, client.now);
  for (int i = 0; i < 20; ++i) {
    client.advance_to_deadline();
    client.to_server.clear();
  }
  CHECK(client.now > Time{} + 75s);
  CHECK(client.core.state() == State::Online);
  client.core.set_reading(true, client.now);
  client.advance(1s);
  CHECK(client.core.state() == State::Online);
}

TEST_CASE("a server that does not answer the greeting is left in time") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.core.connect(client.now);
  client.carry_out();
  REQUIRE(client.advance_to_deadline());
  CHECK(client.now == Time{} + 15s);
  CHECK(client.core.state() == State::Waiting);
}

TEST_CASE("waits between attempts stay below a doubling ceiling, and follow from the seed") {
  const auto waits = [](std::uint64_t seed) {
    SimulatedServer server;
    Settings settings = SimulatedClient::with_token();
    settings.seed = seed;
    SimulatedClient client(server, settings);
    client.reachable = false;
    client.core.connect(client.now);
    client.carry_out();
    std::vector<std::int64_t> out;
    for (int i = 0; i < 12; ++i) {
      const auto* waiting = client.last<amicale::client::Waiting>();
      REQUIRE(waiting != nullptr);
      out.push_back(std::chrono::duration_cast<Milliseconds>(waiting->until - client.now).count());
      client.advance_to_deadline();
    }
    return out;
  };
  const auto first = waits(1);
  std::int64_t ceiling = 250;
  for (const std::int64_t wait : first) {
    CHECK(wait >= 0);
    CHECK(wait <= ceiling);
    ceiling = std::min<std::int64_t>(ceiling * 2, 30'000);
  }
  CHECK(first == waits(1));
  CHECK(first != waits(2));
}

TEST_CASE("jitter spreads over the whole range") {
  amicale::client::Backoff backoff(3, 250ms, 30000ms);
  std::int64_t low = 1000, high = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto wait = backoff.jitter(1000ms).count();
    low = std::min(low, wait);
    high = std::max(high, wait);
  }
  CHECK(low < 20);
  CHECK(high > 980);
  CHECK(backoff.jitter(0ms).count() == 0);
}

TEST_CASE("the server's reconnect hint is obeyed") {
  SimulatedServer server;
  server.reconnect_after_ms = 4000;
  SimulatedClient client(server);
  client.go_online();
  SUBCASE("of Hello, when the server closes") {
    client.cut(1012);
    CHECK(client.last<amicale::client::Waiting>()->until >= client.now + 4s);
  }
  SUBCASE("of Hello, when the server is not there any more") {
    client.reachable = false;
    client.cut();
    client.advance_to_deadline();
    CHECK(client.last<amicale::client::Waiting>()->until >= client.now + 4s);
  }
  SUBCASE("not when only the line broke") {
    client.cut();
    CHECK(client.last<amicale::client::Waiting>()->until <= client.now + 250ms);
  }
  SUBCASE("of Goodbye") {
    client.receive(goodbye(v1::CLOSE_CODE_GOING_AWAY, 9000));
    CHECK(client.last<amicale::client::Waiting>()->until >= client.now + 9s);
    CHECK(client.last<amicale::client::Waiting>()->why.close_code == v1::CLOSE_CODE_GOING_AWAY);
  }
}

TEST_CASE("a connection that held resets the back-off") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.reachable = false;
  client.core.connect(client.now);
  client.carry_out();
  for (int i = 0; i < 8; ++i) client.advance_to_deadline();
  client.reachable = true;
  while (client.core.state() != State::Online) {
    client.settle();
    if (client.core.state() == State::Waiting) client.advance_to_deadline();
  }
  client.advance(10s);
  client.cut();
  CHECK(client.last<amicale::client::Waiting>()->until <= client.now + 250ms);
}

TEST_CASE("close codes from 4000 to 4099 are retried, from 4100 to 4199 are not") {
  for (const std::uint32_t code : {4000U, 4001U, 4002U, 4003U, 4099U, 1006U, 1001U, 1011U}) {
    SimulatedServer server;
    SimulatedClient client(server);
    client.go_online();
    client.cut(code);
    CHECK_MESSAGE(client.core.state() == State::Waiting, code);
  }
  for (const std::uint32_t code : {4100U, 4101U, 4102U, 4103U, 4104U, 4199U}) {
    SimulatedServer server;
    SimulatedClient client(server);
    client.go_online();
    SUBCASE("by the close frame") { client.cut(code); }
    SUBCASE("by Goodbye") { client.receive(goodbye(code, 0)); }
    REQUIRE_MESSAGE(client.core.state() == State::Closed, code);
    CHECK(client.last<amicale::client::Closed>()->code == code);
    CHECK_FALSE(client.core.next_deadline().has_value());
  }
}

TEST_CASE("without reconnection the first loss closes and calls fail") {
  SimulatedServer server;
  Settings settings = SimulatedClient::with_token();
  settings.reconnect = false;
  SimulatedClient client(server, settings);
  client.go_online();
  const CallId call = client.post(Stream::club(1), "lost");
  client.cut();
  CHECK(client.core.state() == State::Closed);
  REQUIRE(client.answer_to(call) != nullptr);
  CHECK_FALSE(client.answer_to(call)->result.has_value());
}

TEST_CASE("malformed frames end the connection with a reason, never the program") {
  const std::vector<std::pair<const char*, v1::ServerFrame>> hostile = [] {
    std::vector<std::pair<const char*, v1::ServerFrame>> out;
    v1::ServerFrame frame;
    auto& batch = *frame.add_batches();
    *batch.mutable_stream() = Stream::club(1).proto();
    batch.set_after_seq(9);
    batch.set_through_seq(3);
    out.emplace_back("through before after", frame);
    batch.set_after_seq(0);
    batch.set_through_seq(3);
    batch.add_events()->set_seq(2);
    batch.add_events()->set_seq(2);
    out.emplace_back("a seq twice", frame);
    batch.mutable_events(1)->set_seq(4);
    out.emplace_back("a seq beyond the batch", frame);
    return out;
  }();
  for (const auto& [name, frame] : hostile) {
    SimulatedServer server;
    SimulatedClient client(server);
    client.core.follow(Stream::club(1), std::nullopt, client.now);
    client.go_online();
    client.receive(frame);
    CHECK_MESSAGE(client.core.state() == State::Waiting, name);
    CHECK(client.last<amicale::client::Waiting>()->why.kind == Failure::Kind::BadFrame);
  }
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  client.core.received("\xff\xff\xff not protobuf", client.now);
  client.carry_out();
  CHECK(client.core.state() == State::Waiting);
  CHECK(client.closes == std::vector<std::uint32_t>{1002});
}

TEST_CASE("random bytes and random inputs in any order never break the core") {
  std::uint64_t state = 99;
  const auto random = [&state](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % below;
  };
  SimulatedServer server;
  SimulatedClient client(server);
  client.core.follow(Stream::club(1), Position{1, 3}, client.now);
  for (int step = 0; step < 20'000; ++step) {
    switch (random(9)) {
      case 0: client.core.connect(client.now); break;
      case 1: client.core.connected(client.now); break;
      case 2: {
        std::string bytes(random(60), '\0');
        for (char& byte : bytes) byte = static_cast<char>(random(256));
        client.core.received(bytes, client.now);
        break;
      }
      case 3: {  // well-formed, and about anything
        v1::ServerFrame frame;
        v1::Reply& reply = *frame.add_replies();
        reply.set_request_id(static_cast<std::uint32_t>(random(20)));
        switch (random(5)) {
          case 0: reply.mutable_hello()->set_protocol(1); break;
          case 1: reply.mutable_authenticate()->set_account_id(random(3)); break;
          case 2:
            reply.mutable_subscribe()->set_outcome(static_cast<v1::SubscribeOutcome>(random(6)));
            break;
          case 3:
            reply.mutable_refusal()->set_code(static_cast<v1::RefusalCode>(random(25)));
            reply.mutable_refusal()->set_retry_after_ms(static_cast<std::uint32_t>(state));
            break;
          default: break;
        }
        client.receive(frame);
        break;
      }
      case 4: client.cut(static_cast<std::uint32_t>(4000 + random(120))); break;
      case 5: client.advance(Milliseconds{random(60'000)}); break;
      case 6: client.post(Stream::club(random(3)), "x"); break;
      case 7:
        if (random(2) == 0)
          client.core.follow(Stream::club(random(3)), std::nullopt, client.now);
        else
          client.core.unfollow(Stream::club(random(3)), client.now);
        break;
      default: {
        const bool deliver = client.deliver_to_server() || client.deliver_to_client();
        if (!deliver && random(50) == 0) client.core.close(client.now);
      }
    }
    client.carry_out();
    client.happened.clear();
    server.seen.clear();
  }
  CHECK(client.core.unanswered() <= 1000);
}

TEST_CASE("every request of the protocol that is not the session's own is in the table of calls") {
  std::set<std::string> table;
#define AMICALE_NAME(Type, field) table.insert(v1::Type::descriptor()->full_name());
  AMICALE_CLIENT_CALLS(AMICALE_NAME)
#undef AMICALE_NAME
  const std::set<std::string> own{"hello", "authenticate", "subscribe", "unsubscribe", "heartbeat"};
  const auto* body = v1::ClientFrame::descriptor()->FindOneofByName("body");
  for (int i = 0; i < body->field_count(); ++i) {
    if (own.contains(body->field(i)->name())) continue;
    CHECK_MESSAGE(table.contains(body->field(i)->message_type()->full_name()),
                  body->field(i)->name());
    const auto* reply = v1::Reply::descriptor()->FindFieldByNumber(body->field(i)->number());
    REQUIRE(reply != nullptr);
    CHECK(reply->name() == body->field(i)->name());
  }
}
