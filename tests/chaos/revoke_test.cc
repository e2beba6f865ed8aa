// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I8. A device that is revoked is cut, whatever its connections do at that moment, and nothing that they ask after the
// acknowledgement is done.
#include <doctest/doctest.h>

#include <algorithm>

#include "server/auth/token.h"
#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"
#include "tests/support/raw_client.h"
#include "tests/support/wire_client.h"

namespace amicale::chaos {
namespace {

enum class Way : std::uint8_t { logout, by_id, all_own, by_staff, password };

std::string name(Way way) {
  switch (way) {
    case Way::logout: return "logout";
    case Way::by_id: return "revoked by another device";
    case Way::all_own: return "all devices revoked by oneself";
    case Way::by_staff: return "revoked by the staff";
    case Way::password: return "password changed";
  }
  return "";
}

class Revocation {
 public:
  Revocation(ServerProcess& server, Crowd& crowd) : server_(server), crowd_(crowd) {
    voice_ =
        &crowd_.add({.port = server.port(), .token = server.owner().other_token, .follow = {}});
    voice_->connect();
    REQUIRE(crowd_.run_until([&] { return voice_->live(); }));
    // Something to resume over: long enough that resuming takes a while.
    for (int i = 0; i < 300; ++i) ask(*voice_, say_in_room(std::string(500, 'x')));
  }

  void revoke_by(Way way, const ServerProcess::Person& person) {
    CAPTURE(name(way));
    constexpr std::size_t each = 4;
    std::vector<Visitor*> idle, busy, resuming;
    for (std::size_t i = 0; i < 3 * each; ++i) {
      auto& visitor =
          crowd_.add({.port = server_.port(), .token = person.token, .follow = {server_.stream()}});
      (i < each ? idle : i < 2 * each ? busy : resuming).push_back(&visitor);
      visitor.on_event = [this](const v1::StreamId&, const v1::Event& event) {
        if (barrier_ != 0 && event.seq() > barrier_) ++seen_after_;
      };
      visitor.connect();
    }
    std::vector<Visitor*> all = idle;
    all.insert(all.end(), busy.begin(), busy.end());
    all.insert(all.end(), resuming.begin(), resuming.end());
    // Two of them ask; the one that revokes may be the device itself.
    auto& revoker = crowd_.add({.port = server_.port(),
                                .token = way == Way::logout     ? person.token
                                         : way == Way::by_staff ? server_.owner().other_token
                                                                : person.other_token,
                                .follow = {}});
    revoker.connect();
    REQUIRE(crowd_.run_until([&] {
      return revoker.live() && std::ranges::all_of(all, [](Visitor* v) { return v->live(); });
    }));
    const std::uint64_t token_id = token_id_of(*idle.front());
    CHECK(call_status(person.token) == 200);

    barrier_ = 0;
    seen_after_ = 0;
    running_ = true;
    for (auto* visitor : busy) {
      for (int i = 0; i < 4; ++i) keep_posting(*visitor);
    }
    for (auto* visitor : resuming) keep_resuming(*visitor);
    crowd_.run_for(milliseconds(200));

    v1::ClientFrame frame;
    switch (way) {
      case Way::logout: frame.mutable_logout(); break;
      case Way::by_id: frame = revoke(0, token_id); break;
      case Way::all_own: frame = revoke(0, 0); break;
      case Way::by_staff: frame = revoke(person.account, 0); break;
      case Way::password:
        frame.mutable_change_password()->set_old_password(ServerProcess::kPassword);
        frame.mutable_change_password()->set_new_password("another long password");
        frame.mutable_change_password()->set_client_msg_id(support::message_id());
        break;
    }
    std::optional<v1::Reply> acknowledged;
    Clock::time_point at;
    std::uint64_t accepted = 0;
    revoker.send(frame, [&](const v1::Reply& reply) {
      acknowledged = reply;
      at = Clock::now();
      // From here on nothing that this device asks may be done.
      for (auto* visitor : all) {
        visitor->send(say_in_room("après"),
                      [&accepted](const v1::Reply& late) { accepted += late.has_post_message(); });
      }
    });
    REQUIRE(crowd_.run_until([&] { return acknowledged.has_value(); }));
    REQUIRE_MESSAGE(!acknowledged->has_refusal(), acknowledged->ShortDebugString());
    // Another's post, asked after the acknowledgement: what the device does must lie before it.
    const std::uint64_t barrier = ask(*voice_, say_in_room("repère")).post_message().last_seq();
    barrier_ = barrier;
    for (int i = 0; i < 5; ++i) ask(*voice_, say_in_room("et encore"));

    const auto closed = [&] {
      return std::ranges::all_of(all, [](Visitor* v) {
        return !v->connected() || (!v->authenticated() && v->refused_entry());
      });
    };
    REQUIRE(crowd_.run_until(closed));
    double latest = 0;
    for (auto* visitor : all) {
      if (visitor->losses() > 0 && visitor->lost_at() > at)
        latest = std::max(
            latest, std::chrono::duration<double, std::milli>(visitor->lost_at() - at).count());
    }
    running_ = false;
    for (auto* visitor : idle) CHECK(visitor->close_code() == v1::CLOSE_CODE_REVOKED);
    CHECK_MESSAGE(accepted == 0, accepted, " accepted after: ", name(way));
    CHECK(seen_after_ == 0);
    if (long_trial()) CHECK(latest <= 1'000);

    // The token is worth nothing any more, by either way in.
    auto& again = crowd_.add({.port = server_.port(), .token = person.token, .follow = {}});
    again.connect();
    REQUIRE(crowd_.run_until([&] { return again.refused_entry().has_value(); }));
    CHECK(again.refused_entry()->code() == v1::REFUSAL_CODE_UNAUTHENTICATED);
    again.cut();
    CHECK(call_status(person.token) == 401);
    for (auto* visitor : all) {
      visitor->on_lost = nullptr;
      visitor->cut();
    }
    revoker.cut();

    // The log has nothing of the device beyond the barrier, and never what was asked after the acknowledgement.
    support::WireClient reader(server_.port());
    reader.enter(voice_token_);
    support::Followed from;
    from.epoch = epoch();
    reader.resume(server_.stream(), from);
    const auto end = ask(*voice_, say_in_room("fin")).post_message().last_seq();
    std::uint64_t late = 0;
    std::uint64_t mine = 0;
    for (const auto& event : reader.wait_for(server_.stream(), end).events) {
      if (event.actor() != person.account || !event.has_message_posted()) continue;
      mine += event.message_posted().body() == "avant";
      late += event.message_posted().body() == "après";
      late += event.message_posted().body() == "avant" && event.seq() > barrier;
    }
    CHECK(late == 0);
    // Otherwise no request was under way.
    CHECK(mine > 0);
    slowest = std::max(slowest, latest);
    ++ways;
  }

  double slowest = 0;
  int ways = 0;

 private:
  v1::ClientFrame say_in_room(std::string body) const {
    return post(server_.stream(), server_.room(v1::ROOM_ACCESS_ALL), std::move(body));
  }

  v1::Reply ask(Visitor& who, v1::ClientFrame frame) {
    std::optional<v1::Reply> answer;
    who.send(std::move(frame), [&answer](const v1::Reply& r) { answer = r; });
    REQUIRE(crowd_.run_until([&] { return answer.has_value(); }));
    REQUIRE_MESSAGE(!answer->has_refusal(), answer->ShortDebugString());
    return *answer;
  }

  int call_status(const std::string& token) const {
    const std::string fields = "Content-Type: application/json\r\nAuthorization: Bearer " +
                               auth::to_base64url(token) + "\r\n";
    return support::request(server_.port(), "POST", "/v1/call", fields, R"({"listClubs": {}})")
        .status;
  }

  std::uint64_t token_id_of(Visitor& visitor) {
    v1::ClientFrame frame;
    frame.mutable_list_tokens();
    const auto reply = ask(visitor, frame);
    for (const auto& device : reply.list_tokens().devices()) {
      if (device.current()) return device.token_id();
    }
    return 0;
  }

  std::uint64_t epoch() {
    support::WireClient asked(server_.port());
    asked.enter(voice_token_);
    return asked.follow(server_.stream()).epoch();
  }

  void keep_posting(Visitor& visitor) {
    visitor.send(say_in_room("avant"), [this, &visitor](const v1::Reply&) {
      if (running_ && barrier_ == 0) keep_posting(visitor);
    });
  }

  // Comes back from the beginning of the log, again and again.
  void keep_resuming(Visitor& visitor) {
    if (!running_ || visitor.refused_entry()) return;
    auto& held = visitor.at(server_.stream());
    held.cursor = 0;
    visitor.connect();
    crowd_.later(milliseconds(15), [this, &visitor] { keep_resuming(visitor); });
  }

  ServerProcess& server_;
  Crowd& crowd_;
  Visitor* voice_ = nullptr;
  const std::string voice_token_ = server_.owner().other_token;
  std::uint64_t barrier_ = 0;
  std::uint64_t seen_after_ = 0;
  bool running_ = false;
};

TEST_CASE(
    "I8 a revoked device is cut, idle, asking or resuming, and nothing it asks after is done") {
  CAPTURE(seed());
  const int rounds = figure(1, 20);
  ServerProcess server({.settings = {}, .people = static_cast<unsigned>(4 * rounds)});
  Crowd crowd;
  Revocation revocation(server, crowd);
  for (int round = 0; round < rounds; ++round) {
    const auto person = [&](int way) -> const auto& {
      return server.person(static_cast<std::size_t>(4 * round + way));
    };
    revocation.revoke_by(Way::logout, person(0));
    revocation.revoke_by(Way::by_id, person(1));
    revocation.revoke_by(Way::all_own, person(2));
    revocation.revoke_by(Way::by_staff, person(3));
  }
  revocation.revoke_by(Way::password, server.owner());
  say("I8: " + std::to_string(revocation.ways) +
      " revocations, 12 connections each, the last closed " + std::to_string(revocation.slowest) +
      " ms after the acknowledgement at most");
}

}  // namespace
}  // namespace amicale::chaos
