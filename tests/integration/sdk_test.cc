// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The C++ SDK against the real server, through a line that is cut wherever it hurts.
#include <doctest/doctest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <random>

#include "amicale/client/client.h"
#include "amicale/client/model.h"
#include "tests/support/club_world.h"
#include "tests/support/cutting_relay.h"

namespace amicale {
namespace {

using namespace support;
using namespace std::chrono_literals;
using client::Answered;
using client::Batch;
using client::Client;
using client::Closed;
using client::Happening;
using client::Model;
using client::Online;
using client::Options;
using client::Resynced;
using client::Stream;

// A client whose model and seqs are kept, and can be waited for.
class Watched {
 public:
  Watched(Options options, Stream club) : club_(club) {
    options.follow.push_back(club);
    options.longest_wait = 50ms;
    options.on_happening = [this](const Happening& happening) { take(happening); };
    client.emplace(std::move(options));
    client->connect();
  }

  bool wait_for(const std::function<bool()>& so) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, so);
  }
  bool wait_for_seq(std::uint64_t seq) {
    return wait_for([&] { return !seqs.empty() && seqs.back() >= seq; });
  }
  bool wait_until_followed() {
    return wait_for([&] { return model.club(club_.id) != nullptr; });
  }

  Model model;
  std::vector<std::uint64_t> seqs;
  std::vector<Answered> answers;
  std::uint64_t last_seq_of_answers = 0;
  int times_online = 0;
  std::optional<Closed> closed;
  std::optional<Client> client;  // last: its thread uses the rest

 private:
  void take(const Happening& happening) {
    {
      const std::lock_guard lock(mutex_);
      model.apply(happening, std::chrono::steady_clock::now());
      if (const auto* batch = std::get_if<Batch>(&happening); batch && batch->stream == club_) {
        for (const auto& event : batch->events) seqs.push_back(event.seq());
      }
      if (const auto* answered = std::get_if<Answered>(&happening)) {
        answers.push_back(*answered);
        if (answered->result && answered->result->has_post_message()) {
          last_seq_of_answers =
              std::max(last_seq_of_answers, answered->result->post_message().last_seq());
        }
      }
      if (const auto* end = std::get_if<Closed>(&happening)) closed = *end;
      times_online += std::holds_alternative<Online>(happening);
    }
    changed_.notify_all();
  }

  Stream club_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

void fast(Config& config) {
  config.limits.posts_per_10s = 10'000;
  config.limits.joins_per_minute = 0;
  config.limits.request_burst = 10'000;
  config.limits.requests_per_second = 10'000;
}

Options options_of(ClubWorld& world, const std::string& login, std::uint16_t port, bool tls) {
  Options options;
  options.url = (tls ? "wss://localhost:" : "ws://localhost:") + std::to_string(port);
  if (tls) options.ca_file = world.running.certificate();
  options.token = world[login].token;
  return options;
}

std::vector<std::string> texts(const client::Timeline& timeline) {
  std::vector<std::string> out;
  for (const auto& row : timeline.rows()) {
    if (row.message != nullptr)
      out.push_back(row.message->SerializeAsString());
    else
      out.push_back(row.echo != nullptr ? "echo" : "missing");
  }
  return out;
}

TEST_CASE("behind a line cut in the middle of frames, the SDK says all once and hears all once") {
  for (const bool tls : {false, true}) {
    CAPTURE(tls);
    ClubWorld world(fast);
    world.add("ada");
    world.add("boris");
    const std::uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
    const Stream club = Stream::club(world.club);
    CuttingRelay relay(tls ? world.running.tls_port() : world.running.port());
    Watched ada(options_of(world, "ada", relay.port(), tls), club);
    Watched boris(options_of(world, "boris", world.running.port(), false), club);
    REQUIRE(ada.wait_until_followed());
    REQUIRE(boris.wait_until_followed());
    relay.cut_each_after([random = std::mt19937(7)]() mutable { return 2000 + random() % 8000; });
    relay.cut();

    constexpr std::size_t each = 150;
    std::vector<std::string> said;
    for (std::size_t i = 0; i < each; ++i) {
      said.push_back(ada.client->post(club, room, "ada " + std::to_string(i)));
      boris.client->post(club, room, "boris " + std::to_string(i));
    }
    REQUIRE(ada.wait_for([&] { return ada.answers.size() == each; }));
    REQUIRE(boris.wait_for([&] { return boris.answers.size() == each; }));
    const std::uint64_t head = std::max(ada.last_seq_of_answers, boris.last_seq_of_answers);
    REQUIRE(ada.wait_for_seq(head));
    REQUIRE(boris.wait_for_seq(head));
    ada.client->close(0ms);
    boris.client->close(0ms);

    CHECK(ada.times_online > 3);
    CHECK(boris.times_online == 1);
    CHECK(ada.seqs == boris.seqs);
    for (std::size_t i = 1; i < ada.seqs.size(); ++i) REQUIRE(ada.seqs[i] == ada.seqs[i - 1] + 1);
    CHECK(texts(*ada.model.timeline(club, room)) == texts(*boris.model.timeline(club, room)));
    // Each of ada's messages once, in the order in which they were said.
    std::vector<std::string> heard;
    for (const auto& row : boris.model.timeline(club, room)->rows()) {
      REQUIRE(row.message != nullptr);
      if (row.message->author() == world["ada"].account)
        heard.push_back(row.message->client_msg_id());
    }
    CHECK(heard == said);
  }
}

TEST_CASE("what the SDK folds from events is what the server's history says") {
  ClubWorld world(fast);
  world.add("ada");
  world.add("boris");
  const std::uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  const Stream club = Stream::club(world.club);
  Watched ada(options_of(world, "ada", world.running.port(), false), club);
  Watched boris(options_of(world, "boris", world.running.tls_port(), true), club);
  REQUIRE(ada.wait_until_followed());
  REQUIRE(boris.wait_until_followed());

  const auto place = [&](auto request, std::uint64_t number) {
    *request.mutable_stream() = club.proto();
    request.set_room_id(room);
    request.set_number(number);
    return request;
  };
  const auto done = [](auto future) {
    auto result = future.get();
    REQUIRE_MESSAGE(result.has_value(), result.error().message);
    return result->last_seq();
  };
  for (int i = 1; i <= 6; ++i) {
    v1::PostMessage post;
    *post.mutable_stream() = club.proto();
    post.set_room_id(room);
    post.set_body("message " + std::to_string(i));
    post.set_reply_to(i == 4 ? 1 : 0);
    done(ada.client->call(post));
  }
  auto edit = place(v1::EditMessage(), 2);
  edit.set_body("edited");
  done(ada.client->call(edit));
  auto react = place(v1::React(), 1);
  react.set_emoji("👍");
  done(ada.client->call(react));
  done(boris.client->call(react));
  react.set_number(3);
  done(boris.client->call(react));
  react.set_remove(true);
  done(boris.client->call(react));
  const std::uint64_t head = done(ada.client->call(place(v1::DeleteMessage(), 5)));
  REQUIRE(ada.wait_for_seq(head));
  REQUIRE(boris.wait_for_seq(head));

  v1::GetHistory history;
  *history.mutable_stream() = club.proto();
  history.set_room_id(room);
  history.set_before(50);
  const auto page = boris.client->call(history).get();
  REQUIRE(page.has_value());
  ada.client->close(0ms);
  boris.client->close(0ms);
  const client::Timeline& folded = *ada.model.timeline(club, room);
  REQUIRE(page->messages_size() == 6);
  CHECK(page->head_number() == folded.head());
  for (const v1::Message& message : page->messages()) {
    REQUIRE(folded.find(message.number()) != nullptr);
    CHECK(folded.find(message.number())->ShortDebugString() == message.ShortDebugString());
  }
  CHECK(ada.model.name(club, world["boris"].account) == "boris");
  CHECK(ada.model.unread(club, room) == 6);
}

TEST_CASE("the SDK comes back after a restart of the server, with what was said meanwhile") {
  ClubWorld world(fast);
  world.add("ada");
  const std::uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  const Stream club = Stream::club(world.club);
  CuttingRelay relay(world.running.port());
  Watched ada(options_of(world, "ada", relay.port(), false), club);
  REQUIRE(ada.wait_until_followed());
  world.running.stop();
  const std::string id = ada.client->post(club, room, "while you were away");
  world.running.start();
  relay.set_target(world.running.port());
  REQUIRE(ada.wait_for([&] { return ada.answers.size() == 1; }));
  REQUIRE(ada.answers[0].result.has_value());
  REQUIRE(ada.wait_for_seq(ada.last_seq_of_answers));
  ada.client->close(0ms);
  CHECK(ada.seqs.size() == 1);
  CHECK(ada.model.timeline(club, room)->find(1)->client_msg_id() == id);
  CHECK(ada.times_online == 2);
}

TEST_CASE("a revoked device closes the SDK's client for good") {
  ClubWorld world(fast);
  world.add("ada");
  const Stream club = Stream::club(world.club);
  Watched ada(options_of(world, "ada", world.running.port(), false), club);
  REQUIRE(ada.wait_until_followed());
  v1::RevokeToken revoke;
  revoke.set_all(true);
  ada.client->call(revoke);
  REQUIRE(ada.wait_for([&] { return ada.closed.has_value(); }));
  const bool told = ada.closed->code == v1::CLOSE_CODE_REVOKED ||
                    ada.closed->why.refused_with(v1::REFUSAL_CODE_UNAUTHENTICATED);
  CHECK(told);
}

}  // namespace
}  // namespace amicale
