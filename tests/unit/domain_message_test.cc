// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string>
#include <vector>

#include "domain_world.h"
#include "server/domain/direct.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t hall = 1;
constexpr std::uint64_t news = 2;
constexpr std::uint64_t committee_room = 5;

v1::PostMessage post(std::string body, std::uint64_t room_id = hall) {
  v1::PostMessage request;
  request.set_room_id(room_id);
  request.set_body(std::move(body));
  return request;
}

// The message that a post makes, as storage derives it.
v1::Message message_of(const Decision& decision, std::uint64_t author) {
  const v1::MessagePosted& posted = decision.events.at(0).event.message_posted();
  v1::Message message;
  message.set_room_id(posted.room_id());
  message.set_number(posted.number());
  message.set_author(author);
  message.set_body(posted.body());
  *message.mutable_mentions() = posted.mentions();
  return message;
}

template <typename Request>
Request about(const v1::Message& message) {
  Request request;
  request.set_room_id(message.room_id());
  request.set_number(message.number());
  return request;
}

struct Talk : World {
  Place place{.club = &club};

  v1::Message say(std::uint64_t author, std::string body, std::uint64_t room_id = hall) {
    return message_of(take(post_message(place, post(std::move(body), room_id), actor(author))),
                      author);
  }
  void archive(std::uint64_t room_id) {
    v1::ChangeRoom request;
    request.set_room_id(room_id);
    request.set_archived(true);
    take(change_room(club, request, as(v1::CLUB_ROLE_PRESIDENT)));
  }
};

TEST_CASE("messages of a room are numbered densely, room by room, for those who read it") {
  Talk talk;
  CHECK(talk.say(2, "un").number() == 1);
  CHECK(talk.say(1, "deux").number() == 2);
  CHECK(talk.say(4, "ailleurs", committee_room).number() == 1);
  const auto decided = talk.take(post_message(talk.place, post("trois"), talk.actor(3)));
  CHECK(decided.object_id == 3);
  CHECK(decided.events[0].audience.roles() == all_roles);
  CHECK(decided.events[0].audience.account() == 0);
  const auto secret =
      talk.take(post_message(talk.place, post("à nous", committee_room), talk.actor(4)));
  CHECK(secret.events[0].audience.roles() == committee_and_above);
}

TEST_CASE("a post is refused for what is wrong with it, in the right words") {
  Talk talk;
  const auto refused = [&](const v1::PostMessage& request, std::uint64_t author) {
    return post_message(talk.place, request, talk.actor(author));
  };
  CHECK(rule_of(refused(post("  "), 2)) == "text.blank");
  CHECK(code_of(refused(post(std::string(limits::message_bytes + 1, 'a')), 2)) ==
        v1::REFUSAL_CODE_TOO_LARGE);
  CHECK(rule_of(refused(post("x", news), 2)) == "may.post_announcement");
  CHECK(code_of(refused(post("x", committee_room), 2)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(refused(post("x", 404), 2)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(refused(post("x"), outsider)) == v1::REFUSAL_CODE_NOT_FOUND);
  // Who may not post is told so before anything about the text.
  CHECK(code_of(refused(post(""), outsider)) == v1::REFUSAL_CODE_NOT_FOUND);
  talk.put(2, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_PAUSED);
  CHECK(code_of(refused(post("x"), 2)) == v1::REFUSAL_CODE_NOT_ACTIVE);
  talk.put(2, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_BANNED);
  CHECK(code_of(refused(post("x"), 2)) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("an answer answers a message of the same room") {
  Talk talk;
  talk.say(2, "question");
  auto request = post("réponse");
  request.set_reply_to(1);
  const auto decided = talk.take(post_message(talk.place, request, talk.actor(3)));
  CHECK(decided.events[0].event.message_posted().reply_to() == 1);
  request.set_reply_to(3);
  CHECK(rule_of(post_message(talk.place, request, talk.actor(3))) == "message.reply");
}

TEST_CASE("an archived room is read and cleaned, not written in") {
  Talk talk;
  const auto message = talk.say(2, "avant");
  talk.archive(hall);
  CHECK(rule_of(post_message(talk.place, post("après"), talk.actor(2))) == "room.archived");
  auto edit = about<v1::EditMessage>(message);
  edit.set_body("autre");
  CHECK(rule_of(edit_message(talk.place, &message, edit, talk.actor(2))) == "room.archived");
  auto reaction = about<v1::React>(message);
  reaction.set_emoji("👍");
  CHECK(rule_of(react(talk.place, &message, reaction, talk.actor(2))) == "room.archived");
  CHECK(rule_of(pin_message(talk.place, &message, about<v1::PinMessage>(message), talk.actor(4))) ==
        "room.archived");
  CHECK(enter(talk.place, hall, talk.actor(2), Action::read_room).has_value());
  CHECK(delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(2))
            .has_value());
}

TEST_CASE("mentioned people are those who read the room, each once") {
  Talk talk;
  auto request = post("@tous", committee_room);
  for (const std::uint64_t account : {4, 5, 4, 2, 777})
    request.mutable_mentions()->add_accounts(account);
  const auto decided = talk.take(post_message(talk.place, request, talk.actor(4)));
  const v1::Mentions& mentions = decided.events[0].event.message_posted().mentions();
  CHECK(std::vector<std::uint64_t>(mentions.accounts().begin(), mentions.accounts().end()) ==
        std::vector<std::uint64_t>{4, 5});
  CHECK(mentions.head_count() == 0);

  request = post("trop");
  for (std::uint32_t i = 0; i <= limits::mentions_per_message; ++i)
    request.mutable_mentions()->add_accounts(2);
  CHECK(code_of(post_message(talk.place, request, talk.actor(4))) == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE(
    "@committee is for any member, @all for the committee, and both say how many they reach") {
  Talk talk;
  auto request = post("à l’aide");
  request.mutable_mentions()->set_committee(true);
  request.mutable_mentions()->set_head_count(9'999);
  auto decided = talk.take(post_message(talk.place, request, talk.actor(2)));
  CHECK(decided.events[0].event.message_posted().mentions().head_count() == 2);

  request.mutable_mentions()->set_all(true);
  CHECK(rule_of(post_message(talk.place, request, talk.actor(2))) == "may.mention_all");
  decided = talk.take(post_message(talk.place, request, talk.actor(4)));
  CHECK(decided.events[0].event.message_posted().mentions().head_count() == 5);

  talk.put(1, v1::CLUB_ROLE_GUEST, v1::MEMBER_STATUS_LEFT);
  decided = talk.take(post_message(talk.place, request, talk.actor(outsider, v1::SITE_ROLE_STAFF)));
  CHECK(decided.events[0].event.message_posted().mentions().head_count() == 5);

  request = post("entre nous", committee_room);
  request.mutable_mentions()->set_all(true);
  decided = talk.take(post_message(talk.place, request, talk.actor(4)));
  CHECK(decided.events[0].event.message_posted().mentions().head_count() == 2);
}

TEST_CASE("only its author edits a message, and the old text stays on the server") {
  Talk talk;
  auto message = talk.say(2, "frist");
  auto request = about<v1::EditMessage>(message);
  request.set_body("first");
  const auto decided = talk.take(edit_message(talk.place, &message, request, talk.actor(2)));
  REQUIRE(decided.events.size() == 1);
  CHECK(decided.events[0].private_part.previous_body() == "frist");
  CHECK(!decided.events[0].event.SerializeAsString().contains("frist"));
  CHECK(rule_of(edit_message(talk.place, &message, request, talk.actor(5))) == "may.edit_own");
  CHECK(rule_of(edit_message(talk.place, &message, request, talk.actor(0, v1::SITE_ROLE_OWNER))) ==
        "may.edit_own");
  CHECK(code_of(edit_message(talk.place, nullptr, request, talk.actor(2))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  request.set_body("");
  CHECK(rule_of(edit_message(talk.place, &message, request, talk.actor(2))) == "text.blank");
  request.set_body("frist");
  CHECK(talk.take(edit_message(talk.place, &message, request, talk.actor(2))).events.empty());
  message.set_deleted(true);
  CHECK(rule_of(edit_message(talk.place, &message, request, talk.actor(2))) == "message.deleted");
}

TEST_CASE("an edit can't sneak in a mention, nor a word after the mandate or during a pause") {
  Talk talk;
  const auto message = talk.say(2, "texte");
  auto request = about<v1::EditMessage>(message);
  request.set_body("texte @all");
  request.mutable_mentions()->set_all(true);
  CHECK(rule_of(edit_message(talk.place, &message, request, talk.actor(2))) == "may.mention_all");
  request.clear_mentions();
  talk.put(2, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_PAUSED);
  CHECK(code_of(edit_message(talk.place, &message, request, talk.actor(2))) ==
        v1::REFUSAL_CODE_NOT_ACTIVE);

  const auto announcement = talk.say(4, "annonce", news);
  talk.take(talk.set_role(4, v1::CLUB_ROLE_MEMBER, talk.as(v1::CLUB_ROLE_PRESIDENT)));
  auto later = about<v1::EditMessage>(announcement);
  later.set_body("autre");
  CHECK(rule_of(edit_message(talk.place, &announcement, later, talk.actor(4))) ==
        "may.post_announcement");
}

TEST_CASE("a mention is taken out of a message by editing it") {
  Talk talk;
  auto request = post("@quelqu’un");
  request.mutable_mentions()->add_accounts(3);
  const auto message = message_of(talk.take(post_message(talk.place, request, talk.actor(2))), 2);
  auto edit = about<v1::EditMessage>(message);
  edit.set_body(message.body());
  const auto decided = talk.take(edit_message(talk.place, &message, edit, talk.actor(2)));
  REQUIRE(decided.events.size() == 1);
  CHECK(decided.events[0].event.message_edited().mentions().accounts().empty());
}

TEST_CASE("one deletes one's own, the committee what those below it wrote") {
  Talk talk;
  const auto deleted_by = [&](std::uint64_t author, std::uint64_t by) {
    const auto message = talk.say(author, "x");
    return delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(by))
        .has_value();
  };
  CHECK(deleted_by(2, 2));
  CHECK(!deleted_by(2, 3));
  CHECK(deleted_by(2, 4));
  CHECK(!deleted_by(5, 4));
  CHECK(deleted_by(4, 5));
  CHECK(!deleted_by(6, 5));
  const auto message = talk.say(2, "x");
  CHECK(rule_of(delete_message(talk.place, &message, about<v1::DeleteMessage>(message),
                               talk.actor(3))) == "may.delete_any");
  CHECK(code_of(delete_message(talk.place, nullptr, about<v1::DeleteMessage>(message),
                               talk.actor(2))) == v1::REFUSAL_CODE_NOT_FOUND);
  // Paused, one still takes back what one said; imported messages and those of former members are moderated.
  talk.put(2, v1::CLUB_ROLE_MEMBER, v1::MEMBER_STATUS_PAUSED);
  CHECK(delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(2))
            .has_value());
  v1::Message imported = message;
  imported.set_author(0);
  CHECK(delete_message(talk.place, &imported, about<v1::DeleteMessage>(message), talk.actor(4))
            .has_value());
  CHECK(!delete_message(talk.place, &imported, about<v1::DeleteMessage>(message), talk.actor(3)));
}

TEST_CASE(
    "what a moderator deleted comes back with its words, what its author took back does not") {
  Talk talk;
  auto message = talk.say(2, "des mots");
  message.mutable_mentions()->add_accounts(3);
  auto request = about<v1::DeleteMessage>(message);
  request.set_reason(v1::REASON_CODE_OFF_TOPIC);
  request.set_text("Ailleurs");
  const auto deleted = talk.take(delete_message(talk.place, &message, request, talk.actor(4)));
  CHECK(deleted.events[0].event.message_deleted().reason() == v1::REASON_CODE_OFF_TOPIC);
  CHECK(deleted.events[0].event.message_deleted().text() == "Ailleurs");
  CHECK(deleted.events[0].private_part.previous_mentions().accounts(0) == 3);
  message.set_deleted(true);
  message.set_deleted_by(4);
  const DeletedWords words{deleted.events[0].private_part.previous_body(),
                           deleted.events[0].private_part.previous_mentions()};
  const auto restore = [&](std::uint64_t by, const DeletedWords* with) {
    return restore_message(talk.place, &message, with, about<v1::RestoreMessage>(message),
                           talk.actor(by));
  };
  CHECK(code_of(restore(2, &words)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(restore(outsider, &words)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(rule_of(restore(4, nullptr)) == "message.words_gone");
  const auto back = talk.take(restore(4, &words));
  REQUIRE(back.events.size() == 1);
  CHECK(back.events[0].event.message_restored().body() == "des mots");
  CHECK(back.events[0].event.message_restored().mentions().accounts(0) == 3);
  CHECK(back.events[0].audience.roles() == all_roles);
  message.set_deleted_by(2);
  CHECK(rule_of(restore(5, &words)) == "message.taken_back");
  message.set_deleted(false);
  CHECK(talk.take(restore(4, &words)).events.empty());
  // Of a superior's message nothing is decided.
  message.set_author(5);
  CHECK(rule_of(restore(4, &words)) == "may.rank");
}

TEST_CASE("a locked message is neither edited nor deleted by its author, until it is let go") {
  Talk talk;
  auto message = talk.say(2, "preuve");
  auto lock = about<v1::LockMessage>(message);
  CHECK(code_of(lock_message(talk.place, &message, lock, talk.actor(2))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(talk.take(lock_message(talk.place, &message, lock, talk.actor(4)))
            .events[0]
            .event.message_locked()
            .locked());
  message.set_edit_locked(true);
  CHECK(talk.take(lock_message(talk.place, &message, lock, talk.actor(4))).events.empty());
  auto edit = about<v1::EditMessage>(message);
  edit.set_body("rien");
  CHECK(rule_of(edit_message(talk.place, &message, edit, talk.actor(2))) == "message.locked");
  CHECK(rule_of(delete_message(talk.place, &message, about<v1::DeleteMessage>(message),
                               talk.actor(2))) == "message.locked");
  CHECK(delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(4)));
  lock.set_unlock(true);
  CHECK(!talk.take(lock_message(talk.place, &message, lock, talk.actor(4))).events.empty());
}

TEST_CASE("in a locked room the committee alone writes, and everybody reads") {
  Talk talk;
  const auto message = talk.say(2, "avant");
  v1::ChangeRoom request;
  request.set_room_id(hall);
  request.set_locked(true);
  request.set_reason("Cinq minutes de calme");
  const auto locked = talk.take(change_room(talk.club, request, talk.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(locked.events.at(0).event.room_changed().room().locked());
  CHECK(locked.events.at(0).event.room_changed().reason() == "Cinq minutes de calme");
  auto edit = about<v1::EditMessage>(message);
  edit.set_body("après");
  auto reaction = about<v1::React>(message);
  reaction.set_emoji("👍");
  CHECK(rule_of(post_message(talk.place, post("x"), talk.actor(2))) == "room.locked");
  CHECK(rule_of(post_message(talk.place, post("x"), talk.actor(3))) == "room.locked");
  CHECK(rule_of(edit_message(talk.place, &message, edit, talk.actor(2))) == "room.locked");
  CHECK(rule_of(react(talk.place, &message, reaction, talk.actor(2))) == "room.locked");
  CHECK(delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(2)));
  CHECK(may(talk.actor(2), Action::read_room, {.room = talk.club.find_room(hall)}));
  CHECK(post_message(talk.place, post("x"), talk.actor(4)));
  request.set_locked(false);
  talk.take(change_room(talk.club, request, talk.as(v1::CLUB_ROLE_COMMITTEE)));
  CHECK(post_message(talk.place, post("x"), talk.actor(2)));
}

TEST_CASE("slow mode spaces a member's messages, room by room, and says how long to wait") {
  Talk talk;
  const auto at = [&](std::uint64_t account, std::int64_t ms) {
    return actor_in(talk.club, account, v1::SITE_ROLE_NONE, now_ms + ms);
  };
  const auto say_at = [&](std::uint64_t account, std::int64_t ms) {
    auto result = post_message(talk.place, post("x"), at(account, ms));
    if (!result) return result;
    auto event = result->events[0].event;
    event.set_actor(account);
    event.set_time_ms(now_ms + ms);
    talk.club.apply(event);
    return result;
  };
  CHECK(say_at(2, 0));
  v1::ChangeRoom request;
  request.set_room_id(hall);
  request.set_slow_mode_s(limits::slow_mode_max_s + 1);
  CHECK(code_of(change_room(talk.club, request, at(4, 10))) == v1::REFUSAL_CODE_TOO_LARGE);
  request.set_slow_mode_s(30);
  const auto slowed = talk.take(change_room(talk.club, request, at(4, 10)));
  CHECK(slowed.events.at(0).event.room_changed().room().slow_since_ms() == now_ms + 10);
  CHECK(say_at(2, 20));  // what was said before does not count
  const auto refused = say_at(2, 1'020);
  CHECK(rule_of(refused) == "room.slow_mode");
  CHECK(refused.error().retry_after_ms == 29'000);
  CHECK(code_of(refused) == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(to_wire(refused.error(), v1::LANGUAGE_EN).message() ==
        "This room is in slow mode. You can write here in 29\u00a0s.");
  CHECK(say_at(1, 1'020));
  CHECK(say_at(4, 1'030));
  CHECK(say_at(4, 1'040));  // who keeps order is not slowed down by it
  CHECK(say_at(2, 30'020));
  // Loading the room with its recent messages leaves the same to wait.
  ClubState loaded(talk.club.id());
  loaded.load(talk.club.club());
  v1::Room row;
  write_room(*talk.club.find_room(hall), row);
  loaded.load(row);
  v1::Message message;
  message.set_room_id(hall);
  message.set_author(2);
  message.set_time_ms(now_ms + 30'020);
  loaded.load(message);
  message.set_author(3);
  message.set_time_ms(now_ms);  // before it was slow
  loaded.load(message);
  CHECK(loaded.find_room(hall)->slow_wait_ms(2, now_ms + 31'020) == 29'000);
  CHECK(loaded.find_room(hall)->slow_wait_ms(3, now_ms + 31'020) == 0);
  request.set_slow_mode_s(0);
  talk.take(change_room(talk.club, request, at(4, 30'030)));
  CHECK(say_at(2, 30'040));
}

TEST_CASE("a deletion leaves the text on the server alone, unpins, and happens once") {
  Talk talk;
  auto message = talk.say(2, "secret");
  talk.take(pin_message(talk.place, &message, about<v1::PinMessage>(message), talk.actor(4)));
  const auto decided = talk.take(
      delete_message(talk.place, &message, about<v1::DeleteMessage>(message), talk.actor(2)));
  REQUIRE(decided.events.size() == 2);
  CHECK(decided.events[0].private_part.previous_body() == "secret");
  CHECK(!decided.events[0].event.SerializeAsString().contains("secret"));
  CHECK(!decided.events[1].event.message_pinned().pinned());
  CHECK(talk.club.find_room(hall)->pins.empty());
  message.set_deleted(true);
  CHECK(talk.take(delete_message(talk.place, &message, about<v1::DeleteMessage>(message),
                                 talk.actor(2)))
            .events.empty());
  CHECK(rule_of(pin_message(talk.place, &message, about<v1::PinMessage>(message), talk.actor(4))) ==
        "message.deleted");
}

TEST_CASE("a reaction is given once, taken back once, and of at most so many kinds") {
  Talk talk;
  auto message = talk.say(2, "bravo");
  auto request = about<v1::React>(message);
  request.set_emoji("\u2764");
  const auto given = talk.take(react(talk.place, &message, request, talk.actor(1)));
  CHECK(given.events[0].event.reaction_changed().emoji() == "\u2764\ufe0f");
  CHECK(given.events[0].event.reaction_changed().added());
  v1::Reaction& kept = *message.add_reactions();
  kept.set_emoji("\u2764\ufe0f");
  kept.add_accounts(1);
  CHECK(talk.take(react(talk.place, &message, request, talk.actor(1))).events.empty());
  request.set_remove(true);
  CHECK(talk.take(react(talk.place, &message, request, talk.actor(1))).events.size() == 1);
  CHECK(talk.take(react(talk.place, &message, request, talk.actor(3))).events.empty());

  for (std::uint32_t i = 1; i < limits::reactions_per_message; ++i) {
    message.add_reactions()->set_emoji("e" + std::to_string(i));
  }
  request.set_remove(false);
  CHECK(react(talk.place, &message, request, talk.actor(3)).has_value());
  request.set_emoji("👍");
  CHECK(code_of(react(talk.place, &message, request, talk.actor(3))) == v1::REFUSAL_CODE_TOO_LARGE);
  request.set_emoji("pas un émoji");
  CHECK(rule_of(react(talk.place, &message, request, talk.actor(3))) == "text.emoji");
  message.set_deleted(true);
  CHECK(rule_of(react(talk.place, &message, request, talk.actor(3))) == "message.deleted");
}

TEST_CASE("the committee pins, up to a bound") {
  Talk talk;
  std::vector<v1::Message> messages;
  for (std::uint32_t i = 0; i <= limits::pins_per_room; ++i) messages.push_back(talk.say(2, "x"));
  CHECK(code_of(pin_message(talk.place, &messages[0], about<v1::PinMessage>(messages[0]),
                            talk.actor(3))) == v1::REFUSAL_CODE_FORBIDDEN);
  for (std::uint32_t i = 0; i < limits::pins_per_room; ++i) {
    talk.take(
        pin_message(talk.place, &messages[i], about<v1::PinMessage>(messages[i]), talk.actor(4)));
  }
  CHECK(talk.take(pin_message(talk.place, &messages[0], about<v1::PinMessage>(messages[0]),
                              talk.actor(4)))
            .events.empty());
  CHECK(code_of(pin_message(talk.place, &messages.back(), about<v1::PinMessage>(messages.back()),
                            talk.actor(4))) == v1::REFUSAL_CODE_TOO_LARGE);
  auto unpin = about<v1::PinMessage>(messages[0]);
  unpin.set_unpin(true);
  talk.take(pin_message(talk.place, &messages[0], unpin, talk.actor(4)));
  CHECK(talk.club.find_room(hall)->pins.size() == limits::pins_per_room - 1);
}

v1::ImportMessages import_of(std::initializer_list<const char*> bodies) {
  v1::ImportMessages request;
  request.set_room_id(hall);
  int i = 0;
  for (const char* body : bodies) {
    v1::ImportedMessage& message = *request.add_messages();
    message.set_author_name("nick" + std::to_string(i));
    message.set_body(body);
    message.set_time_ms(1'000 + i);
    message.set_client_msg_id(std::string(15, 'm') + static_cast<char>('a' + i));
    ++i;
  }
  return request;
}

TEST_CASE("an import brings history with its authors, times and answers") {
  Talk talk;
  talk.say(2, "déjà là");
  auto request = import_of({"un", "deux", "trois"});
  request.mutable_messages(1)->set_reply_to_index(1);
  request.mutable_messages(2)->set_reply_to_number(1);
  const std::vector<std::uint64_t> known(3, 0);
  const Actor staff = talk.actor(outsider, v1::SITE_ROLE_STAFF);
  const auto decided = talk.take(import_messages(talk.place, known, request, staff, now_ms));
  CHECK(decided.numbers == std::vector<std::uint64_t>{2, 3, 4});
  REQUIRE(decided.events.size() == 3);
  const v1::MessagePosted& second = decided.events[1].event.message_posted();
  CHECK(second.reply_to() == 2);
  CHECK(second.imported_author() == "nick1");
  CHECK(second.imported_time_ms() == 1'001);
  CHECK(decided.events[2].event.message_posted().reply_to() == 1);
  CHECK(decided.events[1].event.client_msg_id() == request.messages(1).client_msg_id());
  CHECK(talk.club.find_room(hall)->head_number == 4);

  // A second run with one more message adds that one alone.
  auto more = import_of({"un", "deux", "trois", "quatre"});
  more.mutable_messages(3)->set_reply_to_index(2);
  const std::vector<std::uint64_t> seen = {2, 3, 4, 0};
  const auto again = talk.take(import_messages(talk.place, seen, more, staff, now_ms));
  CHECK(again.numbers == std::vector<std::uint64_t>{2, 3, 4, 5});
  REQUIRE(again.events.size() == 1);
  CHECK(again.events[0].event.message_posted().reply_to() == 3);
}

TEST_CASE("an import is all or nothing, and for site staff") {
  Talk talk;
  const std::vector<std::uint64_t> known(2, 0);
  const Actor staff = talk.actor(outsider, v1::SITE_ROLE_STAFF);
  const auto good = import_of({"un", "deux"});
  CHECK(code_of(import_messages(talk.place, known, good, talk.as(v1::CLUB_ROLE_PRESIDENT),
                                now_ms)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(code_of(import_messages(talk.place, known, good, talk.actor(outsider), now_ms)) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  const auto field_of = [&](const v1::ImportMessages& request) {
    const auto result = import_messages(talk.place, known, request, staff, now_ms);
    return result ? std::string() : result.error().field;
  };
  CHECK(field_of(good).empty());
  auto bad = good;
  bad.mutable_messages(1)->set_body("\n");
  CHECK(field_of(bad) == "messages.1.body");
  bad = good;
  bad.mutable_messages(0)->set_author_name("");
  CHECK(field_of(bad) == "messages.0.author_name");
  bad = good;
  bad.mutable_messages(1)->set_time_ms(now_ms + 1);
  CHECK(field_of(bad) == "messages.1.time_ms");
  bad = good;
  bad.mutable_messages(1)->set_client_msg_id(bad.messages(0).client_msg_id());
  CHECK(field_of(bad) == "messages.1.client_msg_id");
  bad = good;
  bad.mutable_messages(0)->set_client_msg_id("short");
  CHECK(field_of(bad) == "messages.0.client_msg_id");
  bad = good;
  bad.mutable_messages(1)->set_reply_to_index(2);
  CHECK(field_of(bad) == "messages.1.reply_to_index");
  bad = good;
  bad.mutable_messages(0)->set_reply_to_number(1);
  CHECK(field_of(bad) == "messages.0.reply_to_number");
  CHECK(code_of(import_messages(talk.place, {}, import_of({}), staff, now_ms)) ==
        v1::REFUSAL_CODE_BAD_REQUEST);
}

TEST_CASE("in a direct conversation both sides talk once it is open, and nobody else reads") {
  DirectState direct(direct_id(10, 11));
  const Place place{.direct = &direct};
  const auto side = [](std::uint64_t account, v1::SiteRole site = v1::SITE_ROLE_NONE) {
    return actor_on_site(account, site);
  };
  CHECK(code_of(post_message(place, post("x", 0), side(10))) == v1::REFUSAL_CODE_NOT_FOUND);
  v1::OpenDirect open;
  open.set_account_id(11);
  fold(direct, *open_direct(direct, {.share_a_club = true}, open, 10));
  CHECK(code_of(post_message(place, post("x", 0), side(10))) == v1::REFUSAL_CODE_CONSENT_NEEDED);
  v1::AnswerDirect answer;
  answer.set_accept(true);
  fold(direct, *answer_direct(direct, answer, 11));

  const auto posted = post_message(place, post("bonjour", 0), side(10));
  REQUIRE(posted);
  CHECK(posted->events[0].audience.roles() == stream_followers);
  fold(direct, *posted);
  CHECK(direct.room().head_number == 1);
  CHECK(code_of(post_message(place, post("x", 1), side(10))) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(post_message(place, post("x", 0), side(12, v1::SITE_ROLE_OWNER))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  auto mention = post("tous", 0);
  mention.mutable_mentions()->set_all(true);
  CHECK(rule_of(post_message(place, mention, side(10))) == "message.mention_in_direct");

  const auto message = message_of(*posted, 10);
  auto reaction = about<v1::React>(message);
  reaction.set_emoji("👍");
  CHECK(react(place, &message, reaction, side(11)).has_value());
  CHECK(code_of(delete_message(place, &message, about<v1::DeleteMessage>(message), side(11))) ==
        v1::REFUSAL_CODE_FORBIDDEN);

  v1::BlockDirect block;
  block.set_account_id(10);
  fold(direct, *block_direct(direct, {}, block, 11));
  auto edit = about<v1::EditMessage>(message);
  edit.set_body("autre");
  CHECK(code_of(post_message(place, post("x", 0), side(10))) == v1::REFUSAL_CODE_BLOCKED);
  CHECK(code_of(edit_message(place, &message, edit, side(10))) == v1::REFUSAL_CODE_BLOCKED);
  CHECK(code_of(react(place, &message, reaction, side(10))) == v1::REFUSAL_CODE_BLOCKED);
  CHECK(delete_message(place, &message, about<v1::DeleteMessage>(message), side(10)).has_value());
}

}  // namespace
}  // namespace amicale::domain_test
