// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The SDK's cursors: whatever is cut, repeated or lost, each event is told exactly once, in order.
#include <doctest/doctest.h>

#include <numeric>

#include "tests/support/simulated_client.h"

using namespace amicale::testing;
using State = SessionCore::State;
using namespace std::chrono_literals;

namespace {

const Stream club = Stream::club(1);

std::vector<std::uint64_t> one_to(std::uint64_t n) {
  std::vector<std::uint64_t> out(n);
  std::iota(out.begin(), out.end(), 1);
  return out;
}

v1::ServerFrame in_frame(v1::StreamBatch batch) {
  v1::ServerFrame frame;
  *frame.add_batches() = std::move(batch);
  return frame;
}

struct Online {
  SimulatedServer server;
  SimulatedClient client{server};
  explicit Online(std::optional<Position> from = Position{1, 0}) {
    client.core.follow(club, from, client.now);
    client.go_online();
  }
};

}  // namespace

TEST_CASE("a stream followed without a cursor starts with a snapshot and goes on from there") {
  Online on(std::nullopt);
  auto resynced = on.client.last<amicale::client::Resynced>();
  REQUIRE(resynced != nullptr);
  CHECK(resynced->at == Position{1, 0});
  CHECK_FALSE(resynced->gap.has_value());
  on.server.append(club);
  on.client.settle();
  CHECK(on.client.seqs(club) == one_to(1));
}

TEST_CASE("a cursor from an earlier run is resumed without a snapshot") {
  SimulatedServer server;
  for (int i = 0; i < 10; ++i) server.append(club);
  SimulatedClient client(server);
  client.core.follow(club, Position{1, 4}, client.now);
  client.go_online();
  CHECK(client.all<amicale::client::Resynced>().empty());
  REQUIRE(client.last<amicale::client::Resumed>() != nullptr);
  CHECK(client.last<amicale::client::Resumed>()->replay_to == 10);
  CHECK(client.seqs(club) == std::vector<std::uint64_t>{5, 6, 7, 8, 9, 10});
}

TEST_CASE("a batch that overlaps what is held is taken from where it is new") {
  Online on;
  for (int i = 0; i < 6; ++i) on.server.append(club);
  on.client.receive(in_frame(on.server.batch(club, 0, 4)));
  on.client.receive(in_frame(on.server.batch(club, 0, 4)));  // again
  on.client.receive(in_frame(on.server.batch(club, 2, 6)));
  CHECK(on.client.seqs(club) == one_to(6));
}

TEST_CASE("seqs that are not for this reader advance the cursor without an event") {
  Online on;
  v1::StreamBatch hidden;
  *hidden.mutable_stream() = club.proto();
  hidden.set_through_seq(5);
  on.client.receive(in_frame(hidden));
  CHECK(on.client.core.position(club) == Position{1, 5});
  CHECK(on.client.seqs(club).empty());
  CHECK(on.client.all<amicale::client::Batch>().size() == 1);
}

TEST_CASE("a hole is never shown: the stream is subscribed again from the cursor") {
  Online on;
  for (int i = 0; i < 6; ++i) on.server.append(club);
  on.server.seen.clear();
  on.client.receive(in_frame(on.server.batch(club, 0, 2)));
  on.client.receive(in_frame(on.server.batch(club, 4, 5)));
  on.client.receive(in_frame(on.server.batch(club, 5, 6)));  // of before the repair: passed over
  CHECK(on.client.seqs(club) == one_to(2));
  REQUIRE(on.client.to_server.size() == 1);
  on.client.settle();
  REQUIRE(on.server.seen.size() == 1);
  CHECK(on.server.seen[0].subscribe().after_seq() == 2);
  CHECK(on.client.seqs(club) == one_to(6));
}

TEST_CASE("a hole that does not close ends the connection") {
  Online on;
  for (int i = 0; i < 6; ++i) on.server.append(club);
  for (int i = 0; i < 4 && on.client.core.state() == State::Online; ++i) {
    on.client.receive(in_frame(on.server.batch(club, 3, 6)));
    on.client.deliver_to_server();  // the Subscribe
    // Only its answer arrives; what should follow it is lost.
    const std::string answer = on.server.outgoing.front();
    on.server.outgoing.clear();
    on.client.core.received(answer, on.client.now);
    on.client.carry_out();
  }
  on.client.receive(in_frame(on.server.batch(club, 3, 6)));
  CHECK(on.client.core.state() == State::Waiting);
  CHECK(on.client.seqs(club).empty());
}

TEST_CASE("logs restored from an older copy give a snapshot and say why") {
  Online on;
  for (int i = 0; i < 6; ++i) on.server.append(club);
  on.client.settle();
  on.client.cut();
  on.server.epoch = 2;
  on.server.logs[club].resize(3);
  on.client.advance_to_deadline();
  on.client.settle();
  const auto* resynced = on.client.last<amicale::client::Resynced>();
  REQUIRE(resynced != nullptr);
  CHECK(resynced->gap == v1::GAP_REASON_EPOCH);
  CHECK(resynced->at == Position{2, 3});
}

TEST_CASE("a cursor of another epoch is given up even if the server would resume it") {
  SimulatedServer server;
  for (int i = 0; i < 3; ++i) server.append(club);
  SimulatedClient client(server);
  client.core.follow(club, Position{7, 3}, client.now);
  client.core.connect(client.now);
  client.carry_out();
  for (int i = 0; i < 3; ++i) {  // Hello, Authenticate, Subscribe
    client.deliver_to_server();
    if (i < 2) client.deliver_to_client();
  }
  v1::ServerFrame frame;
  frame.add_replies()->set_request_id(server.seen.back().request_id());
  frame.mutable_replies(0)->mutable_subscribe()->set_outcome(v1::SUBSCRIBE_OUTCOME_CAUGHT_UP);
  frame.mutable_replies(0)->mutable_subscribe()->set_epoch(1);
  server.outgoing.clear();
  client.receive(frame);
  client.settle();
  REQUIRE(client.last<amicale::client::Resynced>() != nullptr);
  CHECK(client.last<amicale::client::Resynced>()->gap == v1::GAP_REASON_EPOCH);
}

TEST_CASE("a stream that may not be followed any more ends, and is not asked for again") {
  Online on;
  on.server.append(club);
  v1::StreamBatch batch = on.server.batch(club, 0, 1);
  batch.set_ended(true);
  on.client.receive(in_frame(batch));
  CHECK(on.client.seqs(club) == one_to(1));
  CHECK(on.client.last<amicale::client::Ended>() != nullptr);
  CHECK(on.client.core.followed().empty());
}

TEST_CASE("a refused subscription is told once; one that is only not now is tried again") {
  SimulatedServer server;
  SimulatedClient client(server);
  client.go_online();
  client.core.follow(club, std::nullopt, client.now);
  client.carry_out();
  const auto refuse = [&](v1::RefusalCode code) {
    client.deliver_to_server();
    server.outgoing.clear();
    v1::ServerFrame frame;
    frame.add_replies()->set_request_id(server.seen.back().request_id());
    frame.mutable_replies(0)->mutable_refusal()->set_code(code);
    frame.mutable_replies(0)->mutable_refusal()->set_retry_after_ms(700);
    client.receive(frame);
  };
  refuse(v1::REFUSAL_CODE_OVERLOADED);
  CHECK(client.to_server.empty());
  client.advance(699ms);
  CHECK(client.to_server.empty());
  client.advance(300ms);
  REQUIRE(client.to_server.size() == 1);
  refuse(v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(client.last<amicale::client::FollowRefused>() != nullptr);
  CHECK(client.core.followed().empty());
}

TEST_CASE("a kind of event that this client does not know keeps its place") {
  Online on;
  on.server.append_post(club, 1, "before");
  v1::Event& unknown = on.server.append(club);
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(3000, "later");
  on.server.append_post(club, 1, "after");
  on.client.settle();
  CHECK(on.client.seqs(club) == one_to(3));
  CHECK(on.client.last<amicale::client::Batch>()->events.back().has_message_posted());
}

// The property of properties. A wire that is cut at any frame, that repeats batches and that loses
// batches; a client that posts meanwhile. In the end each event was told once and in order, and each
// post took effect once, in the order of posting.
TEST_CASE("whatever is cut, repeated or lost, every event comes exactly once, in order") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::uint64_t state = seed * 77;
    const auto random = [&state](std::uint64_t below) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      return (state >> 33) % below;
    };
    SimulatedServer server;
    Settings settings = SimulatedClient::with_token();
    settings.seed = seed;
    SimulatedClient client(server, settings);
    const Stream streams[] = {Stream::club(1), Stream::club(2)};
    for (const Stream stream : streams) client.core.follow(stream, Position{1, 0}, client.now);
    client.core.connect(client.now);
    std::map<Stream, std::vector<std::string>> bodies;

    const auto step = [&](bool calm) {
      const Stream stream = streams[random(2)];
      switch (random(calm ? 4 : 10)) {
        case 0: client.deliver_to_server(); break;
        case 1:
        case 2: client.deliver_to_client(); break;
        case 3: server.flush(); break;
        case 4: server.append_post(stream, 1, "from another"); break;
        case 5:
          bodies[stream].push_back(std::to_string(bodies[stream].size()));
          client.post(stream, bodies[stream].back());
          break;
        case 6:
          if (random(6) == 0) client.cut();
          break;
        case 7:  // repeat a run of the log
          if (const auto head = server.logs[stream].size(); head > 0 && client.wired) {
            const auto after = random(head);
            v1::ServerFrame frame;
            *frame.add_batches() = server.batch(stream, after, after + 1 + random(head - after));
            if (client.core.state() == State::Online) client.receive(frame);
          }
          break;
        case 8:  // lose a batch without losing the connection
          if (!server.outgoing.empty() && random(4) == 0) {
            v1::ServerFrame frame;
            frame.ParseFromString(server.outgoing.front());
            frame.clear_batches();
            server.outgoing.front() = frame.SerializeAsString();
          }
          break;
        default:
          if (client.core.state() == State::Waiting)
            client.advance_to_deadline();
          else if (random(10) == 0)
            server.refuse_posts.push_back(v1::REFUSAL_CODE_UNAVAILABLE);
          else
            client.advance(Milliseconds{random(400)});
      }
      client.carry_out();
    };
    for (int i = 0; i < 400; ++i) step(false);

    server.refuse_posts.clear();
    for (int i = 0; i < 400 && client.core.unanswered() > 0; ++i) {
      client.settle();
      client.advance_to_deadline();
    }
    for (const Stream stream : streams) server.append(stream);
    for (int i = 0; i < 50; ++i) {
      client.settle();
      if (client.core.state() != State::Online) client.advance_to_deadline();
    }
    // A batch lost at the very end shows at the next one.
    for (const Stream stream : streams) server.append(stream);
    client.settle();

    CHECK(client.core.unanswered() == 0);
    for (const Stream stream : streams) {
      CHECK_MESSAGE(client.seqs(stream) == one_to(server.logs[stream].size()), "seed " << seed);
      std::vector<std::string> took_effect;
      for (const auto& event : server.logs[stream]) {
        if (!event.client_msg_id().empty()) took_effect.push_back(event.message_posted().body());
      }
      CHECK_MESSAGE(took_effect == bodies[stream], "seed " << seed);
    }
  }
}
