// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Clubs and their rooms, memberships and direct conversations, as clients see them.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "server/domain/state.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

v1::ClientFrame open_direct(uint64_t account, const std::string& introduction = "") {
  v1::ClientFrame frame;
  frame.mutable_open_direct()->set_account_id(account);
  frame.mutable_open_direct()->set_introduction(introduction);
  frame.mutable_open_direct()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame answer_direct(uint64_t direct, bool accept) {
  v1::ClientFrame frame;
  frame.mutable_answer_direct()->set_direct_id(direct);
  frame.mutable_answer_direct()->set_accept(accept);
  frame.mutable_answer_direct()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame block_direct(uint64_t account, bool unblock = false) {
  v1::ClientFrame frame;
  frame.mutable_block_direct()->set_account_id(account);
  frame.mutable_block_direct()->set_unblock(unblock);
  frame.mutable_block_direct()->set_client_msg_id(message_id());
  return frame;
}

// The caller's conversation with `other` as listed to them; empty when it is not.
v1::Direct listed(WireClient& client, uint64_t other) {
  v1::ClientFrame frame;
  frame.mutable_list_directs();
  const auto reply = client.call(frame);
  for (const auto& direct : reply.list_directs().directs()) {
    if (direct.other() == other) return direct;
  }
  return {};
}

TEST_CASE("each of the six kinds of club starts with its own rooms, in French and in English") {
  ClubWorld world;
  auto owner = world.connect("owner");
  std::set<std::string> all_rooms;
  int club_number = 0;
  for (int kind = v1::CLUB_KIND_REGIONAL; kind <= v1::CLUB_KIND_SOCIAL; ++kind) {
    for (const auto language : {v1::LANGUAGE_FR, v1::LANGUAGE_EN}) {
      CAPTURE(v1::ClubKind_Name(static_cast<v1::ClubKind>(kind)));
      CAPTURE(v1::Language_Name(language));
      v1::ClientFrame create;
      create.mutable_create_club()->set_slug("club-" + std::to_string(++club_number));
      create.mutable_create_club()->set_name("Club " + std::to_string(club_number));
      create.mutable_create_club()->set_kind(static_cast<v1::ClubKind>(kind));
      create.mutable_create_club()->set_language(language);
      create.mutable_create_club()->set_client_msg_id(message_id());
      const auto made = owner.call(create);
      REQUIRE_MESSAGE(made.has_create_club(), made.refusal().message());
      const auto snapshot =
          owner.follow(club_stream(made.create_club().object_id())).snapshot().club();
      CHECK(snapshot.club().kind() == kind);
      CHECK(snapshot.club().language() == language);
      CHECK(snapshot.club().capacity() > 0);
      int announcements = 0;
      int closed = 0;
      std::string rooms;
      for (const auto& room : snapshot.rooms()) {
        announcements += room.access() == v1::ROOM_ACCESS_ANNOUNCEMENT;
        closed += room.access() == v1::ROOM_ACCESS_ROLES;
        CHECK_FALSE(room.topic().empty());
        rooms += room.name() + ", ";
      }
      CHECK(snapshot.rooms(0).name() == (language == v1::LANGUAGE_FR ? "général" : "general"));
      CHECK(announcements == 1);
      CHECK(closed == 1);
      CHECK_MESSAGE(all_rooms.insert(rooms).second, "the same rooms as another kind: ", rooms);
    }
  }
  CHECK(all_rooms.size() == 12);
}

TEST_CASE("in an announcement room the committee posts and every member reads") {
  ClubWorld world;
  world.add("ada");
  world.add("boris", v1::CLUB_ROLE_COMMITTEE);
  const uint64_t news = world.room(v1::ROOM_ACCESS_ANNOUNCEMENT);
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  ada.follow(world.stream());
  CHECK(ada.call(post(world.stream(), news, "moi aussi")).refusal().code() ==
        v1::REFUSAL_CODE_FORBIDDEN);
  const auto posted = boris.call(post(world.stream(), news, "Assemblée le 12")).post_message();
  CHECK(ada.wait_for(world.stream(), posted.last_seq()).events.back().message_posted().body() ==
        "Assemblée le 12");
  v1::ClientFrame react;
  *react.mutable_react()->mutable_stream() = world.stream();
  react.mutable_react()->set_room_id(news);
  react.mutable_react()->set_number(1);
  react.mutable_react()->set_emoji("🎉");
  react.mutable_react()->set_client_msg_id(message_id());
  CHECK_MESSAGE(ada.call(react).has_react(), "a reader answers with a reaction");
}

TEST_CASE("the president hands over, stays in the committee, and cannot leave before") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada", v1::CLUB_ROLE_PRESIDENT).account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  CHECK(ada.call(set_status(world.club, ada_account, v1::MEMBER_STATUS_LEFT)).refusal().code() ==
        v1::REFUSAL_CODE_CONFLICT);
  CHECK(boris.call(set_role(world.club, boris_account, v1::CLUB_ROLE_PRESIDENT)).refusal().code() ==
        v1::REFUSAL_CODE_FORBIDDEN);
  ada.follow(world.stream());
  boris.follow(account_stream(boris_account));
  const auto handed = ada.call(set_role(world.club, boris_account, v1::CLUB_ROLE_PRESIDENT));
  REQUIRE_MESSAGE(handed.has_set_role(), handed.refusal().message());

  std::map<uint64_t, v1::ClubRole> roles;
  for (const auto& event : ada.wait_for(world.stream(), handed.set_role().last_seq()).events) {
    if (event.has_member_changed()) {
      roles[event.member_changed().member().account_id()] = event.member_changed().member().role();
    }
  }
  CHECK(roles[boris_account] == v1::CLUB_ROLE_PRESIDENT);
  CHECK(roles[ada_account] == v1::CLUB_ROLE_COMMITTEE);
  // The one that it concerns hears of it without following the club.
  const auto& told = boris.wait_for(account_stream(boris_account),
                                    boris.at(account_stream(boris_account)).cursor + 1);
  CHECK(told.events.back().membership_noticed().role() == v1::CLUB_ROLE_PRESIDENT);
  CHECK_MESSAGE(
      ada.call(set_role(world.club, boris_account, v1::CLUB_ROLE_MEMBER)).refusal().code() ==
          v1::REFUSAL_CODE_FORBIDDEN,
      "the former president has no power over the new one");
  CHECK(ada.call(set_status(world.club, ada_account, v1::MEMBER_STATUS_LEFT))
            .has_set_member_status());
}

TEST_CASE("who opens an invitation to a full club waits, and is admitted when a place is free") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  auto owner = world.connect("owner");
  v1::ClientFrame invite;
  invite.mutable_create_invitation()->set_club_id(world.club);
  invite.mutable_create_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
  invite.mutable_create_invitation()->set_client_msg_id(message_id());
  const std::string code = owner.call(invite).create_invitation().code();
  v1::ClientFrame shrink;
  shrink.mutable_change_club()->set_club_id(world.club);
  shrink.mutable_change_club()->set_capacity(1);
  shrink.mutable_change_club()->set_client_msg_id(message_id());
  const auto shrunk = owner.call(shrink);
  REQUIRE_MESSAGE(shrunk.has_change_club(), shrunk.refusal().message());

  WireClient boris(world.running.port());
  boris.enter("");
  v1::ClientFrame join;
  join.mutable_register_()->set_code(code);
  join.mutable_register_()->set_login("boris");
  join.mutable_register_()->set_display_name("Boris");
  join.mutable_register_()->set_password(RunningServer::kPassword);
  join.mutable_register_()->set_device_name("test");
  join.mutable_register_()->set_client_msg_id(message_id());
  const auto joined = boris.call(join);
  REQUIRE_MESSAGE(joined.has_register_(), joined.refusal().message());
  CHECK(joined.register_().status() == v1::MEMBER_STATUS_WAITLISTED);
  const uint64_t boris_account = joined.register_().account_id();
  WireClient entered(world.running.port());
  entered.enter(joined.register_().token());
  CHECK(entered.call(post(world.stream(), world.room(v1::ROOM_ACCESS_ALL), "déjà ?"))
            .refusal()
            .code() == v1::REFUSAL_CODE_NOT_ACTIVE);

  const auto admit = [&] {
    return owner.call(set_status(world.club, boris_account, v1::MEMBER_STATUS_ACTIVE));
  };
  const auto full = admit().refusal();
  CHECK(full.code() == v1::REFUSAL_CODE_CAPACITY);
  CHECK(full.limit() == 1);
  auto ada = world.connect("ada");
  CHECK(ada.call(set_status(world.club, ada_account, v1::MEMBER_STATUS_LEFT))
            .has_set_member_status());
  const auto admitted = admit();
  CHECK_MESSAGE(admitted.has_set_member_status(), admitted.refusal().message());
  CHECK(entered.call(post(world.stream(), world.room(v1::ROOM_ACCESS_ALL), "enfin"))
            .has_post_message());
}

TEST_CASE("an archived room is read and not written, and its name is free again") {
  ClubWorld world;
  world.add("ada");
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  auto owner = world.connect("owner");
  auto ada = world.connect("ada");
  REQUIRE(ada.call(post(world.stream(), room, "avant")).has_post_message());
  v1::ClientFrame archive;
  archive.mutable_change_room()->set_club_id(world.club);
  archive.mutable_change_room()->set_room_id(room);
  archive.mutable_change_room()->set_archived(true);
  archive.mutable_change_room()->set_client_msg_id(message_id());
  CHECK(owner.call(archive).has_change_room());
  CHECK(ada.call(post(world.stream(), room, "après")).refusal().code() ==
        v1::REFUSAL_CODE_CONFLICT);
  v1::ClientFrame history;
  *history.mutable_get_history()->mutable_stream() = world.stream();
  history.mutable_get_history()->set_room_id(room);
  history.mutable_get_history()->set_before(5);
  CHECK(ada.call(history).get_history().messages_size() == 1);

  v1::ClientFrame again;
  again.mutable_create_room()->set_club_id(world.club);
  again.mutable_create_room()->set_name("Général");
  again.mutable_create_room()->set_access(v1::ROOM_ACCESS_ALL);
  again.mutable_create_room()->set_client_msg_id(message_id());
  CHECK(owner.call(again).has_create_room());
  archive.mutable_change_room()->set_archived(false);
  archive.mutable_change_room()->set_client_msg_id(message_id());
  CHECK_MESSAGE(owner.call(archive).refusal().code() == v1::REFUSAL_CODE_CONFLICT,
                "the name is taken meanwhile");
  archive.mutable_change_room()->set_name("ancien général");
  archive.mutable_change_room()->set_client_msg_id(message_id());
  CHECK(owner.call(archive).has_change_room());
  CHECK(ada.call(post(world.stream(), room, "encore")).has_post_message());
}

TEST_CASE("a new display name reaches the members of every club of the account") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  world.add("boris");
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  boris.follow(world.stream());
  v1::ClientFrame rename;
  rename.mutable_change_profile()->set_display_name("Ada Lovelace");
  rename.mutable_change_profile()->set_client_msg_id(message_id());
  const auto renamed = ada.call(rename);
  REQUIRE_MESSAGE(renamed.has_change_profile(), renamed.refusal().message());
  const auto& followed = boris.wait_for(world.stream(), boris.at(world.stream()).cursor + 1);
  CHECK(followed.events.back().member_changed().member().account_id() == ada_account);
  CHECK(followed.events.back().member_changed().member().display_name() == "Ada Lovelace");
  v1::ClientFrame find;
  find.mutable_list_members()->set_club_id(world.club);
  find.mutable_list_members()->set_name_contains("LOVE");
  const auto found = boris.call(find).list_members();
  REQUIRE(found.members_size() == 1);
  CHECK(found.members(0).account_id() == ada_account);
}

TEST_CASE(
    "a departure repeated under its id for somebody else is the first answer, and nobody hears of "
    "it") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  const auto before = boris.follow(account_stream(boris_account)).head_seq();
  auto leaving = set_status(world.club, ada_account, v1::MEMBER_STATUS_LEFT);
  REQUIRE(ada.call(leaving).has_set_member_status());
  // Neither somebody, nor nobody, nor an account to come: its log must begin with itself.
  for (const uint64_t whom : {boris_account, uint64_t{0}, uint64_t{999}}) {
    leaving.mutable_set_member_status()->set_account_id(whom);
    const auto again = ada.call(leaving);
    REQUIRE_MESSAGE(again.has_set_member_status(), again.refusal().message());
    CHECK(again.set_member_status().repeated());
    CHECK(again.set_member_status().object_id() == ada_account);
  }
  CHECK(world.connect("boris").follow(account_stream(boris_account)).head_seq() == before);
}

TEST_CASE("who has left and the staff keep their names beside their words") {
  ClubWorld world;
  world.add("ada");
  const uint64_t boris_account = world.add("boris").account;
  auto owner = world.connect(RunningServer::kLogin);
  auto left = owner.call(set_status(world.club, boris_account, v1::MEMBER_STATUS_REMOVED));
  REQUIRE_MESSAGE(left.has_set_member_status(), left.refusal().message());
  auto ada = world.connect("ada");
  v1::ClientFrame listing;
  listing.mutable_list_members()->set_club_id(world.club);
  for (const auto& member : ada.call(listing).list_members().members())
    CHECK(member.account_id() != boris_account);
  v1::ClientFrame look;
  look.mutable_look_up_names()->set_club_id(world.club);
  constexpr uint64_t never_made = 999'999;
  for (uint64_t id : {boris_account, world[RunningServer::kLogin].account, never_made})
    look.mutable_look_up_names()->add_account_ids(id);
  const auto found = ada.call(look).look_up_names();
  REQUIRE(found.names_size() == 2);
  CHECK(found.names(0).account_id() == boris_account);
  CHECK_FALSE(found.names(0).display_name().empty());
  // Too many at once is a mistake, not half an answer.
  for (int i = 0; i < 500; ++i) look.mutable_look_up_names()->add_account_ids(1);
  CHECK(ada.call(look).refusal().code() == v1::REFUSAL_CODE_TOO_LARGE);
}

TEST_CASE("a direct conversation begins with a request, and words come after consent") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  const auto before = boris.follow(account_stream(boris_account)).snapshot().seq();
  const auto asked = ada.call(open_direct(boris_account, "Nous étions à Nantes"));
  REQUIRE_MESSAGE(asked.has_open_direct(), asked.refusal().message());
  const uint64_t direct = asked.open_direct().object_id();
  CHECK(direct == domain::direct_id(ada_account, boris_account));
  // The other side hears of it on their own stream.
  const auto& told = boris.wait_for(account_stream(boris_account), before + 1);
  CHECK(told.events.back().direct_noticed().direct_id() == direct);
  const auto request = listed(boris, ada_account);
  CHECK(request.status() == v1::DIRECT_STATUS_REQUESTED);
  CHECK(request.requested_by() == ada_account);
  CHECK(request.introduction() == "Nous étions à Nantes");

  const auto say = [&](WireClient& client) {
    return client.call(post(direct_stream(direct), 0, "Bonjour"));
  };
  CHECK(say(ada).refusal().code() == v1::REFUSAL_CODE_CONSENT_NEEDED);
  CHECK(say(boris).refusal().code() == v1::REFUSAL_CODE_CONSENT_NEEDED);
  CHECK_MESSAGE(ada.call(answer_direct(direct, true)).refusal().code() == v1::REFUSAL_CODE_CONFLICT,
                "nobody consents for the other");
  REQUIRE(boris.call(answer_direct(direct, true)).has_answer_direct());
  boris.follow(direct_stream(direct));
  const auto said = say(ada);
  REQUIRE_MESSAGE(said.has_post_message(), said.refusal().message());
  CHECK(boris.wait_for(direct_stream(direct), said.post_message().last_seq())
            .events.back()
            .message_posted()
            .body() == "Bonjour");
  CHECK(say(boris).has_post_message());
}

TEST_CASE("a member waits for ten answers before asking somebody else; the committee does not") {
  ClubWorld world;
  world.add("asks");
  world.add("officer", v1::CLUB_ROLE_COMMITTEE);
  std::vector<uint64_t> others;
  for (int i = 0; i < 11; ++i) others.push_back(world.add("other" + std::to_string(i)).account);
  auto asks = world.connect("asks");
  auto officer = world.connect("officer");
  for (std::size_t i = 0; i < 10; ++i) CHECK(asks.call(open_direct(others[i])).has_open_direct());
  const auto refused = asks.call(open_direct(others[10]));
  CHECK(refused.refusal().code() == v1::REFUSAL_CODE_CONFLICT);
  CHECK(refused.refusal().rule_id() == "direct.requests");
  for (const uint64_t other : others) CHECK(officer.call(open_direct(other)).has_open_direct());
  // An answer, of either kind, makes room for one more.
  auto first = world.connect("other0");
  v1::ClientFrame decline;
  decline.mutable_answer_direct()->set_direct_id(
      domain::direct_id(world["asks"].account, others[0]));
  decline.mutable_answer_direct()->set_accept(false);
  decline.mutable_answer_direct()->set_client_msg_id(message_id());
  REQUIRE(first.call(decline).has_answer_direct());
  CHECK(asks.call(open_direct(others[10])).has_open_direct());
}

TEST_CASE("who was declined may not ask again, but the other side may still accept") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  const uint64_t direct = ada.call(open_direct(boris_account)).open_direct().object_id();
  REQUIRE(boris.call(answer_direct(direct, false)).has_answer_direct());
  CHECK(listed(ada, boris_account).status() == v1::DIRECT_STATUS_DECLINED);
  CHECK(ada.call(open_direct(boris_account)).refusal().code() == v1::REFUSAL_CODE_CONFLICT);
  CHECK(ada.call(post(direct_stream(direct), 0, "?")).refusal().code() ==
        v1::REFUSAL_CODE_CONSENT_NEEDED);
  CHECK_MESSAGE(boris.call(open_direct(ada_account)).has_open_direct(), "to ask back is to accept");
  CHECK(ada.call(post(direct_stream(direct), 0, "!")).has_post_message());
}

TEST_CASE("a block before anything was said is not told to who follows the conversation") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  REQUIRE(ada.call(block_direct(boris_account)).has_block_direct());
  v1::ClientFrame follow;
  *follow.mutable_subscribe()->mutable_stream() =
      direct_stream(domain::direct_id(ada_account, boris_account));
  CHECK(boris.call(follow).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  follow.mutable_subscribe()->set_after_seq(0);
  CHECK(boris.call(follow).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(ada.call(follow).has_subscribe());
}

TEST_CASE("a block closes a conversation both ways, and the other side is not told") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  const uint64_t direct = ada.call(open_direct(boris_account)).open_direct().object_id();
  REQUIRE(boris.call(answer_direct(direct, true)).has_answer_direct());
  ada.follow(direct_stream(direct));
  ada.follow(account_stream(ada_account));
  const auto account_seq = ada.at(account_stream(ada_account)).cursor;
  const auto blocked = boris.call(block_direct(ada_account));
  REQUIRE_MESSAGE(blocked.has_block_direct(), blocked.refusal().message());
  for (auto* client : {&ada, &boris}) {
    CHECK(client->call(post(direct_stream(direct), 0, "?")).refusal().code() ==
          v1::REFUSAL_CODE_BLOCKED);
  }
  CHECK(listed(boris, ada_account).status() == v1::DIRECT_STATUS_BLOCKED);
  CHECK(listed(boris, ada_account).blocked_by_me());
  CHECK(listed(ada, boris_account).status() == v1::DIRECT_STATUS_OPEN);
  CHECK_FALSE(listed(ada, boris_account).blocked_by_me());

  // What comes after the block passes the block's own place in the stream: nothing of it was told.
  REQUIRE(boris.call(block_direct(ada_account, true)).has_block_direct());
  const auto said = boris.call(post(direct_stream(direct), 0, "Pardon"));
  REQUIRE_MESSAGE(said.has_post_message(), said.refusal().message());
  const auto& followed = ada.wait_for(direct_stream(direct), said.post_message().last_seq());
  CHECK(std::ranges::none_of(followed.events,
                             [](const v1::Event& event) { return event.has_direct_changed(); }));
  CHECK(ada.at(account_stream(ada_account)).cursor == account_seq);
}

TEST_CASE("who blocks first is not found by requests, and a stranger's block says nothing") {
  ClubWorld world;
  const uint64_t ada_account = world.add("ada").account;
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  REQUIRE(boris.call(block_direct(ada_account)).has_block_direct());
  CHECK(ada.call(open_direct(boris_account)).refusal().code() == v1::REFUSAL_CODE_BLOCKED);
  CHECK_MESSAGE(listed(ada, boris_account).other() == 0, "there is no conversation to list");
  CHECK(listed(boris, ada_account).blocked_by_me());
}

TEST_CASE("people who share no club do not find each other") {
  ClubWorld world;
  world.add("ada");
  const uint64_t boris_account = world.add("boris").account;
  auto ada = world.connect("ada");
  auto boris = world.connect("boris");
  CHECK(ada.call(open_direct(world["owner"].account)).refusal().code() ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(ada.call(open_direct(world["ada"].account)).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  REQUIRE(boris.call(set_status(world.club, boris_account, v1::MEMBER_STATUS_LEFT))
              .has_set_member_status());
  CHECK(ada.call(open_direct(boris_account)).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(ada.call(block_direct(boris_account)).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
}

}  // namespace
}  // namespace amicale
