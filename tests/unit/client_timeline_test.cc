// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The SDK's timeline and model: what a user interface shows.
#include <doctest/doctest.h>

#include "amicale/client/model.h"

using namespace amicale::client;
namespace v1 = amicale::v1;
using namespace std::chrono_literals;

namespace {

const Stream club = Stream::club(1);

v1::Event event(std::uint64_t seq, std::uint64_t actor = 7) {
  v1::Event out;
  out.set_seq(seq);
  out.set_actor(actor);
  out.set_time_ms(static_cast<std::int64_t>(1000 * seq));
  return out;
}

v1::Event posted(std::uint64_t seq, std::uint64_t number, const std::string& body,
                 const std::string& id = "") {
  v1::Event out = event(seq);
  out.set_client_msg_id(id);
  out.mutable_message_posted()->set_room_id(1);
  out.mutable_message_posted()->set_number(number);
  out.mutable_message_posted()->set_body(body);
  return out;
}

v1::Event edited(std::uint64_t seq, std::uint64_t number, const std::string& body) {
  v1::Event out = event(seq);
  out.mutable_message_edited()->set_room_id(1);
  out.mutable_message_edited()->set_number(number);
  out.mutable_message_edited()->set_body(body);
  return out;
}

v1::Event reacted(std::uint64_t seq, std::uint64_t number, std::uint64_t actor, bool added) {
  v1::Event out = event(seq, actor);
  out.mutable_reaction_changed()->set_room_id(1);
  out.mutable_reaction_changed()->set_number(number);
  out.mutable_reaction_changed()->set_emoji("👍");
  out.mutable_reaction_changed()->set_added(added);
  return out;
}

v1::GetHistoryReply page(std::uint64_t from, std::uint64_t to, std::uint64_t head,
                         std::uint64_t seq) {
  v1::GetHistoryReply out;
  for (std::uint64_t number = from; number <= to; ++number) {
    v1::Message& message = *out.add_messages();
    message.set_number(number);
    message.set_body("old " + std::to_string(number));
  }
  out.set_head_number(head);
  out.set_seq(seq);
  return out;
}

v1::PostMessage request(const std::string& id, const std::string& body = "mine") {
  v1::PostMessage out;
  *out.mutable_stream() = club.proto();
  out.set_room_id(1);
  out.set_body(body);
  out.set_client_msg_id(id);
  return out;
}

Result<v1::Committed> committed(std::uint64_t seq, std::uint64_t number) {
  v1::Committed out;
  out.set_first_seq(seq);
  out.set_last_seq(seq);
  out.set_object_id(number);
  return out;
}

// "1 2 [3-5] 6 ?mine": messages, a missing run, an echo.
std::string shape(const std::vector<Row>& rows) {
  std::string out;
  for (const Row& row : rows) {
    if (!out.empty()) out += ' ';
    if (row.message != nullptr) out += std::to_string(row.message->number());
    if (row.missing) {
      out += '[' + std::to_string(row.missing->from) + '-' + std::to_string(row.missing->to) + ']';
    }
    if (row.echo != nullptr) out += (row.echo->failure ? '!' : '?') + row.echo->request.body();
  }
  return out;
}

Timeline room(std::uint64_t head, std::uint64_t seq) {
  Timeline out(club, 1);
  out.reset(head, {}, seq);
  return out;
}

}  // namespace

TEST_CASE("an echo is replaced by its message, whichever of answer and event comes first") {
  Timeline timeline = room(0, 0);
  timeline.echo(request("id"), 7, 5);
  CHECK(shape(timeline.rows()) == "?mine");
  SUBCASE("answer first") {
    timeline.answered("id", committed(1, 1));
    CHECK(shape(timeline.rows()) == "?mine");
    CHECK(timeline.echoes()[0].number == 1);
    timeline.apply(posted(1, 1, "mine", "id"));
  }
  SUBCASE("event first") {
    timeline.apply(posted(1, 1, "mine", "id"));
    CHECK(shape(timeline.rows()) == "1");
    timeline.answered("id", committed(1, 1));
  }
  CHECK(shape(timeline.rows()) == "1");
  CHECK(timeline.find(1)->author() == 7);
}

TEST_CASE("a failed echo stays with its reason until it is discarded") {
  Timeline timeline = room(0, 0);
  timeline.echo(request("id"), 7, 5);
  Failure failure{Failure::Kind::Refused, {}, 0, "you are muted"};
  timeline.answered("id", std::unexpected(failure));
  CHECK(shape(timeline.rows()) == "!mine");
  CHECK(timeline.echoes()[0].failure->message == "you are muted");
  timeline.discard("id");
  CHECK(timeline.rows().empty());
}

TEST_CASE("an echo whose post is already in a snapshot or in a page is not shown twice") {
  Timeline timeline = room(0, 0);
  timeline.echo(request("id"), 7, 5);
  SUBCASE("snapshot after the answer") {
    timeline.answered("id", committed(4, 3));
    timeline.reset(3, {}, 4);
  }
  SUBCASE("answer after the snapshot") {
    timeline.reset(3, {}, 4);
    timeline.answered("id", committed(4, 3));
  }
  SUBCASE("page") {
    timeline.reset(3, {}, 4);
    v1::GetHistoryReply history = page(3, 3, 3, 4);
    history.mutable_messages(0)->set_client_msg_id("id");
    timeline.merge(history);
  }
  CHECK(timeline.echoes().empty());
}

TEST_CASE("messages not loaded show as missing, and pages fill them from both sides") {
  Timeline timeline = room(10, 50);
  CHECK(shape(timeline.rows()) == "[1-10]");
  timeline.apply(posted(51, 11, "live"));
  CHECK(shape(timeline.rows()) == "[1-10] 11");
  timeline.merge(page(9, 10, 11, 51));
  CHECK(shape(timeline.rows()) == "[1-8] 9 10 11");
  timeline.merge(page(1, 3, 11, 51));
  CHECK(shape(timeline.rows()) == "1 2 3 [4-8] 9 10 11");
  CHECK(shape(timeline.last_rows(4)) == "[4-8] 9 10 11");
  CHECK(shape(timeline.last_rows(5)) == "3 [4-8] 9 10 11");
  timeline.merge(page(3, 9, 11, 51));
  CHECK(shape(timeline.rows()) == "1 2 3 4 5 6 7 8 9 10 11");
  CHECK(timeline.find(11)->body() == "live");
}

TEST_CASE("edits, tombstones, reactions and pins are folded in") {
  Timeline timeline = room(0, 0);
  timeline.apply(posted(1, 1, "helo"));
  timeline.apply(edited(2, 1, "hello"));
  CHECK(timeline.find(1)->body() == "hello");
  CHECK(timeline.find(1)->edited_seq() == 2);
  timeline.apply(reacted(3, 1, 8, true));
  timeline.apply(reacted(4, 1, 9, true));
  timeline.apply(reacted(5, 1, 9, true));
  REQUIRE(timeline.find(1)->reactions_size() == 1);
  CHECK(timeline.find(1)->reactions(0).accounts_size() == 2);
  timeline.apply(reacted(6, 1, 8, false));
  CHECK(timeline.find(1)->reactions(0).accounts_size() == 1);
  timeline.apply(reacted(7, 1, 9, false));
  CHECK(timeline.find(1)->reactions_size() == 0);
  v1::Event pin = event(8);
  pin.mutable_message_pinned()->set_room_id(1);
  pin.mutable_message_pinned()->set_number(1);
  pin.mutable_message_pinned()->set_pinned(true);
  timeline.apply(pin);
  CHECK(timeline.pins() == std::vector<std::uint64_t>{1});
  v1::Event deletion = event(9);
  deletion.mutable_message_deleted()->set_room_id(1);
  deletion.mutable_message_deleted()->set_number(1);
  timeline.apply(deletion);
  CHECK(timeline.find(1)->deleted());
  CHECK(timeline.find(1)->body().empty());
  CHECK(timeline.pins().empty());
  CHECK(timeline.head() == 1);  // the tombstone keeps its number
}

TEST_CASE("a page and the events around it agree, whichever is newer") {
  Timeline timeline = room(5, 10);
  timeline.apply(edited(12, 3, "edited"));  // before the message is loaded
  SUBCASE("a page read before the edit gets it") {
    timeline.merge(page(1, 5, 5, 11));
    CHECK(timeline.find(3)->body() == "edited");
    CHECK(timeline.find(2)->body() == "old 2");
  }
  SUBCASE("a page read after the edit has it") {
    v1::GetHistoryReply history = page(1, 5, 5, 13);
    history.mutable_messages(2)->set_body("edited twice");
    timeline.merge(history);
    CHECK(timeline.find(3)->body() == "edited twice");
    timeline.apply(edited(13, 3, "edited twice"));  // the event that the page knew already
    CHECK(timeline.find(3)->body() == "edited twice");
  }
  SUBCASE("an old page does not undo what came live") {
    timeline.merge(page(1, 5, 5, 11));
    timeline.apply(edited(14, 4, "newest"));
    timeline.merge(page(1, 5, 5, 11));
    CHECK(timeline.find(4)->body() == "newest");
  }
}

TEST_CASE("a page older than forgotten changes is refused, to be asked for again") {
  Timeline timeline = room(5000, 10);
  for (std::uint64_t i = 0; i < 1100; ++i) timeline.apply(edited(11 + i, 1 + i, "x"));
  CHECK_FALSE(timeline.merge(page(1, 5, 5000, 11)));
  CHECK(timeline.merge(page(1, 5, 5000, 1110)));
}

TEST_CASE("unread is the head less the watermark, whatever is loaded") {
  Timeline timeline = room(100, 200);
  CHECK(timeline.unread(0) == 100);
  CHECK(timeline.unread(60) == 40);
  CHECK(timeline.unread(100) == 0);
  CHECK(timeline.unread(120) == 0);
  timeline.apply(posted(201, 101, "one more"));
  CHECK(timeline.unread(100) == 1);
}

TEST_CASE("a reply finds what it answers when that is loaded") {
  Timeline timeline = room(1, 1);
  v1::Event answer = posted(2, 2, "yes");
  answer.mutable_message_posted()->set_reply_to(1);
  timeline.apply(answer);
  CHECK(timeline.replied_to(*timeline.find(2)) == nullptr);
  timeline.merge(page(1, 1, 2, 2));
  REQUIRE(timeline.replied_to(*timeline.find(2)) != nullptr);
  CHECK(timeline.replied_to(*timeline.find(1)) == nullptr);
}

namespace {

struct Shown {
  Model model;
  Time now{};

  void tell(Happening happening) { model.apply(happening, now); }
  void tell(const v1::Event& one, Stream stream = club) {
    tell(Batch{stream, {1, one.seq()}, {one}});
  }

  Shown() {
    Online online;
    online.me.set_account_id(42);
    online.me.set_display_name("Ada");
    tell(online);
    Resynced resynced{club, {1, 10}, {}, {}};
    auto& snapshot = *resynced.snapshot.mutable_club();
    snapshot.mutable_club()->set_club_id(1);
    snapshot.mutable_club()->set_active_members(2);
    snapshot.mutable_me()->set_account_id(42);
    snapshot.mutable_me()->set_role(v1::CLUB_ROLE_COMMITTEE);
    for (const std::uint64_t id : {42, 7}) {
      auto& member = *snapshot.add_members();
      member.set_account_id(id);
      member.set_display_name(id == 7 ? "Blaise" : "Ada");
      member.set_status(v1::MEMBER_STATUS_ACTIVE);
    }
    auto& general = *snapshot.add_rooms();
    general.set_room_id(1);
    general.set_name("general");
    general.set_head_number(5);
    tell(resynced);
  }
};

}  // namespace

TEST_CASE("the model folds rooms, members and messages of a club") {
  Shown shown;
  shown.tell(posted(11, 6, "bonjour"));
  REQUIRE(shown.model.timeline(club, 1) != nullptr);
  CHECK(shown.model.timeline(club, 1)->head() == 6);
  CHECK(shown.model.club(1)->rooms.at(1).room.head_number() == 6);
  CHECK(shown.model.author_name(club, *shown.model.timeline(club, 1)->find(6)) == "Blaise");

  v1::Event room_created = event(12);
  room_created.mutable_room_created()->mutable_room()->set_room_id(2);
  shown.tell(room_created);
  CHECK(shown.model.timeline(club, 2) != nullptr);

  v1::Event renamed = event(13);
  renamed.mutable_room_changed()->mutable_room()->set_room_id(1);
  renamed.mutable_room_changed()->mutable_room()->set_name("salon");
  shown.tell(renamed);
  CHECK(shown.model.club(1)->rooms.at(1).room.name() == "salon");
  CHECK(shown.model.club(1)->rooms.at(1).room.head_number() == 6);

  v1::Event joined = event(14);
  joined.mutable_member_changed()->mutable_member()->set_account_id(9);
  joined.mutable_member_changed()->mutable_member()->set_display_name("Sophie");
  joined.mutable_member_changed()->mutable_member()->set_status(v1::MEMBER_STATUS_ACTIVE);
  shown.tell(joined);
  CHECK(shown.model.name(club, 9) == "Sophie");
  CHECK(shown.model.club(1)->club.active_members() == 3);

  v1::Event unknown = event(15);
  shown.tell(unknown);
  shown.tell(Ended{club});
  CHECK(shown.model.club(1)->ended);
}

TEST_CASE("a room that opens has its past, and those that were held keep what is loaded") {
  Shown shown;
  shown.tell(posted(11, 6, "held"));
  v1::Event opened = event(12);
  opened.mutable_room_changed()->mutable_room()->set_room_id(2);
  opened.mutable_room_changed()->mutable_room()->set_name("backroom");
  shown.tell(opened);
  CHECK(shown.model.timeline(club, 2)->head() == 0);

  Renewed renewed{club, 14, {}, {1}};
  auto& snapshot = *renewed.snapshot.mutable_club();
  snapshot.mutable_club()->set_club_id(1);
  snapshot.mutable_me()->set_account_id(42);
  snapshot.mutable_me()->set_role(v1::CLUB_ROLE_COMMITTEE);
  auto& general = *snapshot.add_rooms();
  general.set_room_id(1);
  general.set_name("salon");
  general.set_head_number(7);
  auto& backroom = *snapshot.add_rooms();
  backroom.set_room_id(2);
  backroom.set_name("backroom");
  backroom.set_head_number(31);
  backroom.add_pins(3);
  shown.tell(renewed);
  CHECK(shown.model.timeline(club, 2)->head() == 31);
  CHECK(shown.model.timeline(club, 2)->pins() == std::vector<std::uint64_t>{3});
  CHECK(shown.model.club(1)->rooms.at(1).room.name() == "salon");
  CHECK(shown.model.timeline(club, 1)->find(6) != nullptr);
  CHECK(shown.model.club(1)->rooms.at(1).room.head_number() == 6);

  // The events up to there come too: they are news for the rooms that were held, and for nothing else.
  v1::Event renamed = event(13);
  renamed.mutable_room_changed()->mutable_room()->set_room_id(1);
  renamed.mutable_room_changed()->mutable_room()->set_name("older");
  shown.tell(renamed);
  shown.tell(posted(14, 7, "between"));
  CHECK(shown.model.club(1)->rooms.at(1).room.name() == "salon");
  CHECK(shown.model.timeline(club, 1)->head() == 7);
  CHECK(shown.model.timeline(club, 2)->head() == 31);
}

TEST_CASE("a room that closes to this account is gone, by its roles or by one's own") {
  Shown shown;
  v1::Event closed = event(11);
  auto& room = *closed.mutable_room_changed()->mutable_room();
  room.set_room_id(1);
  room.set_access(v1::ROOM_ACCESS_ROLES);
  room.add_roles(v1::CLUB_ROLE_COMMITTEE);
  SUBCASE("its roles") {
    room.set_roles(0, v1::CLUB_ROLE_SPONSOR);
    shown.tell(closed);
  }
  SUBCASE("one's own") {
    shown.tell(closed);
    REQUIRE(shown.model.timeline(club, 1) != nullptr);
    v1::Event demoted = event(12);
    auto& me = *demoted.mutable_member_changed()->mutable_member();
    me.set_account_id(42);
    me.set_role(v1::CLUB_ROLE_MEMBER);
    me.set_status(v1::MEMBER_STATUS_ACTIVE);
    shown.tell(demoted);
  }
  CHECK(shown.model.timeline(club, 1) == nullptr);
}

TEST_CASE("read marks never go back, and unread follows them") {
  Shown shown;
  CHECK(shown.model.unread(club, 1) == 5);
  const auto mark = [&](std::uint64_t seq, std::uint64_t number) {
    v1::Event marked = event(seq);
    auto& in = *marked.mutable_read_marked()->mutable_mark();
    *in.mutable_stream() = club.proto();
    in.set_room_id(1);
    in.set_number(number);
    shown.tell(marked, Stream::account(42));
  };
  mark(1, 4);
  CHECK(shown.model.unread(club, 1) == 1);
  mark(2, 2);
  CHECK(shown.model.unread(club, 1) == 1);
  CHECK(shown.model.unread(club, 99) == 0);
}

TEST_CASE("posting, its answer and a page of history reach the right room") {
  Shown shown;
  shown.tell(Posting{1, request("id"), 42, 5});
  CHECK(shape(shown.model.timeline(club, 1)->rows()) == "[1-5] ?mine");
  Answered answered;
  *answered.request.mutable_post_message() = request("id");
  answered.result = std::unexpected(Failure{Failure::Kind::Refused, {}, 0, "no"});
  shown.tell(answered);
  CHECK(shape(shown.model.timeline(club, 1)->rows()) == "[1-5] !mine");
  Answered history;
  *history.request.mutable_get_history()->mutable_stream() = club.proto();
  history.request.mutable_get_history()->set_room_id(1);
  history.result = v1::Reply();
  *history.result->mutable_get_history() = page(1, 5, 5, 10);
  shown.tell(history);
  CHECK(shape(shown.model.timeline(club, 1)->rows()) == "1 2 3 4 5 !mine");
}

TEST_CASE("typing lapses, leaves oneself out, and ends with the message") {
  Shown shown;
  Signalled signalled;
  auto& typing = *signalled.signal.mutable_typing();
  *typing.mutable_stream() = club.proto();
  typing.set_room_id(1);
  typing.add_accounts(42);
  typing.add_accounts(7);
  shown.tell(signalled);
  CHECK(shown.model.typing(club, 1, shown.now).accounts == std::vector<std::uint64_t>{7});
  CHECK(shown.model.typing(club, 1, shown.now + 6s).accounts.empty());
  shown.tell(posted(11, 6, "said"));
  CHECK(shown.model.typing(club, 1, shown.now).accounts.empty());
}

TEST_CASE("presence: a whole list, its changes, and above a hundred only a count") {
  Shown shown;
  Signalled signalled;
  auto& presence = *signalled.signal.mutable_presence();
  *presence.mutable_stream() = club.proto();
  presence.add_came(7);
  presence.add_came(42);
  presence.set_count(2);
  presence.set_whole(true);
  shown.tell(signalled);
  CHECK(shown.model.club(1)->presence.accounts.size() == 2);
  presence.clear_came();
  presence.set_whole(false);
  presence.add_went(7);
  presence.set_count(1);
  shown.tell(signalled);
  CHECK(shown.model.club(1)->presence.whole);
  CHECK(shown.model.club(1)->presence.accounts == std::set<std::uint64_t>{42});
  presence.clear_went();
  presence.add_came(8);
  presence.set_count(150);
  shown.tell(signalled);
  CHECK_FALSE(shown.model.club(1)->presence.whole);
  CHECK(shown.model.club(1)->presence.count == 150);
}

TEST_CASE("a mention reaches one by id, by @all, and the committee by @committee") {
  Shown shown;
  v1::Message message;
  CHECK_FALSE(shown.model.mentions_me(club, message));
  message.mutable_mentions()->set_committee(true);
  CHECK(shown.model.mentions_me(club, message));
  message.mutable_mentions()->set_committee(false);
  message.mutable_mentions()->add_accounts(42);
  CHECK(shown.model.mentions_me(club, message));
}
