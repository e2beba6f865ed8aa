// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The terminal client, by its screens: keys and happenings in, cells and requests out.
#include "server/admin/chat_screen.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace amicale;
using namespace amicale::admin;
using namespace std::chrono_literals;
using client::Stream;

namespace {

constexpr std::uint64_t kMe = 1, kBob = 2, kEve = 3, kClub = 7, kRoom = 1, kOther = 2;
constexpr std::int64_t kNoon = 1'795'435'200'000;  // 2026-11-23 12:00 UTC

std::tm utc(std::int64_t unix_ms) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return parts;
}

v1::Member member(std::uint64_t id, const std::string& name,
                  v1::ClubRole role = v1::CLUB_ROLE_MEMBER) {
  v1::Member out;
  out.set_account_id(id);
  out.set_display_name(name);
  out.set_role(role);
  out.set_status(v1::MEMBER_STATUS_ACTIVE);
  return out;
}

// A person at a terminal, and a server that says what the test tells it to.
std::int64_t system_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

struct Chat {
  ChatScreen screen;
  client::Time now{};
  std::uint64_t seq = 100;
  std::uint64_t number = 0;
  std::vector<v1::ClientFrame> asked;
  std::vector<Stream> followed;
  bool quit = false, rang = false;
  v1::ClubRole role = v1::CLUB_ROLE_MEMBER;  // of this person in the club
  int rows = 16, columns = 70;

  std::int64_t wall = 0;  // the time of day; 0: the system's

  explicit Chat(v1::Language language = v1::LANGUAGE_EN)
      : screen({language, "", "", utc, [this] { return wall != 0 ? wall : system_ms(); }}) {
    use_utf8_locale();
    now += 1h;
  }

  std::string text() {
    const Grid grid = screen.draw(rows, columns, now);
    settle();
    return grid.text();
  }
  Grid grid() { return screen.draw(rows, columns, now); }
  void settle() {
    for (const auto& effect : screen.take_effects()) {
      if (const auto* ask = std::get_if<Ask>(&effect))
        asked.push_back(ask->request);
      else if (const auto* follow = std::get_if<FollowStream>(&effect))
        followed.push_back(follow->stream);
      else if (std::holds_alternative<Quit>(effect))
        quit = true;
      else
        rang = true;
    }
  }
  void on(const client::Happening& happening) {
    screen.on(happening, now);
    settle();
  }
  void press(Key::Code code, std::string text = {}) {
    screen.on(Key{code, std::move(text)}, now);
    settle();
  }
  void type(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t from = at;
      next_code_point(text, at);
      press(Key::Code::text, std::string(text.substr(from, at - from)));
    }
  }
  void say(std::string_view text) {
    type(text);
    press(Key::Code::enter);
  }
  const v1::ClientFrame& last() { return asked.back(); }
  template <typename Is>
  std::size_t count(Is is) {
    return static_cast<std::size_t>(std::ranges::count_if(asked, is));
  }

  void online() {
    client::Online online;
    online.me.set_account_id(kMe);
    online.me.set_display_name("Ada");
    on(online);
  }
  void club(std::uint64_t head = 0) {
    client::Resynced resynced;
    resynced.stream = Stream::club(kClub);
    resynced.at = {1, seq};
    resynced.snapshot.set_seq(seq);
    auto& state = *resynced.snapshot.mutable_club();
    state.mutable_club()->set_club_id(kClub);
    state.mutable_club()->set_slug("marketing");
    state.mutable_club()->set_name("Marketing");
    state.mutable_club()->set_active_members(3);
    for (const auto& [id, name] : {std::pair(kRoom, "Salon"), std::pair(kOther, "Annonces")}) {
      auto& room = *state.add_rooms();
      room.set_room_id(id);
      room.set_name(name);
      room.set_access(v1::ROOM_ACCESS_ALL);
      if (id == kRoom) room.set_head_number(head);
    }
    *state.mutable_me() = member(kMe, "Ada", role);
    *state.add_members() = member(kMe, "Ada", role);
    *state.add_members() = member(kBob, "Bob Côté", v1::CLUB_ROLE_PRESIDENT);
    *state.add_members() = member(kEve, "Eve");
    number = head;
    on(resynced);
  }
  void ready() {
    online();
    club();
  }
  v1::Event event(std::uint64_t actor) {
    v1::Event event;
    event.set_seq(++seq);
    event.set_time_ms(kNoon + static_cast<std::int64_t>(seq) * 1000);
    event.set_actor(actor);
    return event;
  }
  void batch(Stream stream, v1::Event event) {
    client::Batch batch;
    batch.stream = stream;
    batch.through = {1, event.seq()};
    batch.events.push_back(std::move(event));
    on(batch);
  }
  void posted(std::uint64_t author, const std::string& body, std::uint64_t reply_to = 0,
              bool to_me = false, std::uint64_t room = kRoom) {
    v1::Event posted = event(author);
    auto& message = *posted.mutable_message_posted();
    message.set_room_id(room);
    message.set_number(room == kRoom ? ++number : 1);
    message.set_body(body);
    message.set_reply_to(reply_to);
    if (to_me) message.mutable_mentions()->add_accounts(kMe);
    batch(Stream::club(kClub), std::move(posted));
  }
  // The answer to the last request.
  void answer(v1::Reply reply) {
    client::Answered answered;
    answered.request = asked.back();
    answered.result = std::move(reply);
    on(answered);
  }
  void refuse(v1::RefusalCode code, const std::string& message) {
    client::Failure failure;
    failure.kind = client::Failure::Kind::Refused;
    failure.refusal.set_code(code);
    failure.message = message;
    client::Answered answered;
    answered.request = asked.back();
    answered.result = std::unexpected(failure);
    on(answered);
  }
};

bool has(const std::string& screen, std::string_view piece) {
  return screen.find(piece) != std::string::npos;
}

}  // namespace

TEST_CASE("a conversation is shown with its day, authors, replies and message numbers") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "Hello all");
  chat.posted(kBob, "second line");
  chat.posted(kEve, "Hi Bob", 1);
  CHECK(chat.text() ==
        "Marketing           │# Salon                                3 members\n"
        " # Salon          3 │── Monday 23 November 2026 ──────────────────────\n"
        " # Annonces         │12:01 Bob Côté                                #1\n"
        "                    │      Hello all\n"
        "                    │      second line                             #2\n"
        "                    │12:01 Eve                                     #3\n"
        "                    │      ┃ Bob Côté : Hello all\n"
        "                    │      Hi Bob\n"
        "                    │\n"
        "                    │\n"
        "                    │\n"
        "                    │\n"
        "                    │\n"
        "                    │\n"
        "                    │                                         F1 help\n"
        "                    │> Write in Salon\n");
}

TEST_CASE("what a message holds can never reach the terminal as a command") {
  Chat chat;
  chat.ready();
  chat.posted(kBob,
              "evil \x1b[2J\x1b]0;pwned\x07 \xc2\x9b"
              "31m \u202Etxet");
  const Grid grid = chat.grid();
  for (int row = 0; row < grid.rows(); ++row) {
    for (int column = 0; column < grid.columns(); ++column) {
      std::size_t at = 0;
      const std::string& bytes = grid.at(row, column).bytes;
      while (at < bytes.size()) {
        const char32_t c = next_code_point(bytes, at);
        CHECK(c >= 0x20);
        CHECK_FALSE((c >= 0x7F && c < 0xA0));
        CHECK(c != 0x202E);
      }
    }
  }
  CHECK(has(grid.text(), "evil ␛[2J"));
}

TEST_CASE("what is said here is dim until the server confirms it, and red when it refuses") {
  Chat chat;
  chat.ready();
  chat.say("bonjour");
  REQUIRE(chat.last().has_post_message());
  CHECK(chat.last().post_message().body() == "bonjour");
  v1::PostMessage request = chat.last().post_message();
  request.set_client_msg_id("0123456789abcdef");
  *chat.asked.back().mutable_post_message() = request;
  chat.on(client::Posting{1, request, kMe, kNoon});
  const auto find_row = [&](const Grid& grid) {
    for (int row = 0; row < grid.rows(); ++row) {
      if (has(grid.row_text(row), "bonjour")) return row;
    }
    return -1;
  };
  Grid grid = chat.grid();
  REQUIRE(find_row(grid) >= 0);
  CHECK(grid.at(find_row(grid), 27).style.dim);

  chat.asked.back().Clear();
  *chat.asked.back().mutable_post_message() = request;
  chat.refuse(v1::REFUSAL_CODE_RATE_LIMITED, "Slow down.");
  CHECK(has(chat.text(), "not sent: Slow down."));

  chat.press(Key::Code::ctrl, "r");
  REQUIRE(chat.last().has_post_message());
  CHECK(chat.last()
            .post_message()
            .client_msg_id()
            .empty());  // a refused message is a new one when sent again
  CHECK_FALSE(has(chat.text(), "not sent"));
}

TEST_CASE("unread counts and mentions are marked beside the room, and seeing a room reads it") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "psst", 0, true, kOther);
  CHECK(chat.rang);
  CHECK(has(chat.text(), "# Annonces      @1"));
  chat.press(Key::Code::alt, "a");
  chat.text();
  REQUIRE(chat.last().has_mark_read());
  CHECK(chat.last().mark_read().room_id() == kOther);
  CHECK(chat.last().mark_read().number() == 1);
  const std::size_t marks = chat.count([](const auto& frame) { return frame.has_mark_read(); });
  chat.text();
  CHECK(chat.count([](const auto& frame) { return frame.has_mark_read(); }) == marks);
}

TEST_CASE("a room is not marked as read while nobody is at the keyboard") {
  Chat chat;
  chat.ready();
  chat.press(Key::Code::left);
  chat.now += 10min;
  chat.posted(kBob, "anyone?");
  chat.text();
  CHECK(chat.count([](const auto& frame) { return frame.has_mark_read(); }) == 0);
  chat.press(Key::Code::left);
  chat.text();
  CHECK(chat.count([](const auto& frame) { return frame.has_mark_read(); }) == 1);
}

TEST_CASE("history that is missing is asked for once, and fills the screen") {
  Chat chat;
  chat.online();
  chat.club(30);
  CHECK(has(chat.text(), "30 messages to load"));
  REQUIRE(chat.last().has_get_history());
  CHECK(chat.last().get_history().around() == 30);
  const v1::ClientFrame request = chat.last();
  chat.text();
  CHECK(chat.count([](const auto& frame) { return frame.has_get_history(); }) == 1);
  v1::Reply reply;
  for (std::uint64_t i = 11; i <= 30; ++i) {
    auto& message = *reply.mutable_get_history()->add_messages();
    message.set_number(i);
    message.set_seq(i);
    message.set_author(kBob);
    message.set_room_id(kRoom);
    message.set_time_ms(kNoon);
    message.set_body("line " + std::to_string(i));
  }
  reply.mutable_get_history()->set_head_number(30);
  reply.mutable_get_history()->set_seq(chat.seq);
  chat.asked.push_back(request);
  chat.answer(reply);
  const std::string shown = chat.text();
  CHECK(has(shown, "line 30"));
  CHECK_FALSE(has(shown, "line 11"));

  chat.press(Key::Code::page_up);
  const std::string above = chat.text();
  CHECK_FALSE(has(above, "line 30"));
  CHECK(has(above, "newer (End)"));
  chat.posted(kEve, "new while scrolled");
  CHECK_FALSE(has(chat.text(), "new while scrolled"));  // the view stays where it is
  chat.press(Key::Code::end);
  CHECK(has(chat.text(), "new while scrolled"));
}

TEST_CASE("an author who is no member any more, or staff, is asked for once and named") {
  Chat chat;
  chat.ready();
  constexpr std::uint64_t stranger = 77;
  chat.posted(stranger, "from before");
  CHECK(has(chat.text(), "someone"));
  const auto asks = [](const auto& frame) { return frame.has_look_up_names(); };
  const auto found = std::ranges::find_if(chat.asked, asks);
  REQUIRE(found != chat.asked.end());
  CHECK(found->look_up_names().account_ids(0) == stranger);
  const v1::ClientFrame request = *found;
  chat.text();
  CHECK(chat.count(asks) == 1);
  v1::Reply reply;
  auto& name = *reply.mutable_look_up_names()->add_names();
  name.set_account_id(stranger);
  name.set_display_name("Zoé Parti");
  chat.asked.push_back(request);
  chat.answer(reply);
  CHECK(has(chat.text(), "Zoé Parti"));
}

TEST_CASE("scrolling up by pages and down again comes back to the newest message") {
  Chat chat;
  chat.ready();
  for (int i = 0; i < 40; ++i) chat.posted(kBob, "message " + std::to_string(i));
  const std::string bottom = chat.text();
  for (int i = 0; i < 10; ++i) chat.press(Key::Code::page_up);
  CHECK(has(chat.text(), "message 0\n"));
  for (int i = 0; i < 10; ++i) chat.press(Key::Code::page_down);
  CHECK(chat.text() == bottom);
}

TEST_CASE("a lost connection shows a countdown, and a return is said") {
  Chat chat;
  chat.ready();
  client::Failure why;
  why.kind = client::Failure::Kind::Network;
  why.message = "connection reset";
  chat.on(client::Waiting{chat.now + 7s, why});
  CHECK(has(chat.text(), "next try in 7 s"));
  chat.now += 5s;
  CHECK(has(chat.text(), "next try in 2 s"));
  chat.online();
  CHECK_FALSE(has(chat.text(), "next try"));
  CHECK(has(chat.text(), "Reconnected."));
}

TEST_CASE("a log of acts that was rewritten is said, and one that goes on is not") {
  Chat chat;
  chat.online();
  chat.club();
  chat.on(client::AuditChecked{Stream::club(kClub), {}});
  CHECK(chat.text().find("Log of acts") == std::string::npos);
  chat.on(client::AuditAlarm{Stream::club(kClub), client::AuditFault::Rewritten, std::nullopt, {}});
  CHECK(chat.text().find("Log of acts: the log was rewritten") != std::string::npos);
}

TEST_CASE("@all is sent only after its head count was shown and agreed to") {
  Chat chat;
  chat.ready();
  chat.say("@all meeting tonight");
  REQUIRE(chat.last().has_count_mentions());
  CHECK(chat.last().count_mentions().all());
  v1::Reply reply;
  reply.mutable_count_mentions()->set_head_count(482);
  reply.mutable_count_mentions()->set_allowed(true);
  chat.answer(reply);
  CHECK(has(chat.text(), "This message will notify 482 people"));
  chat.press(Key::Code::text, "n");
  CHECK(chat.count([](const auto& frame) { return frame.has_post_message(); }) == 0);
  CHECK(has(chat.text(), "> @all meeting tonight"));  // the text is not lost
  chat.press(Key::Code::enter);
  chat.answer(reply);
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  REQUIRE(chat.last().has_post_message());
  CHECK(chat.last().post_message().mentions().all());
  CHECK(has(chat.text(), "> Write in Salon"));
}

TEST_CASE("an @all that is not allowed says so and keeps the text") {
  Chat chat;
  chat.ready();
  chat.say("@all hey");
  v1::Reply reply;
  reply.mutable_count_mentions()->set_head_count(3);
  chat.answer(reply);
  CHECK(has(chat.text(), "You may not address everyone here."));
  CHECK(has(chat.text(), "> @all hey"));
}

TEST_CASE("names are completed with Tab and become mentions, accents or not") {
  Chat chat;
  chat.ready();
  chat.type("thanks @bob c");
  chat.press(Key::Code::tab);
  CHECK(has(chat.text(), "> thanks @Bob Côté"));
  chat.press(Key::Code::enter);
  REQUIRE(chat.last().has_post_message());
  REQUIRE(chat.last().post_message().mentions().accounts_size() == 1);
  CHECK(chat.last().post_message().mentions().accounts(0) == kBob);
  chat.say("write to eve@example.org, @bob cote");
  CHECK(chat.last().post_message().mentions().accounts_size() == 1);
  CHECK(chat.last().post_message().mentions().accounts(0) == kBob);
}

TEST_CASE("commands and rooms are completed, and Tab again offers the next") {
  Chat chat;
  chat.ready();
  chat.type("/pi");
  chat.press(Key::Code::tab);
  CHECK(has(chat.text(), "> /pin"));
  chat.press(Key::Code::tab);
  CHECK(has(chat.text(), "> /pins"));
  chat.press(Key::Code::ctrl, "u");
  chat.type("/go #ann");
  chat.press(Key::Code::tab);
  chat.press(Key::Code::enter);
  CHECK(chat.screen.current()->room_id == kOther);
}

TEST_CASE("replies, reactions, edits, deletions and pins go to the message that is named") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "one");
  chat.posted(kMe, "mine");
  chat.posted(kEve, "three");
  chat.say("/reply 1 yes");
  CHECK(chat.last().post_message().reply_to() == 1);
  CHECK(chat.last().post_message().body() == "yes");
  chat.say("/react #3 :+1:");
  CHECK(chat.last().react().number() == 3);
  CHECK(chat.last().react().emoji() == "👍");
  CHECK_FALSE(chat.last().react().remove());
  v1::Event reacted = chat.event(kMe);
  reacted.mutable_reaction_changed()->set_room_id(kRoom);
  reacted.mutable_reaction_changed()->set_number(3);
  reacted.mutable_reaction_changed()->set_emoji("👍");
  reacted.mutable_reaction_changed()->set_added(true);
  chat.batch(Stream::club(kClub), reacted);
  CHECK(has(chat.text(), "👍 1"));
  chat.say("/react 3 👍");
  CHECK(chat.last().react().remove());
  chat.say("/edit");
  CHECK(has(chat.text(), "Editing no. 2"));
  chat.type("!");
  chat.press(Key::Code::enter);
  CHECK(chat.last().edit_message().number() == 2);
  CHECK(chat.last().edit_message().body() == "mine!");
  chat.say("/delete 2");
  CHECK(has(chat.text(), "Delete message no. 2?"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  CHECK(chat.last().delete_message().number() == 2);
  chat.say("/pin 1");
  CHECK(chat.last().pin_message().number() == 1);
  CHECK_FALSE(chat.last().pin_message().unpin());
  chat.say("/edit 1");
  CHECK(has(chat.text(), "Only its author may edit"));
}

TEST_CASE("edited, deleted and pinned messages show it") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "draft");
  chat.posted(kEve, "oops");
  v1::Event edited = chat.event(kBob);
  edited.mutable_message_edited()->set_room_id(kRoom);
  edited.mutable_message_edited()->set_number(1);
  edited.mutable_message_edited()->set_body("final");
  chat.batch(Stream::club(kClub), edited);
  v1::Event deleted = chat.event(kEve);
  deleted.mutable_message_deleted()->set_room_id(kRoom);
  deleted.mutable_message_deleted()->set_number(2);
  chat.batch(Stream::club(kClub), deleted);
  v1::Event pinned = chat.event(kBob);
  pinned.mutable_message_pinned()->set_room_id(kRoom);
  pinned.mutable_message_pinned()->set_number(1);
  pinned.mutable_message_pinned()->set_pinned(true);
  chat.batch(Stream::club(kClub), pinned);
  const std::string shown = chat.text();
  CHECK(has(shown, "final (edited)"));
  CHECK_FALSE(has(shown, "oops"));
  CHECK(has(shown, "message deleted"));
  CHECK(has(shown, "⚑ Bob Côté : final"));
}

TEST_CASE("a message is chosen with Alt+up and acted on by one key") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "one");
  chat.posted(kEve, "two");
  chat.press(Key::Code::alt_up);
  chat.press(Key::Code::alt_up);
  chat.press(Key::Code::text, "r");
  CHECK(has(chat.text(), "Replying to Bob Côté: one"));
  chat.press(Key::Code::escape);
  CHECK_FALSE(has(chat.text(), "Replying"));
  chat.type("r");  // without a choice, letters are letters
  CHECK(has(chat.text(), "> r"));
}

TEST_CASE("joins are one line, however many come together") {
  Chat chat;
  chat.ready();
  chat.posted(kBob, "before");
  for (std::uint64_t id = 10; id < 15; ++id) {
    v1::Event joined = chat.event(id);
    *joined.mutable_member_changed()->mutable_member() = member(id, "N" + std::to_string(id));
    joined.mutable_member_changed()->mutable_member()->set_since_ms(joined.time_ms());
    chat.batch(Stream::club(kClub), joined);
  }
  CHECK(has(chat.text(), "· N10, N11, N12 and 2 others joined the"));
}

TEST_CASE("somebody typing is said, and lapses") {
  Chat chat;
  chat.ready();
  client::Signalled typing;
  *typing.signal.mutable_typing()->mutable_stream() = Stream::club(kClub).proto();
  typing.signal.mutable_typing()->set_room_id(kRoom);
  typing.signal.mutable_typing()->add_accounts(kBob);
  chat.on(typing);
  CHECK(has(chat.text(), "Bob Côté is typing…"));
  chat.now += 7s;
  CHECK_FALSE(has(chat.text(), "is typing"));
}

TEST_CASE("typing here is told at most every three seconds, and never for commands") {
  Chat chat;
  chat.ready();
  const auto told = [&] {
    return chat.count([](const auto& frame) { return frame.has_set_typing(); });
  };
  chat.type("hello");
  CHECK(told() == 1);
  chat.now += 4s;
  chat.type("!");
  CHECK(told() == 2);
  chat.press(Key::Code::ctrl, "u");
  chat.now += 4s;
  chat.type("/react");
  CHECK(told() == 2);
}

TEST_CASE(
    "a mute names the person, a time and a reason, cites the chosen message, and is agreed to") {
  Chat chat;
  chat.ready();
  chat.say("/silence @Eve");
  CHECK(has(chat.text(), "A duration is needed"));
  chat.say("/silence @Eve 2h nonsense");
  CHECK(has(chat.text(), "A reason is needed"));
  chat.say("/silence @bob 2h insult enough");  // the first name, which he alone bears
  CHECK(has(chat.text(), "mute for Bob Côté"));
  chat.press(Key::Code::text, "n");
  chat.say("/silence @Eve 2h insult be kind");
  CHECK(has(chat.text(), "mute for Eve"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  REQUIRE(chat.last().has_impose_sanction());
  const auto& request = chat.last().impose_sanction();
  CHECK(request.club_id() == kClub);
  CHECK(request.account_id() == kEve);
  CHECK(request.kind() == v1::SANCTION_KIND_MUTE);
  CHECK(request.duration_s() == 7'200);
  CHECK(request.reason() == v1::REASON_CODE_INSULT);
  CHECK(request.text() == "be kind");
}

TEST_CASE("who is muted sees why and until when where one would write") {
  Chat chat;
  chat.ready();
  auto event = chat.event(kBob);
  v1::Sanction& sanction = *event.mutable_sanction_imposed()->mutable_sanction();
  sanction.set_sanction_id(3);
  sanction.set_account_id(kMe);
  sanction.set_kind(v1::SANCTION_KIND_MUTE);
  sanction.set_reason(v1::REASON_CODE_SPAM);
  sanction.set_text("enough links");
  sanction.set_until_ms(4'000'000'000'000);
  chat.batch(Stream::club(kClub), event);
  CHECK(has(chat.text(), "mute (spam)"));
  CHECK(has(chat.text(), "enough links"));
  auto end = chat.event(kBob);
  end.mutable_sanction_ended()->set_sanction_id(3);
  end.mutable_sanction_ended()->set_account_id(kMe);
  chat.batch(Stream::club(kClub), end);
  CHECK_FALSE(has(chat.text(), "enough links"));
}

TEST_CASE(
    "raid mode is started after a question, announced to all, and told to who has just come") {
  Chat chat;
  chat.ready();
  chat.say("/raid 2h somebody floods us");
  CHECK(has(chat.text(), "newcomers will only read"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  REQUIRE(chat.last().has_start_raid_mode());
  CHECK(chat.last().start_raid_mode().club_id() == kClub);
  CHECK(chat.last().start_raid_mode().duration_s() == 7'200);
  CHECK(chat.last().start_raid_mode().text() == "somebody floods us");
  auto event = chat.event(kBob);
  v1::RaidMode& raid = *event.mutable_raid_mode_started()->mutable_raid();
  raid.set_raid_id(1);
  raid.set_trigger(v1::RAID_TRIGGER_SIMILARITY);
  raid.set_until_ms(4'000'000'000'000);
  chat.batch(Stream::club(kClub), event);
  CHECK(has(chat.text(), "newcomers who all say the same"));
  chat.say("/sweep 30min spam");
  REQUIRE(chat.last().has_find_messages());
  CHECK(chat.last().find_messages().newcomers());
  CHECK(chat.last().find_messages().account_id() == 0);
  chat.say("/calm thank you");
  REQUIRE(chat.last().has_end_raid_mode());
  CHECK(chat.last().end_raid_mode().text() == "thank you");
  auto end = chat.event(kBob);
  end.mutable_raid_mode_ended()->set_raid_id(1);
  end.mutable_raid_mode_ended()->set_end(v1::RAID_END_LIFTED);
  end.mutable_raid_mode_ended()->set_text("it is over");
  chat.batch(Stream::club(kClub), end);
  CHECK(has(chat.text(), "Raid mode is over. it is over"));
}

TEST_CASE("a report says what and why, and the queue shows the words that were kept") {
  Chat chat;
  chat.ready();
  chat.say("/report @Eve harassment every evening");
  REQUIRE(chat.last().has_file_report());
  CHECK(chat.last().file_report().account_id() == kEve);
  CHECK(chat.last().file_report().reason() == v1::REASON_CODE_HARASSMENT);
  CHECK(chat.last().file_report().text() == "every evening");
  chat.say("/reports");
  REQUIRE(chat.last().has_list_reports());
  client::Answered answered;
  answered.request = chat.last();
  v1::Reply reply;
  v1::Report& report = *reply.mutable_list_reports()->add_reports();
  report.set_report_id(7);
  report.set_club_id(kClub);
  report.set_account_id(kEve);
  report.set_reason(v1::REASON_CODE_INSULT);
  report.set_reporters(2);
  report.add_evidence()->set_body("kept words");
  answered.result = reply;
  chat.on(answered);
  CHECK(has(chat.text(), "no. 7"));
  CHECK(has(chat.text(), "kept words"));
}

TEST_CASE("in a slow room the seconds that are left are counted down, for members alone") {
  Chat chat;
  chat.ready();
  chat.posted(kMe, "first");
  auto slowed = chat.event(0);
  slowed.mutable_room_slowed()->set_room_id(kRoom);
  slowed.mutable_room_slowed()->set_slow_mode_s(15);
  slowed.mutable_room_slowed()->set_until_ms(kNoon + 600'000);
  chat.batch(Stream::club(kClub), slowed);
  const std::int64_t said = kNoon + 101'000;  // the first event after seq 100
  chat.wall = said + 5'000;
  CHECK(has(chat.text(), "slow mode: 15 s (10 s left)"));
  chat.say("second");
  v1::PostMessage waiting = chat.last().post_message();
  waiting.set_client_msg_id("0123456789abcdef");
  chat.on(client::Posting{1, waiting, kMe, said + 5'000});
  CHECK(has(chat.text(), "slow mode: goes in 10 s"));
  chat.wall = said + 15'000;
  CHECK(has(chat.text(), "slow mode: 15 s"));
  CHECK(!has(chat.text(), "left)"));
  chat.wall = kNoon + 600'000;
  CHECK(!has(chat.text(), "slow mode"));
}

TEST_CASE("the committee reads what is held, and releases or rejects it") {
  Chat chat;
  chat.ready();
  auto held = chat.event(kEve);
  held.mutable_message_held()->set_held_id(4);
  held.mutable_message_held()->set_room_id(kRoom);
  chat.batch(Stream::club(kClub), held);
  CHECK(has(chat.text(), "Message no. 4 by Eve is held"));
  chat.say("/held");
  REQUIRE(chat.last().list_held().club_id() == kClub);
  client::Answered answered;
  answered.request = chat.last();
  v1::Reply reply;
  v1::HeldMessage& waiting = *reply.mutable_list_held()->add_held();
  waiting.set_held_id(4);
  waiting.set_room_id(kRoom);
  waiting.set_author(kEve);
  waiting.set_body("trois liens\x1b[2J\nà voir");
  waiting.mutable_why()->add_findings()->set_text_en("Too many links.");
  answered.result = reply;
  chat.on(answered);
  CHECK(has(chat.text(), "many links."));
  CHECK(has(chat.text(), "à voir"));
  CHECK(!has(chat.text(), "\x1b"));
  chat.press(Key::Code::escape);
  chat.say("/release");
  CHECK(has(chat.text(), "number is needed"));
  chat.say("/release 4");
  CHECK(chat.last().review_held().release());
  chat.say("/refuse 4 not here");
  CHECK(!chat.last().review_held().release());
  CHECK(chat.last().review_held().held_id() == 4);
  CHECK(chat.last().review_held().reason() == "not here");
  chat.say("/refuse all a raid");
  CHECK(has(chat.text(), "Reject the held messages that were shown (1)?"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  CHECK(chat.last().review_held().held_id() == 4);
  CHECK(chat.last().review_held().reason() == "a raid");
}

TEST_CASE("a held message says why, in full when asked") {
  Chat chat;
  chat.ready();
  chat.say("/why");
  CHECK(has(chat.text(), "Nothing here since the chat"));
  chat.say("voir a.example b.example c.example");
  v1::PostMessage request = chat.last().post_message();
  request.set_client_msg_id("0123456789abcdef");
  *chat.asked.back().mutable_post_message() = request;
  chat.on(client::Posting{1, request, kMe, kNoon});
  v1::Reply reply;
  auto& committed = *reply.mutable_post_message();
  committed.set_held(true);
  committed.set_object_id(4);
  auto& finding = *committed.mutable_why()->add_findings();
  finding.set_rule_id("spam.links");
  finding.set_rule_version(3);
  finding.set_text_en("Too many.");
  finding.set_span_begin(25);
  finding.set_span_end(4'000);  // a server is not believed where a text ends
  committed.mutable_why()->set_trust_en("Trust 0.");
  committed.mutable_why()->set_appeal_en("Ask the committee.");
  chat.answer(reply);
  CHECK(has(chat.text(), "held, the committee will read it"));
  chat.say("/why");
  const auto card = chat.text();
  CHECK(has(card, "spam.links v3: Too many. [c.example]"));
  CHECK(has(card, "Trust 0."));
  CHECK(has(card, "Ask the committee."));
}

TEST_CASE("a conversation is asked for with consent, and answered with one key") {
  Chat chat;
  chat.ready();
  chat.say("/dm @Eve about the budget");
  CHECK(has(chat.text(), "Ask Eve for a conversation?"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  REQUIRE(chat.last().has_open_direct());
  CHECK(chat.last().open_direct().account_id() == kEve);
  CHECK(chat.last().open_direct().introduction() == "about the budget");

  client::Resynced resynced;
  resynced.stream = Stream::between(kMe, kBob);
  resynced.at = {1, 1};
  auto& direct = *resynced.snapshot.mutable_direct()->mutable_direct();
  direct.set_direct_id(resynced.stream.id);
  direct.set_other(kBob);
  direct.set_other_name("Bob Côté");
  direct.set_status(v1::DIRECT_STATUS_REQUESTED);
  direct.set_requested_by(kBob);
  direct.set_introduction("hello Ada");
  chat.on(resynced);
  chat.say("/go @bob");
  CHECK(has(chat.text(), "Bob Côté would like to talk with you"));
  chat.press(Key::Code::text, "a");
  REQUIRE(chat.last().has_answer_direct());
  CHECK(chat.last().answer_direct().accept());
}

TEST_CASE("a pasted text is not sent by its own line ends") {
  Chat chat;
  chat.ready();
  chat.press(Key::Code::paste_begin);
  chat.type("one");
  chat.press(Key::Code::enter);
  chat.type("two");
  chat.press(Key::Code::paste_end);
  CHECK(chat.count([](const auto& frame) { return frame.has_post_message(); }) == 0);
  chat.press(Key::Code::enter);
  CHECK(chat.last().post_message().body() == "one\ntwo");
}

TEST_CASE("a slash is written by two, and an unknown command sends nothing") {
  Chat chat;
  chat.ready();
  chat.say("//etc/hosts");
  CHECK(chat.last().post_message().body() == "/etc/hosts");
  const std::size_t asked = chat.asked.size();
  chat.say("/nonsense x");
  CHECK(chat.asked.size() == asked);
  CHECK(has(chat.text(), "Unknown command: /nonsense"));
}

TEST_CASE("drafts stay with their room") {
  Chat chat;
  chat.ready();
  chat.type("half a thought");
  chat.press(Key::Code::ctrl, "n");
  CHECK_FALSE(has(chat.text(), "half a thought"));
  chat.press(Key::Code::ctrl, "p");
  CHECK(has(chat.text(), "> half a thought"));
}

TEST_CASE("what is written without looking answers no question, and is kept") {
  Chat chat;
  chat.ready();
  chat.say("/silence @Eve 2h spam");
  chat.type("Hi everybody");
  CHECK(chat.count([](const auto& frame) { return frame.has_impose_sanction(); }) == 0);
  CHECK(has(chat.text(), "> Hi everybody"));
  chat.press(Key::Code::ctrl, "u");
  // Nor does a text that begins with that letter.
  chat.say("/silence @Eve 2h spam");
  chat.type("yes");
  chat.press(Key::Code::enter);
  CHECK(chat.count([](const auto& frame) { return frame.has_impose_sanction(); }) == 0);
  CHECK(chat.last().post_message().body() == "yes");
  // An impatient second Enter waits for the letter, which Escape takes back.
  chat.say("/silence @Eve 2h spam");
  chat.press(Key::Code::enter);
  chat.press(Key::Code::text, "y");
  CHECK(has(chat.text(), "Yes:"));
  chat.press(Key::Code::escape);
  chat.press(Key::Code::enter);
  CHECK(chat.count([](const auto& frame) { return frame.has_impose_sanction(); }) == 0);
}

TEST_CASE("a command that is written while a list is open stays a command") {
  Chat chat;
  chat.ready();
  chat.press(Key::Code::f1);
  chat.type("/slow 30s");
  CHECK(has(chat.text(), "> /slow 30s"));
  chat.press(Key::Code::enter);
  CHECK(chat.last().has_change_room());
}

TEST_CASE("of members with one name, nobody is meant by chance") {
  constexpr std::uint64_t one = 21, other = 22;
  Chat chat;
  chat.columns = 110;
  chat.ready();
  for (const std::uint64_t id : {one, other}) {
    v1::Event came = chat.event(id);
    *came.mutable_member_changed()->mutable_member() = member(id, "Jean Tremblay");
    chat.batch(Stream::club(kClub), std::move(came));
  }
  chat.say("/warn @Jean Tremblay spam");
  CHECK(has(chat.text(), "Who?"));
  const auto meant = [&] {
    chat.press(Key::Code::text, "y");
    chat.press(Key::Code::enter);
    REQUIRE(chat.last().has_impose_sanction());
    return chat.last().impose_sanction().account_id();
  };
  chat.say("/warn @22 spam");
  CHECK(has(chat.text(), "Jean Tremblay (22)"));
  CHECK(meant() == other);
  chat.type("/warn @Jean");
  chat.press(Key::Code::tab);
  CHECK(has(chat.text(), "> /warn @Jean Tremblay (21)"));
  chat.say("spam");
  CHECK(meant() == one);
  // The message that was chosen says it as well, and is cited.
  chat.posted(one, "first");
  chat.posted(other, "second");
  chat.press(Key::Code::alt_up);
  chat.say("/warn @Jean Tremblay spam");
  CHECK(meant() == other);
  CHECK(chat.last().impose_sanction().evidence(0).number() == 2);
  chat.say("hello @Jean Tremblay (22)");
  CHECK(chat.last().post_message().mentions().accounts(0) == other);
}

TEST_CASE("help lists the keys and the commands of one's role, and closes") {
  for (const v1::ClubRole role : {v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_COMMITTEE}) {
    Chat chat(v1::LANGUAGE_FR);
    chat.role = role;
    chat.rows = 80;
    chat.columns = 110;
    chat.ready();
    chat.press(Key::Code::f1);
    const std::string shown = chat.text();
    CHECK(has(shown, "Aide"));
    for (const auto& command : chat_commands()) {
      const bool fits = !command.committee || role == v1::CLUB_ROLE_COMMITTEE;
      CHECK_MESSAGE(has(shown, "/" + std::string(command.fr) + " ") == fits, command.fr);
    }
    chat.press(Key::Code::escape);
    CHECK_FALSE(has(chat.text(), "┌"));
  }
}

TEST_CASE("the appeals that wait are shown with whose they are, what was said and the deadline") {
  Chat chat;
  chat.role = v1::CLUB_ROLE_COMMITTEE;
  chat.rows = 24;
  chat.ready();
  chat.say("/appeals");
  REQUIRE(chat.last().list_appeals().club_id() == kClub);
  v1::Reply reply;
  reply.mutable_list_appeals();
  chat.answer(reply);
  CHECK(has(chat.text(), "No appeal is waiting."));

  chat.say("/appeals");
  v1::SanctionCase& one = *reply.mutable_list_appeals()->add_cases();
  v1::Sanction& sanction = *one.mutable_sanction();
  sanction.set_sanction_id(12);
  sanction.set_club_id(kClub);
  sanction.set_account_id(kEve);
  sanction.set_kind(v1::SANCTION_KIND_SUSPENSION);
  sanction.set_reason(v1::REASON_CODE_SPAM);
  sanction.set_until_ms(kNoon);
  one.mutable_appeal()->set_due_ms(kNoon + 3'600'000);
  const auto said = [&](std::uint64_t author, const std::string& words) {
    auto& line = *one.mutable_appeal()->add_lines();
    line.set_author(author);
    line.set_text(words);
  };
  said(kEve,
       "it was a link that I had been asked for, by three people of this very club, in this room");
  said(kBob, "by whom?");
  chat.answer(reply);
  const std::string shown = chat.text();
  CHECK(has(shown, "Eve, to be decided before 2026-11-23 13:00:"));
  CHECK(has(shown, "no. 12 Marketing suspension"));
  CHECK(has(shown, "– Eve: it was a link"));
  CHECK(has(shown, "in this room"));  // wrapped, not cut
  CHECK(has(shown, "– Bob Côté: by whom?"));
}

TEST_CASE("any size is drawn without harm") {
  Chat chat;
  chat.ready();
  for (int i = 0; i < 5; ++i)
    chat.posted(kBob, "日本語 texte assez long pour plusieurs lignes 🎉 " + std::to_string(i));
  chat.type("un texte 日本語 en cours");
  for (int rows = 1; rows < 12; ++rows) {
    for (int columns = 1; columns < 90; columns += 4) {
      chat.rows = rows;
      chat.columns = columns;
      chat.text();
      chat.press(Key::Code::page_up);
      chat.press(Key::Code::alt_up);
      chat.press(Key::Code::f1);
      chat.text();
      chat.press(Key::Code::escape);
    }
  }
}

TEST_CASE("quitting asks first, unless the line is emptied by it") {
  Chat chat;
  chat.ready();
  chat.type("text");
  chat.press(Key::Code::ctrl, "c");
  CHECK_FALSE(chat.quit);
  CHECK(has(chat.text(), "> Write in Salon"));
  chat.press(Key::Code::ctrl, "c");
  CHECK(has(chat.text(), "Quit?"));
  chat.press(Key::Code::text, "y");
  chat.press(Key::Code::enter);
  CHECK(chat.quit);
}

TEST_CASE("going online asks for the clubs and follows those of an active member") {
  Chat chat;
  chat.online();
  REQUIRE(chat.asked.size() == 2);
  REQUIRE(chat.asked[0].has_list_clubs());
  v1::Reply reply;
  for (const auto& [id, status] : {std::pair(kClub, v1::MEMBER_STATUS_ACTIVE),
                                   std::pair(std::uint64_t{8}, v1::MEMBER_STATUS_LEFT)}) {
    auto& listed = *reply.mutable_list_clubs()->add_clubs();
    listed.mutable_club()->set_club_id(id);
    listed.set_status(status);
  }
  client::Answered answered;
  answered.request = chat.asked[0];
  answered.result = reply;
  chat.on(answered);
  CHECK(chat.followed == std::vector<Stream>{Stream::club(kClub)});
}
