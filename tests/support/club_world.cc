// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/club_world.h"

#include <doctest/doctest.h>

namespace amicale::support {

ClubWorld::ClubWorld(std::function<void(Config&)> change)
    : running([change](Config& config) {
        // Tests register many people from one address.
        config.auth.login_tries_per_address_per_hour = 10'000;
        change(config);
      }) {
  WireClient client(running.port());
  client.enter("");
  v1::ClientFrame login;
  login.mutable_login()->set_login(RunningServer::kLogin);
  login.mutable_login()->set_password(RunningServer::kPassword);
  login.mutable_login()->set_device_name("test");
  auto reply = client.call(login);
  REQUIRE_MESSAGE(reply.has_login(), reply.refusal().message());
  people_["owner"] = {reply.login().account_id(), reply.login().token()};

  WireClient owner = connect("owner");
  v1::ClientFrame create;
  create.mutable_create_club()->set_slug("marketing");
  create.mutable_create_club()->set_name("Club Marketing");
  create.mutable_create_club()->set_kind(v1::CLUB_KIND_PROFESSIONAL);
  create.mutable_create_club()->set_purpose("Parler de marketing");
  create.mutable_create_club()->set_language(v1::LANGUAGE_FR);
  create.mutable_create_club()->set_client_msg_id(message_id());
  reply = owner.call(create);
  REQUIRE_MESSAGE(reply.has_create_club(), reply.refusal().message());
  club = reply.create_club().object_id();
  auto snapshot = owner.follow(stream()).snapshot().club();
  rooms.assign(snapshot.rooms().begin(), snapshot.rooms().end());
}

WireClient ClubWorld::connect(const std::string& login, bool tls) {
  WireClient client(tls ? running.tls_port() : running.port(), tls ? running.certificate() : "");
  client.enter(people_.at(login).token);
  return client;
}

ClubWorld::Person& ClubWorld::add(const std::string& login, v1::ClubRole role) {
  WireClient owner = connect("owner");
  v1::ClientFrame add;
  add.mutable_add_member()->set_club_id(club);
  add.mutable_add_member()->set_login(login);
  add.mutable_add_member()->set_display_name(login);
  add.mutable_add_member()->set_role(role);
  add.mutable_add_member()->set_client_msg_id(message_id());
  auto added = owner.call(add);
  REQUIRE_MESSAGE(added.has_add_member(), added.refusal().message());

  WireClient client(running.port());
  client.enter("");
  v1::ClientFrame activate;
  activate.mutable_register_()->set_code(added.add_member().activation_code());
  activate.mutable_register_()->set_password(RunningServer::kPassword);
  activate.mutable_register_()->set_device_name("test");
  activate.mutable_register_()->set_client_msg_id(message_id());
  auto reply = client.call(activate);
  REQUIRE_MESSAGE(reply.has_register_(), reply.refusal().message());
  CHECK(reply.register_().status() == v1::MEMBER_STATUS_ACTIVE);
  return people_[login] = {reply.register_().account_id(), reply.register_().token()};
}

uint64_t ClubWorld::room(v1::RoomAccess access) const {
  for (const auto& room : rooms) {
    if (room.access() == access) return room.room_id();
  }
  FAIL("the template has no such room");
  return 0;
}

v1::ClientFrame post(v1::StreamId stream, uint64_t room, const std::string& body) {
  v1::ClientFrame frame;
  *frame.mutable_post_message()->mutable_stream() = stream;
  frame.mutable_post_message()->set_room_id(room);
  frame.mutable_post_message()->set_body(body);
  frame.mutable_post_message()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame set_status(uint64_t club, uint64_t account, v1::MemberStatus status) {
  v1::ClientFrame frame;
  frame.mutable_set_member_status()->set_club_id(club);
  frame.mutable_set_member_status()->set_account_id(account);
  frame.mutable_set_member_status()->set_status(status);
  frame.mutable_set_member_status()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame set_role(uint64_t club, uint64_t account, v1::ClubRole role) {
  v1::ClientFrame frame;
  frame.mutable_set_role()->set_club_id(club);
  frame.mutable_set_role()->set_account_id(account);
  frame.mutable_set_role()->set_role(role);
  frame.mutable_set_role()->set_client_msg_id(message_id());
  return frame;
}

}  // namespace amicale::support
