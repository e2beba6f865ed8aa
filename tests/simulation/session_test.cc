// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What worlds showed, told again one step at a time.
#include <doctest/doctest.h>

#include "server/commands/clubs.h"
#include "server/runtime/spawn.h"
#include "server/session/session.h"
#include "tests/simulation/site.h"

using namespace amicale;
using namespace amicale::simulation;

namespace {

// The socket of a peer that may stop reading.
class Socket final : public session::Transport {
 public:
  runtime::Writing write(session::Outgoing& message) override {
    for (const auto& buffer : message.buffers())
      frame.append(static_cast<const char*>(buffer.data()), buffer.size());
    writing = true;
    return runtime::Writing::kUnderWay;
  }
  void close(v1::CloseCode code) override { closed = code; }
  void resume_input() override {}
  void authenticated() override {}

  std::string frame;  // of the write that is under way
  bool writing = false;
  std::optional<v1::CloseCode> closed;
};

// A site with its owner, on one shard.
struct Small {
  Folders folders;
  Stage stage{1, false};
  Disk disk{stage, *folders.fresh().live};
  Site site{stage, disk, {.shards = 1}};
  commands::Caller owner{.site_role = v1::SITE_ROLE_OWNER, .address = "here"};

  Small() {
    auto found = [](Site* made, uint64_t* account) -> runtime::Task<> {
      commands::NewSite fresh;
      fresh.name = "Small";
      fresh.owner_login = "owner";
      fresh.owner_name = "Owner";
      fresh.owner_password = "correct horse battery";
      auto answer = co_await commands::create_site(made->gate(), fresh);
      *account = answer.value();
    };
    runtime::spawn(site.shard(0).executor(), "found", found(&site, &owner.account_id));
    run();
  }

  // Until nothing is left to do. Time stands still.
  void run() {
    for (bool any = true; any;) {
      any = false;
      for (unsigned runner = 0; runner <= site.shard_count(); ++runner) {
        while (site.run_one(runner)) any = true;
      }
      if (any || stage.agenda.empty()) continue;
      stage.agenda.take();
      any = true;
    }
  }

  v1::Reply ask(v1::ClientFrame frame) {
    v1::Reply reply;
    frame.set_request_id(1);
    auto asking = [](Site* where, commands::Caller who, const v1::ClientFrame* what,
                     v1::Reply* answer) -> runtime::Task<> {
      *answer = (co_await session::answer(where->parts(), std::move(who), *what)).whole();
    };
    runtime::spawn(site.shard(0).executor(), "ask", asking(&site, owner, &frame, &reply));
    run();
    return reply;
  }
};

}  // namespace

TEST_CASE("a revoked device that reads nothing is cut at the next look all the same") {
  Small small;
  v1::ClientFrame login;
  login.mutable_login()->set_login("owner");
  login.mutable_login()->set_password("correct horse battery");
  login.mutable_login()->set_device_name("deaf");
  const auto device = small.ask(login).login();
  REQUIRE(device.token_id() != 0);

  Socket socket;
  std::optional<session::Session> session;
  session.emplace(small.site.place(0), socket, session::Session::Peer{1, "here"});
  const auto send = [&](v1::ClientFrame frame) {
    frame.set_request_id(1);
    session->receive(frame.SerializeAsString());
    small.run();
  };
  v1::ClientFrame hello;
  hello.mutable_hello()->set_protocol_min(1);
  hello.mutable_hello()->set_protocol_max(1);
  send(hello);
  session->written(true);
  v1::ClientFrame authenticate;
  authenticate.mutable_authenticate()->set_token(device.token());
  send(authenticate);
  REQUIRE(socket.writing);  // and from here on the peer takes nothing

  v1::ClientFrame revoke;
  revoke.mutable_revoke_token()->set_token_id(device.token_id());
  revoke.mutable_revoke_token()->set_client_msg_id("0123456789abcdef");
  REQUIRE(small.ask(revoke).has_revoke_token());
  CHECK_FALSE(socket.closed);
  small.site.look();
  small.run();
  CHECK(socket.closed == v1::CLOSE_CODE_REVOKED);

  session->written(false);
  auto finish = [](session::Session* which) -> runtime::Task<> { co_await which->finish(); };
  runtime::spawn(small.site.shard(0).executor(), "finish", finish(&*session));
  small.run();
  session.reset();
}

TEST_CASE("who subscribes to a club is not told who typed in a room that was closed to them") {
  Small small;
  const auto command = [&](v1::ClientFrame frame) {
    auto reply = small.ask(std::move(frame));
    REQUIRE_MESSAGE(!reply.has_refusal(), reply.ShortDebugString());
    return reply;
  };
  v1::ClientFrame create;
  create.mutable_create_club()->set_slug("club");
  create.mutable_create_club()->set_name("Club");
  create.mutable_create_club()->set_kind(v1::CLUB_KIND_SOCIAL);
  create.mutable_create_club()->set_language(v1::LANGUAGE_EN);
  create.mutable_create_club()->set_client_msg_id("0123456789abcde1");
  const uint64_t club = command(create).create_club().object_id();
  v1::ClientFrame add;
  add.mutable_add_member()->set_club_id(club);
  add.mutable_add_member()->set_login("guest");
  add.mutable_add_member()->set_display_name("Guest");
  add.mutable_add_member()->set_role(v1::CLUB_ROLE_GUEST);
  add.mutable_add_member()->set_client_msg_id("0123456789abcde2");
  const auto added = command(add).add_member();
  v1::ClientFrame open;
  open.mutable_register_()->set_code(added.activation_code());
  open.mutable_register_()->set_login("guest");
  open.mutable_register_()->set_password("correct horse battery");
  open.mutable_register_()->set_device_name("phone");
  open.mutable_register_()->set_client_msg_id("0123456789abcde3");
  const std::string token = command(open).register_().token();

  // Two connections of the guest: one keeps the club followed, the other comes later.
  struct Connection {
    Connection(Small& world, uint64_t id, const std::string& secret) : small_(world) {
      session.emplace(world.site.place(0), socket, session::Session::Peer{id, "here"});
      v1::ClientFrame hello;
      hello.mutable_hello()->set_protocol_min(1);
      hello.mutable_hello()->set_protocol_max(1);
      hello.mutable_hello()->set_capabilities(1);
      send(hello);
      v1::ClientFrame authenticate;
      authenticate.mutable_authenticate()->set_token(secret);
      send(authenticate);
    }
    ~Connection() {
      auto finish = [](session::Session* which) -> runtime::Task<> { co_await which->finish(); };
      runtime::spawn(small_.site.shard(0).executor(), "finish", finish(&*session));
      small_.run();
      session.reset();
    }
    v1::ServerFrame send(v1::ClientFrame frame) {
      frame.set_request_id(1);
      session->receive(frame.SerializeAsString());
      return heard();
    }
    v1::ServerFrame heard() {
      small_.run();
      v1::ServerFrame all;
      while (socket.writing) {
        all.MergeFromString(std::exchange(socket.frame, {}));
        socket.writing = false;
        session->written(true);
        small_.run();
      }
      return all;
    }
    Small& small_;
    Socket socket;
    std::optional<session::Session> session;
  };
  const auto typings = [](const v1::ServerFrame& frame) {
    int count = 0;
    for (const auto& signal : frame.signals()) count += signal.has_typing() ? 1 : 0;
    return count;
  };
  v1::ClientFrame subscribe;
  *subscribe.mutable_subscribe()->mutable_stream() = Stream::club(club).proto();
  Connection first(small, 1, token);
  first.send(subscribe);
  v1::ClientFrame typing;
  *typing.mutable_set_typing()->mutable_stream() = Stream::club(club).proto();
  typing.mutable_set_typing()->set_room_id(1);
  first.send(typing);
  small.site.look();
  CHECK(typings(first.heard()) == 1);

  v1::ClientFrame close;
  close.mutable_change_room()->set_club_id(club);
  close.mutable_change_room()->set_room_id(1);
  close.mutable_change_room()->set_access(v1::ROOM_ACCESS_ROLES);
  close.mutable_change_room()->add_roles(v1::CLUB_ROLE_COMMITTEE);
  close.mutable_change_room()->set_client_msg_id("0123456789abcde4");
  command(close);
  Connection second(small, 2, token);
  v1::ServerFrame answer = second.send(subscribe);
  REQUIRE(answer.replies_size() == 1);
  REQUIRE(answer.replies(0).subscribe().outcome() == v1::SUBSCRIBE_OUTCOME_SNAPSHOT);
  CHECK(typings(answer) == 0);
}
