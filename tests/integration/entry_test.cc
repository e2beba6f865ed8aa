// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Ways in and out: invitations, logins, devices, revocation, deadlines.
#include <doctest/doctest.h>

#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

v1::ClientFrame login(const std::string& name, const std::string& password) {
  v1::ClientFrame frame;
  frame.mutable_login()->set_login(name);
  frame.mutable_login()->set_password(password);
  frame.mutable_login()->set_device_name("test");
  return frame;
}

v1::ClientFrame invite(uint64_t club, bool needs_decision = false) {
  v1::ClientFrame frame;
  frame.mutable_create_invitation()->set_club_id(club);
  frame.mutable_create_invitation()->set_role(v1::CLUB_ROLE_MEMBER);
  frame.mutable_create_invitation()->set_needs_decision(needs_decision);
  frame.mutable_create_invitation()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame registration(const std::string& code, const std::string& name) {
  v1::ClientFrame frame;
  frame.mutable_register_()->set_code(code);
  frame.mutable_register_()->set_login(name);
  frame.mutable_register_()->set_display_name("Zoé Tremblay");
  frame.mutable_register_()->set_password("un long mot de passe");
  frame.mutable_register_()->set_device_name("test");
  frame.mutable_register_()->set_client_msg_id(message_id());
  return frame;
}

TEST_CASE("an invitation opens once, shows what it leads to, and repeats safely") {
  ClubWorld world;
  world.add("boris", v1::CLUB_ROLE_COMMITTEE);
  auto boris = world.connect("boris");
  auto made = boris.call(invite(world.club)).create_invitation();
  REQUIRE_FALSE(made.code().empty());
  CHECK(made.url().ends_with("/i/" + made.code()));

  WireClient stranger(world.running.port());
  stranger.enter("");
  v1::ClientFrame look;
  look.mutable_look_up_invitation()->set_code(made.code());
  CHECK(stranger.call(look).look_up_invitation().club_name() == "Club Marketing");
  auto request = registration(made.code(), "zoe");
  auto first = stranger.call(request);
  REQUIRE_MESSAGE(first.has_register_(), first.refusal().message());
  CHECK(first.register_().status() == v1::MEMBER_STATUS_ACTIVE);
  auto again = stranger.call(request);
  REQUIRE_MESSAGE(again.has_register_(), again.refusal().message());
  CHECK(again.register_().account_id() == first.register_().account_id());
  CHECK(stranger.call(registration(made.code(), "zoe2")).refusal().code() ==
        v1::REFUSAL_CODE_EXPIRED);
  CHECK(stranger.call(registration("no-such-code", "zoe3")).refusal().code() ==
        v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE("an invitation that needs a decision opts in, and the committee decides") {
  ClubWorld world;
  world.add("boris", v1::CLUB_ROLE_COMMITTEE);
  auto boris = world.connect("boris");
  auto made = boris.call(invite(world.club, true)).create_invitation();
  WireClient stranger(world.running.port());
  stranger.enter("");
  auto registered = stranger.call(registration(made.code(), "zoe")).register_();
  CHECK(registered.status() == v1::MEMBER_STATUS_OPTED_IN);
  WireClient zoe(world.running.port());
  zoe.enter(registered.token());
  v1::ClientFrame subscribe;
  *subscribe.mutable_subscribe()->mutable_stream() = world.stream();
  CHECK(zoe.call(subscribe).refusal().code() == v1::REFUSAL_CODE_NOT_ACTIVE);
  CHECK(zoe.call(set_status(world.club, registered.account_id(), v1::MEMBER_STATUS_ACTIVE))
            .has_refusal());
  REQUIRE(boris.call(set_status(world.club, registered.account_id(), v1::MEMBER_STATUS_ACTIVE))
              .has_set_member_status());
  CHECK(zoe.follow(world.stream()).snapshot().club().me().status() == v1::MEMBER_STATUS_ACTIVE);
}

TEST_CASE("a wrong password and an unknown login are told the same, and tries are counted") {
  ClubWorld world([](Config& config) { config.auth.login_tries_per_account = 3; });
  world.add("ada");
  WireClient client(world.running.port());
  client.enter("");
  auto wrong = client.call(login("ada", "not the password")).refusal();
  auto unknown = client.call(login("nobody", "not the password")).refusal();
  CHECK(wrong.code() == v1::REFUSAL_CODE_BAD_CREDENTIALS);
  CHECK(wrong.SerializeAsString() == unknown.SerializeAsString());
  client.call(login("ada", "not the password"));
  client.call(login("ada", "not the password"));
  auto throttled = client.call(login("ada", RunningServer::kPassword)).refusal();
  CHECK(throttled.code() == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(throttled.retry_after_ms() > 0);
}

TEST_CASE("a revoked device is told, closed, and stays out; the other devices stay") {
  ClubWorld world;
  world.add("ada");
  WireClient fresh(world.running.port());
  fresh.enter("");
  auto second = fresh.call(login("ada", RunningServer::kPassword)).login();
  auto first_device = world.connect("ada");
  WireClient second_device(world.running.port());
  second_device.enter(second.token());
  v1::ClientFrame list;
  list.mutable_list_tokens();
  CHECK(first_device.call(list).list_tokens().devices_size() == 2);
  v1::ClientFrame revoke;
  revoke.mutable_revoke_token()->set_token_id(second.token_id());
  revoke.mutable_revoke_token()->set_client_msg_id(message_id());
  REQUIRE(first_device.call(revoke).has_revoke_token());
  CHECK(second_device.wait_for_close() == v1::CLOSE_CODE_REVOKED);
  REQUIRE(second_device.goodbye());
  CHECK(second_device.goodbye()->close_code() == v1::CLOSE_CODE_REVOKED);
  CHECK(first_device.call(list).list_tokens().devices_size() == 1);
  WireClient late(world.running.port());
  late.enter("");
  v1::ClientFrame authenticate;
  authenticate.mutable_authenticate()->set_token(second.token());
  CHECK(late.call(authenticate).refusal().code() == v1::REFUSAL_CODE_UNAUTHENTICATED);
}

TEST_CASE("a changed password revokes every other device") {
  ClubWorld world;
  world.add("ada");
  WireClient fresh(world.running.port());
  fresh.enter("");
  auto second = fresh.call(login("ada", RunningServer::kPassword)).login();
  WireClient second_device(world.running.port());
  second_device.enter(second.token());
  auto ada = world.connect("ada");
  v1::ClientFrame change;
  change.mutable_change_password()->set_old_password("wrong wrong wrong");
  change.mutable_change_password()->set_new_password("nouveau mot de passe");
  change.mutable_change_password()->set_client_msg_id(message_id());
  CHECK(ada.call(change).refusal().code() == v1::REFUSAL_CODE_BAD_CREDENTIALS);
  change.mutable_change_password()->set_old_password(RunningServer::kPassword);
  REQUIRE(ada.call(change).has_change_password());
  CHECK(second_device.wait_for_close() == v1::CLOSE_CODE_REVOKED);
  CHECK(fresh.call(login("ada", RunningServer::kPassword)).refusal().code() ==
        v1::REFUSAL_CODE_BAD_CREDENTIALS);
  CHECK(fresh.call(login("ada", "nouveau mot de passe")).has_login());
}

TEST_CASE("who does not authenticate in time is closed, and nothing but entry is answered before") {
  ClubWorld world([](Config& config) { config.limits.authenticate_ms = 1'000; });
  WireClient client(world.running.port());
  client.enter("");
  v1::ClientFrame list;
  list.mutable_list_clubs();
  CHECK(client.call(list).refusal().code() == v1::REFUSAL_CODE_UNAUTHENTICATED);
  CHECK(client.wait_for_close() == v1::CLOSE_CODE_AUTH_TIMEOUT);
}

TEST_CASE("what is no frame, or speaks no common version, is closed for good") {
  ClubWorld world;
  {
    WireClient client(world.running.port());
    client.send_bytes("hello", false);
    CHECK(client.wait_for_close() == v1::CLOSE_CODE_BAD_FRAME);
  }
  {
    WireClient client(world.running.port());
    client.send_bytes("\xff\xff\xff\xff garbage");
    CHECK(client.wait_for_close() == v1::CLOSE_CODE_BAD_FRAME);
  }
  {
    WireClient client(world.running.port());
    v1::ClientFrame hello;
    hello.mutable_hello()->set_protocol_min(7);
    hello.mutable_hello()->set_protocol_max(9);
    CHECK(client.call(hello).refusal().code() == v1::REFUSAL_CODE_UNSUPPORTED);
    CHECK(client.wait_for_close() == v1::CLOSE_CODE_UNSUPPORTED);
  }
  {
    WireClient client(world.running.port());
    client.send_bytes(std::string(70'000, 'x'));
    CHECK(client.wait_for_close() == v1::CLOSE_CODE_BAD_FRAME);
    REQUIRE(client.goodbye());
    CHECK(client.goodbye()->reconnect_after_ms() == 0);
  }
}

TEST_CASE("one account has so many connections and no more") {
  ClubWorld world([](Config& config) { config.limits.sockets_per_account = 2; });
  world.add("ada");
  auto first = world.connect("ada");
  auto second = world.connect("ada");
  WireClient third(world.running.port());
  third.enter("");
  v1::ClientFrame authenticate;
  authenticate.mutable_authenticate()->set_token(world["ada"].token);
  CHECK(third.call(authenticate).refusal().code() == v1::REFUSAL_CODE_CAPACITY);
}

TEST_CASE("a stopping server answers what it accepted, says goodbye and when to come back") {
  ClubWorld world;
  world.add("ada");
  auto ada = world.connect("ada");
  ada.follow(world.stream());
  auto id = ada.send(post(world.stream(), world.room(v1::ROOM_ACCESS_ALL), "dernier mot"));
  auto reply = ada.reply(id);
  world.running.stop();
  CHECK(reply.has_post_message());
  CHECK(ada.wait_for_close() == v1::CLOSE_CODE_GOING_AWAY);
  REQUIRE(ada.goodbye());
  CHECK(ada.goodbye()->reconnect_after_ms() > 0);
  world.running.start();
  CHECK(world.connect("ada").follow(world.stream()).head_seq() >= reply.post_message().last_seq());
}

}  // namespace
}  // namespace amicale
