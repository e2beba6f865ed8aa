// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I7. Whoever is removed, banned, gone, without the role or before a closed door gets no byte of what comes after. Everything
// said carries a canary of its own; what a person's connections brought is kept byte for byte and searched for canaries whose
// seq lies beyond the one that decided, whatever they came in: live, late, resumed, as history or as a hint.
#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"
#include "tests/support/wire_client.h"

namespace amicale::chaos {
namespace {

constexpr std::string_view kCanary = "canari-";

enum class Way : std::uint8_t { removed, banned, left, role_lost, room_closed };
constexpr int kWays = 5;
// How the person's connection stands when it is decided.
enum class Stance : std::uint8_t { live, slow, resuming, asking };
constexpr int kStances = 4;

struct Victim {
  Visitor* visitor = nullptr;
  std::uint64_t account = 0;
  Way way = Way::removed;
  Stance stance = Stance::live;
  std::uint64_t decided = 0;  // the seq that decided; 0 = not yet
  std::vector<std::string> wrong;
};

class Removal {
 public:
  Removal(ServerProcess& server, Crowd& crowd, std::size_t victims)
      : server_(server), crowd_(crowd) {
    owner_ = &crowd_.add({.port = server.port(), .token = server.owner().token, .follow = {}});
    owner_->connect();
    REQUIRE(crowd_.run_until([&] { return owner_->live(); }));
    general_ = server.room(v1::ROOM_ACCESS_ALL);
    back_ = ask(create_room(server.club(), "arrière-salle", {v1::CLUB_ROLE_COMMITTEE}))
                .create_room()
                .object_id();
    salon_ = ask(create_room(server.club(), "salon", {})).create_room().object_id();
    for (std::size_t i = 0; i < victims; ++i) {
      auto& victim = victims_.emplace_back();
      victim.account = server.person(i).account;
      victim.way = static_cast<Way>(i % kWays);
      victim.stance = static_cast<Stance>(i / kWays % kStances);
      victim.visitor = &crowd_.add({.port = server.port(),
                                    .token = server.person(i).token,
                                    .follow = {server.stream()},
                                    .signals = true,
                                    .receive_buffer = victim.stance == Stance::slow ? 4'096 : 0,
                                    .capture = true});
      watch(i);
    }
  }

  void round() {
    for (auto& victim : victims_) begin(victim);
    REQUIRE(crowd_.run_until([&] {
      return std::ranges::all_of(victims_, [](const auto& v) { return v.visitor->live(); });
    }));
    talking_ = true;
    talk();
    crowd_.run_for(milliseconds(200));
    for (auto& victim : victims_) {
      if (victim.stance == Stance::slow) victim.visitor->set_reading(false);
      if (victim.stance == Stance::asking) keep_asking(victim);
    }
    crowd_.run_for(milliseconds(200));
    decide_all();
    // After all decisions: someone who has not been here yet comes and types, in each room.
    const auto& late = server_.person(victims_.size() + rounds_++);
    late_account_ = late.account;
    ask(set_role(server_.club(), late.account, v1::CLUB_ROLE_COMMITTEE));
    auto& newcomer = crowd_.add({.port = server_.port(),
                                 .token = late.token,
                                 .follow = {server_.stream()},
                                 .signals = true});
    newcomer.connect();
    REQUIRE(crowd_.run_until([&] { return newcomer.live(); }));
    for (const auto room : {general_, back_, salon_}) {
      newcomer.send(typing(server_.stream(), room), [](const v1::Reply& reply) {
        CHECK_MESSAGE(!reply.has_refusal(), reply.ShortDebugString());
      });
    }
    crowd_.run_for(milliseconds(1'300));
    for (auto& victim : victims_) knock(victim);
    settle();
    talking_ = false;
    REQUIRE(crowd_.run_until([&] { return in_flight_ == 0; }));
    settle();
    for (auto& victim : victims_) judge(victim);
    newcomer.cut();
    for (auto& victim : victims_) reinstate(victim);
  }

  std::uint64_t decisions = 0;
  std::uint64_t searched = 0;  // canaries found in what was captured
  std::uint64_t before = 0;    // of these, rightly
  std::uint64_t bytes = 0;

 private:
  v1::Reply ask(v1::ClientFrame frame, Visitor* who = nullptr) {
    std::optional<v1::Reply> answer;
    (who ? who : owner_)->send(std::move(frame), [&answer](const v1::Reply& r) { answer = r; });
    REQUIRE(crowd_.run_until([&] { return answer.has_value(); }));
    REQUIRE_MESSAGE(!answer->has_refusal(), answer->ShortDebugString());
    return *answer;
  }

  bool out(const Victim& v) const { return v.way <= Way::left; }
  // The room that the person may no longer read; 0 = all of the club.
  std::uint64_t closed_room(const Victim& v) const {
    return v.way == Way::role_lost ? back_ : v.way == Way::room_closed ? salon_ : 0;
  }

  // Judges as it comes what has a seq or names a person.
  void watch(std::size_t index) {
    auto* visitor = victims_[index].visitor;
    visitor->on_event = [this, index](const v1::StreamId&, const v1::Event& event) {
      arrived_.emplace_back(index, event);
    };
    visitor->on_signal = [this, index](const v1::Signal& signal) {
      auto& v = victims_[index];
      const auto& accounts =
          signal.has_typing() ? signal.typing().accounts() : signal.presence().came();
      const bool late = std::ranges::find(accounts, late_account_) != accounts.end();
      if (late && out(v))
        v.wrong.push_back("a signal of who came after: " + signal.ShortDebugString());
      if (late && signal.has_typing() && signal.typing().room_id() == closed_room(v))
        v.wrong.push_back("typing behind the closed door");
      if (out(v) && visitor_ended(v))
        v.wrong.push_back("a signal after the end: " + signal.ShortDebugString());
    };
  }
  bool visitor_ended(const Victim& v) const { return v.visitor->at(server_.stream()).ended; }

  void begin(Victim& v) {
    v.decided = 0;
    v.visitor->forget();
    if (v.way == Way::role_lost) ask(set_role(server_.club(), v.account, v1::CLUB_ROLE_COMMITTEE));
    v.visitor->connect();
  }

  // Posts, edits, deletes and reacts, everywhere, without end.
  void talk() {
    if (!talking_) return;
    while (in_flight_ < 6) {
      ++in_flight_;
      const std::uint64_t rooms[] = {general_, back_, salon_};
      const auto room = rooms[said_ % 3];
      const std::uint64_t canary = ++said_;
      auto& own = own_[room];
      const std::string body =
          std::string(kCanary) + std::to_string(canary) + "." + std::string(300, 'x');
      v1::ClientFrame frame = post(server_.stream(), room, body);
      const auto choice = said_ / 3 % 6;
      if (choice == 1 && !own.empty()) frame = edit(server_.stream(), room, own.back(), body);
      if (choice == 2 && own.size() > 3) {
        frame = erase(server_.stream(), room, own.front());
        own.erase(own.begin());
      }
      if (choice == 3 && !own.empty()) frame = react(server_.stream(), room, own.back(), "👍");
      owner_->send(frame, [this, room, canary](const v1::Reply& reply) {
        --in_flight_;
        const auto& done = reply.has_post_message()   ? reply.post_message()
                           : reply.has_edit_message() ? reply.edit_message()
                                                      : v1::Committed::default_instance();
        if (done.last_seq() != 0) seq_of_[canary] = {done.last_seq(), room};
        if (reply.has_post_message()) own_[room].push_back(reply.post_message().object_id());
        if (reply.has_refusal() && reply.refusal().code() != v1::REFUSAL_CODE_CONFLICT)
          FAIL_CHECK(reply.ShortDebugString());
        talk();
      });
    }
  }

  void keep_asking(Victim& v) {
    auto* visitor = v.visitor;
    const auto room = closed_room(v) == 0 ? general_ : closed_room(v);
    visitor->send(history(server_.stream(), room, 0, 5), [this, &v](const v1::Reply&) {
      if (talking_ && v.visitor->connected())
        crowd_.later(milliseconds(2), [this, &v] {
          if (talking_ && v.visitor->connected()) keep_asking(v);
        });
    });
  }

  void decide_all() {
    std::size_t waiting = 0;
    bool room_asked = false;
    for (auto& v : victims_) {
      ++decisions;
      if (v.stance == Stance::resuming) v.visitor->cut();
      const auto decided = [&v, &waiting](const v1::Reply& reply) {
        const auto& done = reply.has_set_role()      ? reply.set_role()
                           : reply.has_change_room() ? reply.change_room()
                                                     : reply.set_member_status();
        CHECK_MESSAGE(done.last_seq() != 0, reply.ShortDebugString());
        v.decided = done.last_seq();
        --waiting;
      };
      ++waiting;
      switch (v.way) {
        case Way::removed:
          owner_->send(set_status(server_.club(), v.account, v1::MEMBER_STATUS_REMOVED), decided);
          break;
        case Way::banned:
          owner_->send(set_status(server_.club(), v.account, v1::MEMBER_STATUS_BANNED), decided);
          break;
        case Way::left:
          // By a connection of its own: the one that is looked at may be cut, or not reading.
          leave(v, decided);
          break;
        case Way::role_lost:
          owner_->send(set_role(server_.club(), v.account, v1::CLUB_ROLE_MEMBER), decided);
          break;
        case Way::room_closed:
          --waiting;
          if (room_asked) break;
          room_asked = true;
          ++waiting;
          owner_->send(set_access(server_.club(), salon_, {v1::CLUB_ROLE_COMMITTEE}),
                       [this, decided](const v1::Reply& reply) {
                         decided(reply);
                         for (auto& other : victims_) {
                           if (other.way == Way::room_closed)
                             other.decided = reply.change_room().last_seq();
                         }
                       });
          break;
      }
      if (v.stance == Stance::resuming) v.visitor->connect();
    }
    REQUIRE(crowd_.run_until([&] { return waiting == 0; }));
  }

  void leave(Victim& v, const Visitor::Answer& decided) {
    auto found = std::ranges::find(victims_, v.account, &Victim::account) - victims_.begin();
    support::WireClient client(server_.port());
    client.enter(server_.person(static_cast<std::size_t>(found)).other_token);
    decided(client.call(set_status(server_.club(), v.account, v1::MEMBER_STATUS_LEFT)));
  }

  // Every other way in, after the fact.
  void knock(Victim& v) {
    if (v.stance == Stance::slow) v.visitor->set_reading(true);
    const auto room = closed_room(v);
    const auto refused = [&v](const char* what) {
      return [&v, what](const v1::Reply& reply) {
        if (reply.refusal().code() != v1::REFUSAL_CODE_NOT_FOUND)
          v.wrong.push_back(std::string(what) + " answered " + reply.ShortDebugString());
      };
    };
    auto& visitor = *v.visitor;
    visitor.send(history(server_.stream(), room == 0 ? general_ : room, 0, 50), refused("history"));
    visitor.send(react(server_.stream(), room == 0 ? general_ : room, 1, "👍"), refused("react"));
    visitor.send(typing(server_.stream(), room == 0 ? general_ : room), refused("typing"));
    visitor.send(post(server_.stream(), room == 0 ? general_ : room, "encore moi"),
                 refused("post"));
    if (!out(v)) return;
    v1::ClientFrame members;
    members.mutable_list_members()->set_club_id(server_.club());
    visitor.send(members, refused("list_members"));
    v1::ClientFrame again;
    *again.mutable_subscribe()->mutable_stream() = server_.stream();
    visitor.send(again, refused("subscribe"));
    again.mutable_subscribe()->set_epoch(visitor.at(server_.stream()).epoch);
    again.mutable_subscribe()->set_after_seq(visitor.at(server_.stream()).cursor);
    visitor.send(again, refused("resume"));
    v1::ClientFrame beat;
    beat.mutable_heartbeat();
    visitor.send(beat, [this, &v](const v1::Reply& reply) {
      for (const auto& head : reply.heartbeat().heads()) {
        if (head.stream().kind() == v1::STREAM_KIND_CLUB && visitor_ended(v))
          v.wrong.push_back("a hint of the head");
      }
    });
  }

  // Until everything that was sent to anybody before has arrived.
  void settle() {
    std::size_t waiting = 0;
    for (auto& v : victims_) {
      if (!v.visitor->authenticated()) continue;
      ++waiting;
      v1::ClientFrame beat;
      beat.mutable_heartbeat();
      v.visitor->send(beat, [&waiting](const v1::Reply&) { --waiting; });
    }
    REQUIRE(crowd_.run_until([&] { return waiting == 0; }));
    // Who may still follow has come to what was said by now.
    const auto head = ask(post(server_.stream(), general_, "un point")).post_message().last_seq();
    REQUIRE(crowd_.run_until([&] {
      return std::ranges::all_of(victims_, [&](const Victim& v) {
        return out(v) ? !v.visitor->at(server_.stream()).live || visitor_ended(v)
                      : v.visitor->at(server_.stream()).cursor >= head;
      });
    }));
  }

  void judge(Victim& v) {
    CAPTURE(static_cast<int>(v.way));
    CAPTURE(static_cast<int>(v.stance));
    REQUIRE(v.decided != 0);
    const auto room = closed_room(v);
    // What came as events, by seq.
    const auto index = static_cast<std::size_t>(&v - victims_.data());
    for (const auto& [whose, event] : arrived_) {
      if (whose != index || event.seq() <= v.decided) continue;
      const bool of_room =
          event.message_posted().room_id() == room || event.message_edited().room_id() == room ||
          event.message_deleted().room_id() == room || event.reaction_changed().room_id() == room ||
          event.room_changed().room().room_id() == room;
      if (out(v) || of_room)
        v.wrong.push_back("after " + std::to_string(v.decided) + ": " +
                          event.ShortDebugString().substr(0, 200));
    }
    // What came as bytes, by canary.
    const std::string& all = v.visitor->captured();
    bytes += all.size();
    for (auto at = all.find(kCanary); at != std::string::npos; at = all.find(kCanary, at + 1)) {
      std::uint64_t canary = 0;
      std::from_chars(all.data() + at + kCanary.size(), all.data() + all.size(), canary);
      ++searched;
      const auto found = seq_of_.find(canary);
      if (found == seq_of_.end()) {
        v.wrong.push_back("a canary that nobody was told of: " + std::to_string(canary));
        continue;
      }
      const auto [seq, where] = found->second;
      if (seq <= v.decided) {
        ++before;
      } else if (out(v) || where == room) {
        v.wrong.push_back("canary " + std::to_string(canary) + " of seq " + std::to_string(seq) +
                          " after " + std::to_string(v.decided));
      }
    }
    CHECK_MESSAGE(v.wrong.empty(), v.wrong.size(),
                  " wrong, first: ", v.wrong.empty() ? "" : v.wrong.front());
    CHECK(v.visitor->at(server_.stream()).faults == 0);
    v.wrong.clear();
  }

  void reinstate(Victim& v) {
    v.visitor->cut();
    if (v.way == Way::left) ask(set_status(server_.club(), v.account, v1::MEMBER_STATUS_BANNED));
    if (out(v)) ask(set_status(server_.club(), v.account, v1::MEMBER_STATUS_ACTIVE));
    if (&v == &victims_.back()) {
      ask(set_access(server_.club(), salon_, {}));
      arrived_.clear();
    }
  }

  ServerProcess& server_;
  Crowd& crowd_;
  Visitor* owner_ = nullptr;
  std::uint64_t late_account_ = 0;
  std::size_t rounds_ = 0;
  std::uint64_t general_ = 0, back_ = 0, salon_ = 0;
  std::vector<Victim> victims_;
  std::vector<std::pair<std::size_t, v1::Event>> arrived_;
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> seq_of_;  // canary → seq, room
  std::map<std::uint64_t, std::vector<std::uint64_t>> own_;  // room → numbers that stand
  std::uint64_t said_ = 0;
  std::size_t in_flight_ = 0;
  bool talking_ = false;
};

TEST_CASE("I7 who is removed, banned, gone, demoted or shut out gets no byte of what comes after") {
  CAPTURE(seed());
  constexpr std::size_t victims = 40;
  const int rounds = figure(1, 25);
  ServerProcess server(
      {.settings = {}, .people = static_cast<unsigned>(victims) + static_cast<unsigned>(rounds)});
  Crowd crowd;
  Removal removal(server, crowd, victims);
  for (int i = 0; i < rounds; ++i) removal.round();
  // Otherwise nobody had anything to be shut out of.
  CHECK(removal.before > 0);
  say("I7: " + std::to_string(removal.decisions) + " decisions, " +
      std::to_string(removal.bytes >> 10) + " KiB captured, " + std::to_string(removal.searched) +
      " canaries in them, " + std::to_string(removal.searched - removal.before) +
      " later than the decision and of other rooms");
}

}  // namespace
}  // namespace amicale::chaos
