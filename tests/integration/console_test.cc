// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The operator's console against a running server: what each verb changed, seen through another client.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "server/admin/console.h"
#include "server/admin/verbs.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;
using admin::kDone;
using admin::kNoConnection;
using admin::kRefused;
using admin::kUsage;

struct ConsoleWorld : ClubWorld {
  admin::Console console{options((*this)["owner"].token)};

  admin::CommonOptions options(const std::string& token) {
    admin::CommonOptions options;
    options.url = "ws://127.0.0.1:" + std::to_string(running.port());
    options.token = token;
    options.profile_file = running.folder() / "console" / "session";
    options.language = v1::LANGUAGE_EN;
    return options;
  }
  std::string file(const std::string& name, const std::string& text) {
    const auto path = running.folder() / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int members() {
    auto owner = connect("owner");
    v1::ClientFrame frame;
    frame.mutable_list_members()->set_club_id(club);
    return owner.call(frame).list_members().members_size();
  }
  v1::GetHistoryReply history(uint64_t room_id) {
    auto owner = connect("owner");
    v1::ClientFrame frame;
    *frame.mutable_get_history()->mutable_stream() = stream();
    frame.mutable_get_history()->set_room_id(room_id);
    frame.mutable_get_history()->set_before(100);
    return owner.call(frame).get_history();
  }
};

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE(
    "members are imported from a file: bad lines are told, good ones are in, a second run changes "
    "nothing") {
  ConsoleWorld world;
  const std::string csv = world.file("members.csv",
                                     "identifiant;nom;rôle;langue\r\n"
                                     "ada.l;Ada Lovelace;comité;en\r\n"
                                     "x;Trop court;membre;fr\r\n"
                                     "bob.t;Bob Tremblay;membre;fr\r\n");
  const std::string links = (world.running.folder() / "links.csv").string();
  const int before = world.members();

  CHECK(admin::run(admin::verb::MemberImport{"marketing", csv, "", true}, world.console) ==
        kRefused);
  CHECK(world.members() == before);  // a dry run

  CHECK(admin::run(admin::verb::MemberImport{"marketing", csv, links, false}, world.console) ==
        kRefused);
  CHECK(world.members() == before + 2);
  CHECK(mode_of(links) == 0600);
  const std::string written = world.contents(links);
  CHECK(std::count(written.begin(), written.end(), '\n') == 2);
  CHECK(written.find("ada.l,Ada Lovelace,http://127.0.0.1:") == 0);

  CHECK(admin::run(admin::verb::MemberImport{"marketing", csv, links, false}, world.console) ==
        kRefused);
  CHECK(world.members() == before + 2);
  CHECK(world.contents(links) == written);
}

TEST_CASE("a link from an import opens the account, and the session is kept for its owner only") {
  ConsoleWorld world;
  const std::string csv = world.file("one.csv", "login,display_name\nada.l,Ada Lovelace\n");
  const std::string links = (world.running.folder() / "links.csv").string();
  REQUIRE(admin::run(admin::verb::MemberImport{"marketing", csv, links, false}, world.console) ==
          kDone);
  std::string link = world.contents(links);
  link = link.substr(link.rfind(',') + 1);
  link.pop_back();

  admin::Console hers(world.options(""));
  std::string typed = "a password of hers\n";
  const std::string input = world.file("input", typed);
  REQUIRE(std::freopen(input.c_str(), "r", stdin) != nullptr);
  CHECK(admin::run(admin::verb::Join{.link = link, .password_stdin = true}, hers) == kDone);
  const std::string session = (world.running.folder() / "console" / "session").string();
  CHECK(mode_of(session) == 0600);
  const auto profile = admin::load_profile(session);
  REQUIRE(profile);
  CHECK(profile->login == "ada.l");
  CHECK(admin::run(admin::verb::WhoAmI{}, hers) == kDone);

  // Who has a session enters another club with it, once its charter is read and agreed to.
  auto owner = world.connect("owner");
  v1::ClientFrame create;
  create.mutable_create_club()->set_slug("jardin");
  create.mutable_create_club()->set_name("Jardin");
  create.mutable_create_club()->set_kind(v1::CLUB_KIND_SOCIAL);
  create.mutable_create_club()->set_language(v1::LANGUAGE_EN);
  create.mutable_create_club()->set_client_msg_id(message_id());
  const uint64_t garden = owner.call(create).create_club().object_id();
  REQUIRE(garden != 0);
  admin::verb::CharterPropose charter;
  charter.club = "jardin";
  REQUIRE(admin::run(charter, world.console) == kDone);
  v1::ClientFrame invite;
  invite.mutable_create_invitation()->set_club_id(garden);
  invite.mutable_create_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
  invite.mutable_create_invitation()->set_max_uses(1);
  invite.mutable_create_invitation()->set_valid_hours(1);
  invite.mutable_create_invitation()->set_client_msg_id(message_id());
  const std::string code = owner.call(invite).create_invitation().code();
  REQUIRE(!code.empty());
  const std::string agrees = world.file("agrees", "yes\n");
  REQUIRE(std::freopen(agrees.c_str(), "r", stdin) != nullptr);
  CHECK(admin::run(admin::verb::Join{.link = code}, hers) == kDone);
  v1::ClientFrame list;
  list.mutable_list_members()->set_club_id(garden);
  const auto entered = owner.call(list).list_members();
  REQUIRE(entered.members_size() == 1);
  CHECK(entered.members(0).display_name() == "Ada Lovelace");

  // Others can read it: it is not used.
  REQUIRE(::chmod(session.c_str(), 0644) == 0);
  CHECK(admin::run(admin::verb::WhoAmI{}, hers) == kUsage);
  REQUIRE(::chmod(session.c_str(), 0600) == 0);
  CHECK(admin::run(admin::verb::Logout{}, hers) == kDone);
  CHECK(admin::run(admin::verb::WhoAmI{}, hers) == kUsage);
}

TEST_CASE("a log becomes a room's history with its authors, times and replies, once") {
  ConsoleWorld world;
  const uint64_t room = world.room(v1::ROOM_ACCESS_ALL);
  const std::string room_name = world.rooms.front().name();
  std::string text = "[23:58] <ada> first\n=== bob has joined #x\n[00:01] <bob> caf\xE9\n";
  for (int i = 0; i < 250; ++i) text += "[00:02] <eve> line " + std::to_string(i) + "\n";
  text += "[00:03] <ada> across batches\n";
  const std::string log = world.file("2004-11-15.raw.txt", text);
  world.file("2004-11-15.annotation.txt", "0 2 -\n2 253 -\n1 3 -\n");
  const admin::verb::ImportIrc verb{{log}, "marketing", room_name, "", "auto"};

  REQUIRE(admin::run(verb, world.console) == kDone);
  const auto page = world.history(room);
  CHECK(page.head_number() == 253);
  const auto& last = page.messages(page.messages_size() - 1);
  CHECK(last.body() == "across batches");
  CHECK(last.imported_author() == "ada");
  CHECK(last.reply_to() == 2);
  CHECK(last.author() == 0);
  CHECK(last.time_ms() == 1100476800000 + (24 * 60 + 3) * 60'000);

  CHECK(admin::run(verb, world.console) == kDone);
  CHECK(world.history(room).head_number() == 253);
}

TEST_CASE("a log is played live through the SDK") {
  ConsoleWorld world;
  world.add("carl");
  admin::Console his(world.options(world["carl"].token));
  const std::string log =
      world.file("live.txt", "[10:00] <ada> one\n[10:00] <bob> two\n[10:01] <ada> three\n");
  admin::verb::Replay verb;
  verb.file = log;
  verb.club = "marketing";
  verb.room = world.rooms.front().name();
  verb.speed = 0;
  verb.limit = 2;
  REQUIRE(admin::run(verb, his) == kDone);
  const auto page = world.history(world.room(v1::ROOM_ACCESS_ALL));
  REQUIRE(page.messages_size() == 2);
  CHECK(page.messages(0).body() == "**ada** one");
  CHECK(page.messages(0).author() == world["carl"].account);
}

TEST_CASE(
    "a club to practise in is made, played in, moderated and cleared, and counts nowhere else") {
  ConsoleWorld world;
  const std::string logins = (world.running.folder() / "sandbox.csv").string();
  REQUIRE(admin::run(admin::verb::SandboxCreate{"essai", "", logins, v1::LANGUAGE_EN},
                     world.console) == kDone);
  CHECK(mode_of(logins) == 0600);
  const std::string written = world.contents(logins);
  CHECK(std::count(written.begin(), written.end(), '\n') == 12);
  // Not another club's.
  CHECK(admin::run(admin::verb::SandboxReset{"marketing"}, world.console) == kRefused);

  auto owner = world.connect("owner");
  v1::ClientFrame list;
  list.mutable_list_clubs();
  uint64_t club = 0;
  const auto listed = owner.call(list);
  for (const auto& one : listed.list_clubs().clubs()) {
    if (one.club().slug() != "essai") continue;
    CHECK(one.club().sandbox());
    club = one.club().club_id();
  }
  REQUIRE(club != 0);
  const auto words = [&] {
    int said = 0;
    for (uint64_t room = 1; room <= 10; ++room) {
      v1::ClientFrame frame;
      frame.mutable_get_history()->mutable_stream()->set_kind(v1::STREAM_KIND_CLUB);
      frame.mutable_get_history()->mutable_stream()->set_id(club);
      frame.mutable_get_history()->set_room_id(room);
      frame.mutable_get_history()->set_before(200);
      const auto page = owner.call(frame).get_history();
      for (const auto& message : page.messages()) said += message.deleted() ? 0 : 1;
    }
    return said;
  };
  const auto open_reports = [&] {
    v1::ClientFrame frame;
    frame.mutable_list_reports()->set_club_id(club);
    return owner.call(frame).list_reports().reports_size();
  };
  const admin::verb::SandboxRun play{"essai", "", logins, 3, 0};
  REQUIRE(admin::run(play, world.console) == kDone);
  const int first = words();
  CHECK(first > 30);
  CHECK(open_reports() >= 3);

  // A volunteer mutes somebody; the next time that they would speak, they contest it.
  v1::ClientFrame members;
  members.mutable_list_members()->set_club_id(club);
  uint64_t muted = 0;
  const auto people = owner.call(members);
  for (const auto& member : people.list_members().members()) {
    v1::ClientFrame mute;
    auto& request = *mute.mutable_impose_sanction();
    request.set_club_id(club);
    request.set_account_id(member.account_id());
    request.set_kind(v1::SANCTION_KIND_MUTE);
    request.set_reason(v1::REASON_CODE_INSULT);
    request.set_duration_s(3'600);
    request.set_client_msg_id(message_id());
    if (!owner.call(mute).has_refusal()) ++muted;
  }
  CHECK(muted == 12u);
  REQUIRE(admin::run(play, world.console) == kDone);
  CHECK(words() == first);
  v1::ClientFrame appeals;
  appeals.mutable_list_appeals()->set_club_id(club);
  CHECK(owner.call(appeals).list_appeals().cases_size() == 12);

  REQUIRE(admin::run(admin::verb::SandboxReset{"essai"}, world.console) == kDone);
  CHECK(words() == 0);
  CHECK(open_reports() == 0);
  v1::ClientFrame standing;
  standing.mutable_list_sanctions()->set_club_id(club);
  standing.mutable_list_sanctions()->set_standing(true);
  CHECK(owner.call(standing).list_sanctions().cases_size() == 0);
  REQUIRE(admin::run(play, world.console) == kDone);
  // What was said a minute ago still counts for what is alike: the raid is seen sooner.
  CHECK(words() > 20);
}

TEST_CASE(
    "the exit code says whether the answer was no, the command was wrong, or nobody was there") {
  ConsoleWorld world;
  CHECK(admin::run(admin::verb::RoomList{"nowhere"}, world.console) == kRefused);
  CHECK(admin::run(admin::verb::Call{"no_such_request", ""}, world.console) == kUsage);
  CHECK(admin::run(admin::verb::Call{"list_clubs", "{\"nonsense\":1}"}, world.console) == kUsage);
  CHECK(admin::run(admin::verb::Call{"list_clubs", ""}, world.console) == kDone);
  auto nobody = world.options(world["owner"].token);
  nobody.url = "ws://127.0.0.1:1";
  admin::Console lost(nobody);
  CHECK(admin::run(admin::verb::ClubList{}, lost) == kNoConnection);
  auto stranger = world.options(std::string(32, 'x'));
  admin::Console unknown(stranger);
  CHECK(admin::run(admin::verb::ClubList{}, unknown) != kDone);
}

}  // namespace amicale
