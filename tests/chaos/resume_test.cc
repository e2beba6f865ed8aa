// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I5 and I6. Subscribers of both kinds (the SDK's client, and WireClient, which shares nothing with it) follow one club behind
// proxies that cut, drop, stall and split, plain and over TLS, while posts, edits, deletions, reactions, changes of role and of
// a room's readers go on. What each of them saw is compared with a ledger that the one who made the changes kept: who could
// read what, reckoned here from docs/protocol.md and from nothing of the server's.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "amicale/client/client.h"
#include "tests/chaos/proxy.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"
#include "tests/chaos/trial.h"
#include "tests/support/wire_client.h"

namespace amicale::chaos {
namespace {

using support::Lost;
using support::WireClient;

// --- The reckoning ---

constexpr unsigned bit(v1::ClubRole role) { return 1u << static_cast<unsigned>(role); }
constexpr unsigned kEveryone = ~0u;

// Who could read one event when it was committed: a set of roles, and one account beside them.
struct Entry {
  unsigned readers = kEveryone;
  std::uint64_t account = 0;
  std::string id;  // client_msg_id
};

// One change of one subscriber's role, and how far the subscriber was known to be before it was asked for.
struct RoleChange {
  std::uint64_t seq = 0;
  v1::ClubRole role = v1::CLUB_ROLE_MEMBER;
  std::uint64_t held_before = 0;
};

class Ledger {
 public:
  void note(std::uint64_t seq, Entry entry) {
    const std::lock_guard lock(mutex_);
    const bool fresh = entries_.emplace(seq, std::move(entry)).second;
    if (!fresh) doubled_.insert(seq);
  }
  std::map<std::uint64_t, Entry> entries_;
  std::set<std::uint64_t> doubled_;

 private:
  std::mutex mutex_;
};

// What came to one subscriber, in order.
struct Seen {
  std::uint64_t from = 0;                                     // seq of its snapshot
  std::vector<std::pair<std::uint64_t, std::string>> events;  // seq, client_msg_id
};

// Whether an event had to reach a subscriber, could, or must not have. It is decided when the event is sent: by the role held
// when it was committed and the one held then. The subscriber may have been sent it at any moment until it was known to hold
// it.
enum class Must : std::uint8_t { see, either, not_see };

Must reckon(std::uint64_t seq, const Entry& entry, std::uint64_t account,
            const std::vector<RoleChange>& changes) {
  if (entry.account == account) return Must::see;
  std::size_t then = 0;
  while (then + 1 < changes.size() && changes[then + 1].seq <= seq) ++then;
  // A change of one's own role is part of what it decides: from its seq on.
  if ((entry.readers & bit(changes[then].role)) == 0) return Must::not_see;
  for (std::size_t later = then + 1; later < changes.size(); ++later) {
    if (changes[later].held_before >= seq) return Must::see;
    if ((entry.readers & bit(changes[later].role)) == 0) return Must::either;
  }
  return Must::see;
}

// --- The subscribers ---

class Subscriber {
 public:
  Subscriber(const ServerProcess& server, std::size_t person, std::uint16_t port, bool tls)
      : account(server.person(person).account),
        token_(server.person(person).token),
        port_(port),
        certificate_(tls ? server.certificate() : ""),
        stream_(server.stream()) {}
  virtual ~Subscriber() = default;

  std::uint64_t cursor() const { return cursor_; }
  virtual void finish() = 0;

  const std::uint64_t account;
  std::vector<RoleChange> roles;
  Seen seen;                // read it after finish()
  std::string failure;      // the same
  std::uint64_t times = 0;  // connections that were followed on

 protected:
  const std::string token_;
  const std::uint16_t port_;
  const std::string certificate_;
  const v1::StreamId stream_;
  std::atomic<std::uint64_t> cursor_ = 0;
};

// The independent client, on a thread of its own: connects, resumes, reads until it is cut, and again.
class WireSubscriber final : public Subscriber {
 public:
  WireSubscriber(const ServerProcess& server, std::size_t person, std::uint16_t port, bool tls,
                 const std::atomic<std::uint64_t>& last)
      : Subscriber(server, person, port, tls), last_(last), thread_([this] { live(); }) {}
  ~WireSubscriber() override {
    stopped_ = true;
    finish();
  }
  void finish() override {
    if (thread_.joinable()) thread_.join();
  }

 private:
  void live() {
    try {
      while (cursor_ < last_ && !stopped_) visit();
    } catch (const std::exception& e) {
      failure = e.what();
      cursor_ = UINT64_MAX;
    } catch (...) {
      failure = "an assertion of the client's own";
      cursor_ = UINT64_MAX;
    }
  }

  void visit() {
    std::optional<WireClient> client;
    try {
      client.emplace(port_, certificate_);
      client->enter(token_);
      if (!held_) {
        client->follow(stream_);
        held_ = client->at(stream_);
        seen.from = held_->cursor;
        held_->events.clear();
      } else {
        const auto answer = client->resume(stream_, *held_);
        if (answer.outcome() == v1::SUBSCRIBE_OUTCOME_GAP) throw std::runtime_error("a gap");
      }
      ++times;
      while (client->at(stream_).cursor < last_ && !stopped_ && client->read_frame())
        cursor_ = client->at(stream_).cursor;
    } catch (const Lost&) {
    } catch (const boost::system::system_error&) {
      // Cut before the WebSocket was there.
    }
    if (!client || !held_) return;
    support::Followed now = client->at(stream_);
    if (now.epoch == 0) return;
    for (const auto& event : now.events)
      seen.events.emplace_back(event.seq(), event.client_msg_id());
    now.events.clear();
    held_ = std::move(now);
    cursor_ = held_->cursor;
  }

  const std::atomic<std::uint64_t>& last_;
  std::atomic<bool> stopped_ = false;
  std::optional<support::Followed> held_;
  std::thread thread_;
};

// The SDK's client.
class SdkSubscriber final : public Subscriber {
 public:
  SdkSubscriber(const ServerProcess& server, std::size_t person, std::uint16_t port, bool tls)
      : Subscriber(server, person, port, tls), club_(client::Stream::from(stream_)) {
    client::Options options;
    options.url = (tls ? "wss://localhost:" : "ws://localhost:") + std::to_string(port_);
    options.ca_file = certificate_;
    options.token = token_;
    options.follow = {club_};
    options.longest_wait = milliseconds(40);
    options.on_happening = [this](const client::Happening& happening) { take(happening); };
    client_.emplace(std::move(options));
    client_->connect();
  }
  void finish() override {
    if (client_) client_->close(milliseconds(0));
    client_.reset();
  }

  // Says something of its own, through the same line; the answers come through answered().
  std::string post(std::uint64_t room, std::string body) {
    return client_->post(club_, room, std::move(body));
  }
  std::vector<std::pair<std::string, v1::Committed>> answered() {
    const std::lock_guard lock(mutex_);
    return answers_;
  }

 private:
  void take(const client::Happening& happening) {
    if (const auto* start = std::get_if<client::Resynced>(&happening);
        start && start->stream == club_) {
      if (seen.from != 0) failure = "a second snapshot";
      seen.from = start->at.seq;
      cursor_ = start->at.seq;
    }
    if (const auto* batch = std::get_if<client::Batch>(&happening);
        batch && batch->stream == club_) {
      for (const auto& event : batch->events)
        seen.events.emplace_back(event.seq(), event.client_msg_id());
      cursor_ = batch->through.seq;
    }
    if (std::holds_alternative<client::Online>(happening)) ++times;
    if (std::holds_alternative<client::Closed>(happening) && cursor_ == 0) failure = "closed";
    if (const auto* answer = std::get_if<client::Answered>(&happening);
        answer && answer->request.has_post_message()) {
      const std::lock_guard lock(mutex_);
      if (answer->result)
        answers_.emplace_back(answer->request.post_message().client_msg_id(),
                              answer->result->post_message());
    }
  }

  const client::Stream club_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, v1::Committed>> answers_;
  std::optional<client::Client> client_;  // last: its thread uses the rest
};

// --- Who makes the changes ---

// A room and what the one who changes it knows of it.
struct RoomFacts {
  std::uint64_t id = 0;
  unsigned readers = kEveryone;
  std::vector<std::uint64_t> own;  // numbers of the director's messages that still stand
};

// Makes every kind of change, one at a time on one connection, and writes each into the ledger. Reads its own writes.
class Director {
 public:
  Director(const ServerProcess& server, Ledger& ledger, std::vector<Subscriber*> people)
      : server_(server),
        ledger_(ledger),
        people_(std::move(people)),
        random_(seed()),
        client_(server.port()) {
    client_.enter(server.owner().token);
    open_.id = server.room(v1::ROOM_ACCESS_ALL);
    backroom_.id = make_room("arrière-salle", {v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_PRESIDENT});
    sponsors_.id = make_room("parrains", {v1::CLUB_ROLE_SPONSOR});
    backroom_.readers = bit(v1::CLUB_ROLE_COMMITTEE) | bit(v1::CLUB_ROLE_PRESIDENT);
    sponsors_.readers = bit(v1::CLUB_ROLE_SPONSOR);
  }

  // One change. Answers the last seq of it.
  std::uint64_t step() {
    auto& room = pick();
    switch (random_() % 16) {
      case 0: return change_role();
      case 1: return room.own.empty() ? say(room) : take_back(room);
      case 2:
      case 3: return room.own.empty() ? say(room) : correct(room);
      case 4: return room.own.empty() ? say(room) : like(room);
      case 5: return reopen();
      default: return say(room);
    }
  }

  std::uint64_t say(RoomFacts& room) {
    const std::string body = "parole " + std::to_string(++said_);
    auto frame = post(server_.stream(), room.id, body);
    const auto done = ask(frame).post_message();
    note(done, room.readers, frame.post_message().client_msg_id());
    room.own.push_back(done.object_id());
    if (said_ % read_back_ == 0) {
      const auto page = ask(history(server_.stream(), room.id, done.object_id(), 1)).get_history();
      CHECK(page.seq() >= done.last_seq());
      REQUIRE(page.messages_size() == 1);
      CHECK(page.messages(0).body() == body);
      CHECK(page.messages(0).seq() == done.last_seq());
    }
    return done.last_seq();
  }
  std::uint64_t say_to_all() { return say(open_); }
  std::uint64_t head() const { return head_; }
  std::uint64_t own_writes_read() const { return said_ / read_back_; }
  std::uint64_t changes(const std::string& kind) { return counts_[kind]; }

 private:
  v1::Reply ask(v1::ClientFrame frame) {
    auto reply = client_.call(std::move(frame));
    REQUIRE_MESSAGE(!reply.has_refusal(), reply.ShortDebugString());
    return reply;
  }

  void note(const v1::Committed& done, unsigned readers, const std::string& id,
            std::uint64_t account = 0) {
    for (auto seq = done.first_seq(); seq != 0 && seq <= done.last_seq(); ++seq)
      ledger_.note(seq, {readers, account, id});
    head_ = std::max(head_, done.last_seq());
  }

  std::uint64_t make_room(const std::string& name, std::vector<v1::ClubRole> roles) {
    return ask(create_room(server_.club(), name, std::move(roles))).create_room().object_id();
  }

  RoomFacts& pick() {
    switch (random_() % 4) {
      case 0: return backroom_;
      case 1: return sponsors_;
      default: return open_;
    }
  }

  std::uint64_t change_role() {
    static constexpr v1::ClubRole roles[] = {v1::CLUB_ROLE_GUEST, v1::CLUB_ROLE_MEMBER,
                                             v1::CLUB_ROLE_SPONSOR, v1::CLUB_ROLE_COMMITTEE};
    // The first half of them keep what they have, so that for these there is one answer only.
    auto& person = *people_[people_.size() / 2 + random_() % (people_.size() - people_.size() / 2)];
    const auto role = roles[random_() % std::size(roles)];
    if (person.roles.back().role == role) return say_to_all();
    // A subscriber that was seen to hold everything has been sent all that its old role could read.
    const std::uint64_t held = person.cursor();
    auto frame = set_role(server_.club(), person.account, role);
    const auto done = ask(frame).set_role();
    note(done, kEveryone, frame.set_role().client_msg_id(), person.account);
    person.roles.push_back({done.last_seq(), role, held});
    ++counts_["roles"];
    return done.last_seq();
  }

  std::uint64_t correct(RoomFacts& room) {
    const auto number = room.own[random_() % room.own.size()];
    const std::string body = "corrigé " + std::to_string(++said_);
    auto frame = edit(server_.stream(), room.id, number, body);
    const auto done = ask(frame).edit_message();
    note(done, room.readers, frame.edit_message().client_msg_id());
    const auto page = ask(history(server_.stream(), room.id, number, 1)).get_history();
    REQUIRE(page.messages_size() == 1);
    CHECK(page.messages(0).body() == body);
    ++counts_["edits"];
    return done.last_seq();
  }

  std::uint64_t take_back(RoomFacts& room) {
    const auto at = random_() % room.own.size();
    const auto number = room.own[at];
    room.own.erase(room.own.begin() + static_cast<std::ptrdiff_t>(at));
    auto frame = erase(server_.stream(), room.id, number);
    const auto done = ask(frame).delete_message();
    note(done, room.readers, frame.delete_message().client_msg_id());
    const auto page = ask(history(server_.stream(), room.id, number, 1)).get_history();
    REQUIRE(page.messages_size() == 1);
    CHECK(page.messages(0).deleted());
    CHECK(page.messages(0).body().empty());
    ++counts_["deletions"];
    return done.last_seq();
  }

  std::uint64_t like(RoomFacts& room) {
    auto frame = react(server_.stream(), room.id, room.own[random_() % room.own.size()], "👍");
    const auto done = ask(frame).react();
    note(done, room.readers, frame.react().client_msg_id());
    return done.last_seq();
  }

  // The sponsors' room is opened to all, or closed again: whoever reads it before or after is told.
  std::uint64_t reopen() {
    const bool closed = sponsors_.readers != kEveryone;
    auto frame = set_access(
        server_.club(), sponsors_.id,
        closed ? std::vector<v1::ClubRole>{} : std::vector<v1::ClubRole>{v1::CLUB_ROLE_SPONSOR});
    const auto done = ask(frame).change_room();
    note(done, kEveryone, frame.change_room().client_msg_id());
    sponsors_.readers = closed ? kEveryone : bit(v1::CLUB_ROLE_SPONSOR);
    ++counts_["rooms"];
    return done.last_seq();
  }

  const ServerProcess& server_;
  Ledger& ledger_;
  std::vector<Subscriber*> people_;
  std::mt19937_64 random_;
  WireClient client_;
  RoomFacts open_, backroom_, sponsors_;
  std::uint64_t said_ = 0;
  const std::uint64_t read_back_ = figure(4, 1);  // how many posts to each that is read back
  std::uint64_t head_ = 0;
  std::map<std::string, std::uint64_t> counts_;
};

// --- Faults ---

std::function<Fate()> fates(std::uint64_t from, std::size_t least) {
  return [random = std::mt19937_64(from), least]() mutable {
    Fate fate;
    fate.cut_after = least + random() % (2 * least);
    fate.reset = random() % 2 == 0;
    switch (random() % 8) {
      case 0: fate.piece = 1 + random() % 40; break;
      case 1: fate.delay = milliseconds(random() % 4); break;
      case 2:
        fate.stall_after = fate.cut_after / 2;
        fate.stall = milliseconds(20 + random() % 150);
        break;
      case 3: fate.drop = 0.05; break;
      case 4: fate.cut_after = random() % least; break;  // before it is followed, often
      default: break;
    }
    return fate;
  };
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t seq, const std::string& id) {
  hash ^= seq;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash * 0x9e3779b97f4a7c15 + 1;
}

TEST_CASE("what the reckoning says of a role that is lost and of a room that is closed") {
  const Entry in_back{bit(v1::CLUB_ROLE_COMMITTEE), 0, ""};
  const std::vector<RoleChange> lost = {{0, v1::CLUB_ROLE_COMMITTEE, 0},
                                        {20, v1::CLUB_ROLE_MEMBER, 15}};
  CHECK(reckon(10, in_back, 1, lost) == Must::see);      // it held 15 before the role was lost
  CHECK(reckon(17, in_back, 1, lost) == Must::either);   // on its way, or too late
  CHECK(reckon(20, in_back, 1, lost) == Must::not_see);  // decided
  CHECK(reckon(30, in_back, 1, lost) == Must::not_see);
  CHECK(reckon(30, {kEveryone, 0, ""}, 1, lost) == Must::see);
  CHECK(reckon(30, {0, 1, ""}, 1, lost) == Must::see);
  const std::vector<RoleChange> won = {{0, v1::CLUB_ROLE_MEMBER, 0},
                                       {20, v1::CLUB_ROLE_COMMITTEE, 0}};
  CHECK(reckon(10, in_back, 1, won) == Must::not_see);
  CHECK(reckon(21, in_back, 1, won) == Must::see);
}

TEST_CASE("I5 I6 cut at any byte, plain and TLS, each subscriber sees exactly what it may, once") {
  CAPTURE(seed());
  const std::size_t count = figure<std::size_t>(16, 50);
  const std::uint64_t wanted = figure<std::uint64_t>(500, 10'000);
  ServerProcess server(
      {.settings = {{"limits.ring_events", "128"}}, .people = static_cast<unsigned>(count)});
  Proxy plain(server.port());
  Proxy secret(server.tls_port());

  std::atomic<std::uint64_t> last = UINT64_MAX;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  std::vector<SdkSubscriber*> speakers;
  for (std::size_t i = 0; i < count; ++i) {
    const bool tls = i % 4 >= 2;
    const std::uint16_t port = tls ? secret.port() : plain.port();
    if (i % 2 == 0) {
      auto sdk = std::make_unique<SdkSubscriber>(server, i, port, tls);
      speakers.push_back(sdk.get());
      subscribers.push_back(std::move(sdk));
    } else {
      subscribers.push_back(std::make_unique<WireSubscriber>(server, i, port, tls, last));
    }
    subscribers.back()->roles.push_back({});
  }
  const auto all = [&](auto so) {
    const auto deadline = Clock::now() + seconds(120);
    while (!std::ranges::all_of(subscribers, [&](const auto& s) { return so(*s); })) {
      if (Clock::now() > deadline) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  };
  REQUIRE(all([](const Subscriber& s) { return s.cursor() > 0; }));

  Ledger ledger;
  std::vector<Subscriber*> people;
  for (const auto& s : subscribers) people.push_back(s.get());
  Director director(server, ledger, people);
  const std::uint64_t start = director.say_to_all();

  plain.set_fate(fates(seed(), 1'400));
  secret.set_fate(fates(seed() + 1, 4'000));
  plain.cut_all();
  secret.cut_all();
  std::map<std::string, SdkSubscriber*> spoken;
  std::uint64_t steps = 0;
  const auto began = Clock::now();
  const seconds most = figure(seconds(300), seconds(7'200));  // only a bound: the cuts are counted
  while (plain.cuts() + secret.cuts() < wanted && Clock::now() - began < most) {
    director.step();
    if (++steps % 8 == 0) {
      auto& speaker = *speakers[(steps / 8) % speakers.size()];
      spoken[speaker.post(server.room(v1::ROOM_ACCESS_ALL), "moi " + std::to_string(steps))] =
          &speaker;
    }
    if (steps % 96 == 0) plain.cut_all();
    if (steps % 160 == 0) secret.cut_all();
  }
  const std::uint64_t cuts = plain.cuts() + secret.cuts();
  CHECK(cuts >= wanted);
  // The faults end; whoever is behind one comes through on the next connection.
  for (Proxy* proxy : {&plain, &secret}) {
    proxy->set_fate([] { return Fate{}; });
    proxy->cut_all();
  }
  const auto answered = [&] {
    std::size_t answers = 0;
    for (auto* speaker : speakers) answers += speaker->answered().size();
    return answers;
  };
  const auto deadline = Clock::now() + seconds(60);
  while (answered() < spoken.size() && Clock::now() < deadline)
    std::this_thread::sleep_for(milliseconds(5));
  CHECK(answered() == spoken.size());
  for (auto* speaker : speakers) {
    for (const auto& [id, done] : speaker->answered()) {
      CHECK(spoken.contains(id));
      ledger.note(done.first_seq(), {kEveryone, 0, id});
    }
  }
  const std::uint64_t end = director.say_to_all();
  last = end;
  // The SDK's clients are done when they hold the end; the others stop there by themselves.
  REQUIRE(all([end](const Subscriber& s) { return s.cursor() >= end; }));
  for (const auto& s : subscribers) s->finish();

  // The ledger is whole: every seq was acknowledged to somebody, once.
  CHECK(ledger.doubled_.empty());
  std::vector<std::uint64_t> unknown;
  for (std::uint64_t seq = start; seq <= end; ++seq) {
    if (!ledger.entries_.contains(seq)) unknown.push_back(seq);
  }
  CHECK(unknown.empty());

  // I5: what each saw, against the reckoning.
  std::uint64_t compared = 0;
  std::uint64_t open_to_choice = 0;
  std::uint64_t followed = 0;
  for (const auto& s : subscribers) {
    CAPTURE(s->account);
    CHECK_MESSAGE(s->failure.empty(), s->failure);
    followed += s->times;
    std::map<std::uint64_t, std::string> saw;
    std::uint64_t before = s->seen.from;
    bool ordered = true;
    for (const auto& [seq, id] : s->seen.events) {
      ordered = ordered && seq > before;
      before = seq;
      saw.emplace(seq, id);
    }
    CHECK(ordered);
    std::vector<std::uint64_t> missing;
    std::vector<std::uint64_t> leaked;
    std::vector<std::uint64_t> wrong;
    for (const auto& [seq, entry] : ledger.entries_) {
      const auto must = reckon(seq, entry, s->account, s->roles);
      const auto found = saw.find(seq);
      ++compared;
      open_to_choice += must == Must::either;
      if (must == Must::see && found == saw.end()) missing.push_back(seq);
      if (must == Must::not_see && found != saw.end()) leaked.push_back(seq);
      if (found != saw.end() && found->second != entry.id) wrong.push_back(seq);
    }
    CHECK_MESSAGE(missing.empty(), missing.size(), " missing, first ",
                  missing.empty() ? 0 : missing.front());
    CHECK_MESSAGE(leaked.empty(), leaked.size(), " leaked, first ",
                  leaked.empty() ? 0 : leaked.front());
    CHECK(wrong.empty());
  }

  // I6: one order for all, and it is the log's.
  WireClient reader(server.port());
  reader.enter(server.owner().token);
  support::Followed from_start;
  from_start.epoch = [&] {
    WireClient asked(server.port());
    asked.enter(server.owner().token);
    return asked.follow(server.stream()).epoch();
  }();
  reader.resume(server.stream(), from_start);
  const auto log = reader.wait_for(server.stream(), end).events;
  std::uint64_t of_log = 0;
  std::map<std::string, int> times_in_log;
  std::map<std::uint64_t, std::string> posts_in_log;
  for (const auto& event : log) {
    if (event.has_message_posted() &&
        event.message_posted().room_id() == server.room(v1::ROOM_ACCESS_ALL))
      posts_in_log[event.seq()] = event.client_msg_id();
    if (event.seq() < start || event.seq() > end) continue;
    const auto& entry = ledger.entries_.at(event.seq());
    if (entry.readers == kEveryone) of_log = mix(of_log, event.seq(), event.client_msg_id());
    ++times_in_log[event.client_msg_id()];
  }
  for (const auto& s : subscribers) {
    std::uint64_t hash = 0;
    for (const auto& [seq, id] : s->seen.events) {
      if (seq < start || seq > end) continue;
      if (ledger.entries_.at(seq).readers == kEveryone) hash = mix(hash, seq, id);
    }
    CHECK(hash == of_log);
  }
  for (const auto& [id, speaker] : spoken) CHECK(times_in_log[id] == 1);
  // History says the same as the log.
  std::map<std::uint64_t, std::string> posts_in_history;
  for (std::uint64_t around = 0;;) {
    const auto page =
        reader.call(history(server.stream(), server.room(v1::ROOM_ACCESS_ALL), around, 200))
            .get_history();
    for (const auto& message : page.messages())
      posts_in_history[message.seq()] = message.client_msg_id();
    if (page.messages().empty() || page.messages(0).number() == 1) break;
    around = page.messages(0).number() - 1;
  }
  CHECK(posts_in_history == posts_in_log);

  say("I5: " + std::to_string(cuts) + " cuts, " + std::to_string(count) + " subscribers, " +
      std::to_string(followed) + " connections followed on, " +
      std::to_string(ledger.entries_.size()) + " events, " + std::to_string(compared) +
      " reckonings (" + std::to_string(open_to_choice) + " open to either), " +
      std::to_string(director.changes("roles")) + " role changes, " +
      std::to_string(director.changes("rooms")) + " changes of readers, " +
      std::to_string(director.changes("edits")) + " edits, " +
      std::to_string(director.changes("deletions")) + " deletions");
  say("I6: one hash over " + std::to_string(count) + " subscribers and the log, " +
      std::to_string(posts_in_log.size()) + " posts equal in history, " +
      std::to_string(director.own_writes_read()) + " own writes read back");
}

TEST_CASE("I5 a line that goes black without a word is left, and nothing on it was missed") {
  CAPTURE(seed());
  ServerProcess server(
      {.settings = {{"limits.heartbeat_ms", "200"}, {"limits.dead_ms", "2000"}}, .people = 2});
  Proxy plain(server.port());
  Proxy secret(server.tls_port());
  SdkSubscriber over_plain(server, 0, plain.port(), false);
  SdkSubscriber over_tls(server, 1, secret.port(), true);
  const auto both_at = [&](std::uint64_t seq) {
    const auto deadline = Clock::now() + seconds(60);
    while (over_plain.cursor() < seq || over_tls.cursor() < seq) {
      if (Clock::now() > deadline) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  };
  REQUIRE(both_at(1));
  WireClient voice(server.port());
  voice.enter(server.owner().token);
  const auto say_one = [&] {
    return voice.call(post(server.stream(), server.room(v1::ROOM_ACCESS_ALL), "parole"))
        .post_message()
        .last_seq();
  };
  const int rounds = figure(2, 50);
  const std::uint64_t first = say_one();
  std::uint64_t last = first;
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(both_at(last));
    plain.black_hole_all();
    secret.black_hole_all();
    for (int i = 0; i < 5; ++i) last = say_one();
  }
  REQUIRE(both_at(last));
  for (SdkSubscriber* subscriber : {&over_plain, &over_tls}) {
    subscriber->finish();
    CHECK_MESSAGE(subscriber->failure.empty(), subscriber->failure);
    // On a machine that gives nobody a turn, a line may be taken for black that is not.
    CHECK(subscriber->times > static_cast<std::uint64_t>(rounds));
    std::uint64_t expected = first;
    for (const auto& [seq, id] : subscriber->seen.events) {
      if (seq >= first) CHECK(seq == expected++);
    }
    CHECK(expected == last + 1);
  }
  say("I5: " + std::to_string(2 * rounds) + " lines gone black, each left and made anew");
}

}  // namespace
}  // namespace amicale::chaos
