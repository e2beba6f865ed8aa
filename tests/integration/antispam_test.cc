// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Unwanted messages against a whole server: held and reviewed, refused with reasons, remembered over a restart, judged again from the
// log.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "server/admin/console.h"
#include "server/admin/verbs.h"
#include "server/auth/token.h"
#include "server/domain/antispam/judge.h"
#include "storage/hex.h"
#include "storage/log_reader.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

constexpr const char* three_links =
    "voir https://a.example.org https://b.example.org et https://c.example.org";

struct JudgedWorld : ClubWorld {
  JudgedWorld() : ClubWorld([](Config& config) { config.antispam.enabled = true; }) {
    add("newcomer");
    add("neighbour");
    add("officer", v1::CLUB_ROLE_COMMITTEE);
  }

  v1::Reply say(WireClient& client, const std::string& body) {
    return client.call(post(stream(), room(v1::ROOM_ACCESS_ALL), body));
  }
  v1::Reply review(WireClient& client, uint64_t held, bool release) {
    v1::ClientFrame frame;
    frame.mutable_review_held()->set_club_id(club);
    frame.mutable_review_held()->set_held_id(held);
    frame.mutable_review_held()->set_release(release);
    frame.mutable_review_held()->set_reason("lu");
    frame.mutable_review_held()->set_client_msg_id(message_id());
    return client.call(frame);
  }
  v1::ListHeldReply held(WireClient& client) {
    v1::ClientFrame frame;
    frame.mutable_list_held()->set_club_id(club);
    return client.call(frame).list_held();
  }
  storage::View view() { return storage::View(running.server().core().gate().database); }
};

TEST_CASE("a newcomer's three links wait for the committee, which releases them under their name") {
  JudgedWorld world;
  auto newcomer = world.connect("newcomer");
  auto neighbour = world.connect("neighbour");
  auto officer = world.connect("officer");
  const auto reply = world.say(newcomer, three_links);
  REQUIRE_MESSAGE(reply.has_post_message(), reply.ShortDebugString());
  CHECK(reply.post_message().held());
  CHECK(reply.post_message().object_id() == 1);
  REQUIRE(reply.post_message().why().findings_size() >= 1);
  CHECK(reply.post_message().why().findings(0).rule_id() == "spam.links");

  CHECK(world.held(newcomer).held_size() == 1);
  CHECK(world.held(neighbour).held_size() == 0);
  REQUIRE(world.held(officer).held_size() == 1);
  CHECK(world.held(officer).held(0).body() == three_links);
  CHECK(world.review(newcomer, 1, true).has_refusal());
  CHECK(world.review(neighbour, 1, true).has_refusal());

  const auto released = world.review(officer, 1, true);
  REQUIRE_MESSAGE(released.has_review_held(), released.ShortDebugString());
  CHECK(world.held(officer).held_size() == 0);
  CHECK(world.review(officer, 1, false).refusal().rule_id() == "held.reviewed");
  const auto message = world.view().message(storage::PartitionId::club(world.club),
                                            world.room(v1::ROOM_ACCESS_ALL), 1);
  REQUIRE(message);
  CHECK(message->body() == three_links);
  CHECK(message->author() == world["newcomer"].account);
}

TEST_CASE("a model of one's own is used only with its pin") {
  const std::string_view bytes = domain::antispam::Model::shipped_file();
  const auto pinned = [bytes](const std::string& sha256) {
    return [bytes, sha256](Config& config) {
      const auto file = std::filesystem::path(config.server.data_dir).string() + ".model";
      std::ofstream(file, std::ios::binary) << bytes;
      config.antispam.enabled = true;
      config.antispam.model = file;
      config.antispam.model_sha256 = sha256;
    };
  };
  CHECK_THROWS_AS(RunningServer(pinned(std::string(64, '0'))), std::exception);
  RunningServer running(pinned(storage::to_hex(auth::digest(bytes))));
  CHECK(running.server().core().gate().shield->filter().model().version() != 0);
}

TEST_CASE("one question tells how well the club knows somebody, and why") {
  JudgedWorld world;
  auto newcomer = world.connect("newcomer");
  auto neighbour = world.connect("neighbour");
  auto officer = world.connect("officer");
  CHECK(world.say(newcomer, "bonjour à tous").has_post_message());
  v1::ClientFrame frame;
  frame.mutable_get_trust()->set_club_id(world.club);
  const auto own = newcomer.call(frame);
  REQUIRE_MESSAGE(own.has_get_trust(), own.ShortDebugString());
  CHECK(own.get_trust().level() <= 1);
  CHECK(own.get_trust().accepted() == 1);
  CHECK(own.get_trust().text_fr().find("Prochain palier") != std::string::npos);
  CHECK(own.get_trust().text_en().find("Next level") != std::string::npos);
  CHECK(officer.call(frame).get_trust().level() == 4);
  CHECK(officer.call(frame).get_trust().by_role());
  frame.mutable_get_trust()->set_account_id(world["newcomer"].account);
  CHECK(officer.call(frame).get_trust().accepted() == 1);
  CHECK(neighbour.call(frame).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
}

TEST_CASE("what is counted is remembered over a restart") {
  JudgedWorld world;
  constexpr const char* body = "Qui peut me prêter un projecteur pour samedi soir au local ?";
  {
    auto newcomer = world.connect("newcomer");
    CHECK(world.say(newcomer, body).has_post_message());
    CHECK(world.say(newcomer, body).has_post_message());
  }
  world.running.stop();
  world.running.start();
  auto newcomer = world.connect("newcomer");
  const auto refused = world.say(newcomer, body);
  REQUIRE(refused.has_refusal());
  CHECK(refused.refusal().rule_id() == "spam.duplicate.own");
  REQUIRE(refused.refusal().why().findings_size() == 1);
  CHECK(refused.refusal().message() == refused.refusal().why().findings(0).text_en());
}

TEST_CASE("an edit is judged again, and the message stays as it was until it is released") {
  JudgedWorld world;
  constexpr const char* disguised_host = "voir https://www.paypal.com@club.example.org/carte";
  auto newcomer = world.connect("newcomer");
  auto officer = world.connect("officer");
  const auto posted = world.say(newcomer, "bonjour");
  REQUIRE(posted.has_post_message());
  v1::ClientFrame frame;
  *frame.mutable_edit_message()->mutable_stream() = world.stream();
  frame.mutable_edit_message()->set_room_id(world.room(v1::ROOM_ACCESS_ALL));
  frame.mutable_edit_message()->set_number(posted.post_message().object_id());
  frame.mutable_edit_message()->set_body(disguised_host);
  frame.mutable_edit_message()->set_client_msg_id(message_id());
  const auto edited = newcomer.call(frame);
  REQUIRE_MESSAGE(edited.has_edit_message(), edited.ShortDebugString());
  CHECK(edited.edit_message().held());
  const auto now = [&] {
    return world.view()
        .message(storage::PartitionId::club(world.club), world.room(v1::ROOM_ACCESS_ALL), 1)
        ->body();
  };
  CHECK(now() == "bonjour");
  REQUIRE(world.review(officer, edited.edit_message().object_id(), true).has_review_held());
  CHECK(now() == disguised_host);
}

TEST_CASE("what was judged is judged the same again from the log, byte for byte") {
  JudgedWorld world;
  auto newcomer = world.connect("newcomer");
  auto neighbour = world.connect("neighbour");
  for (int i = 0; i < 12; ++i) {
    world.say(i % 2 == 0 ? newcomer : neighbour,
              "message " + std::to_string(i % 5) + " sur https://example.org/page pour la réunion");
  }
  // Half-way through, the memory is loaded anew.
  world.running.stop();
  world.running.start();
  auto back = world.connect("newcomer");
  for (int i = 0; i < 6; ++i) {
    world.say(back, "encore un message numéro " + std::to_string(i) + " pour la réunion de mardi");
  }
  const domain::antispam::Filter filter;
  const auto rules = domain::antispam::Rules::standard();
  domain::antispam::Memory memory(rules.limits());
  uint64_t judged = 0;
  storage::walk_log(
      world.view(), storage::PartitionId::club(world.club), [&](const storage::FullEntry& full) {
        v1::Event event;
        store::PrivatePart private_part;
        const auto bytes = storage::unframe_event(full.entry.public_bytes);
        REQUIRE(bytes);
        REQUIRE(event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
        REQUIRE(private_part.ParseFromArray(full.entry.private_bytes.data(),
                                            static_cast<int>(full.entry.private_bytes.size())));
        if (private_part.has_spam()) {
          const std::string& body = event.has_message_held() ? event.message_held().body()
                                                             : event.message_posted().body();
          const auto verdict = domain::antispam::judge(
              rules, filter.read(rules, body),
              domain::antispam::recorded(event, private_part.spam()), memory);
          CHECK(verdict.record.SerializeAsString() == private_part.spam().SerializeAsString());
          ++judged;
        }
        memory.apply(event, private_part);
        return true;
      });
  CHECK(judged >= 4);
  world.running.stop();
  admin::CommonOptions options;
  options.language = v1::LANGUAGE_EN;
  admin::Console console{options};
  admin::verb::SpamReplay replay;
  replay.data = (world.running.folder() / "data").string();
  replay.club = "marketing";
  CHECK(admin::run(replay, console) == admin::kDone);
  replay.since = "yesterday";
  CHECK(admin::run(replay, console) == admin::kUsage);
  world.running.start();
}

TEST_CASE("nobody takes a name that is read as an officer's, by changing theirs or by coming in") {
  JudgedWorld world;
  auto newcomer = world.connect("newcomer");
  auto officer = world.connect("officer");
  const auto rename = [](WireClient& client, const std::string& name) {
    v1::ClientFrame frame;
    frame.mutable_change_profile()->set_display_name(name);
    frame.mutable_change_profile()->set_client_msg_id(message_id());
    return client.call(frame);
  };
  for (const auto* name : {"Officer", "0ff1cer", "ΟFFICER", "Modération"}) {
    const auto reply = rename(newcomer, name);
    CHECK_MESSAGE(reply.refusal().rule_id() == "profile.name_taken", name);
    CHECK(reply.refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  }
  CHECK(rename(newcomer, "Zoé").has_change_profile());
  CHECK(rename(officer, "Officer").has_change_profile());

  v1::ClientFrame invite;
  invite.mutable_create_invitation()->set_club_id(world.club);
  invite.mutable_create_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
  invite.mutable_create_invitation()->set_client_msg_id(message_id());
  const auto made = officer.call(invite).create_invitation();
  REQUIRE_FALSE(made.code().empty());
  WireClient stranger(world.running.port());
  stranger.enter("");
  const auto come = [&](const std::string& name) {
    v1::ClientFrame frame;
    frame.mutable_register_()->set_code(made.code());
    frame.mutable_register_()->set_login("stranger");
    frame.mutable_register_()->set_display_name(name);
    frame.mutable_register_()->set_password(RunningServer::kPassword);
    frame.mutable_register_()->set_device_name("test");
    frame.mutable_register_()->set_client_msg_id(message_id());
    return stranger.call(frame);
  };
  CHECK(come("OFFICER").refusal().rule_id() == "profile.name_taken");
  CHECK_FALSE(world.view().account_id_by_login("stranger"));
  // Who came into another club under that name does not bring it along.
  auto owner = world.connect("owner");
  v1::ClientFrame found;
  found.mutable_create_club()->set_slug("finance");
  found.mutable_create_club()->set_name("Club Finance");
  found.mutable_create_club()->set_kind(v1::CLUB_KIND_PROFESSIONAL);
  found.mutable_create_club()->set_language(v1::LANGUAGE_FR);
  found.mutable_create_club()->set_client_msg_id(message_id());
  const auto founded = owner.call(found);
  REQUIRE_MESSAGE(founded.has_create_club(), founded.ShortDebugString());
  invite.mutable_create_invitation()->set_club_id(founded.create_club().object_id());
  invite.mutable_create_invitation()->set_client_msg_id(message_id());
  const auto link = owner.call(invite).create_invitation();
  v1::ClientFrame enter;
  enter.mutable_register_()->set_code(link.code());
  enter.mutable_register_()->set_login("homonym");
  enter.mutable_register_()->set_display_name("Officer");
  enter.mutable_register_()->set_password(RunningServer::kPassword);
  enter.mutable_register_()->set_device_name("test");
  enter.mutable_register_()->set_client_msg_id(message_id());
  const auto entered = stranger.call(enter);
  REQUIRE_MESSAGE(entered.has_register_(), entered.ShortDebugString());
  WireClient homonym(world.running.port());
  homonym.enter(entered.register_().token());
  v1::ClientFrame accept;
  accept.mutable_accept_invitation()->set_code(made.code());
  accept.mutable_accept_invitation()->set_client_msg_id(message_id());
  CHECK(homonym.call(accept).refusal().rule_id() == "profile.name_taken");

  const auto came = come("Yves");
  REQUIRE_MESSAGE(came.has_register_(), came.ShortDebugString());
  CHECK(came.register_().status() == v1::MEMBER_STATUS_ACTIVE);
}

}  // namespace
}  // namespace amicale
