// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/requests.h"

#include "tests/support/wire_client.h"

namespace amicale::chaos {

using support::message_id;

v1::ClientFrame post(const v1::StreamId& stream, std::uint64_t room, std::string body) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_post_message();
  *request.mutable_stream() = stream;
  request.set_room_id(room);
  request.set_body(std::move(body));
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame edit(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number,
                     std::string body) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_edit_message();
  *request.mutable_stream() = stream;
  request.set_room_id(room);
  request.set_number(number);
  request.set_body(std::move(body));
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame erase(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_delete_message();
  *request.mutable_stream() = stream;
  request.set_room_id(room);
  request.set_number(number);
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame react(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number,
                      std::string emoji) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_react();
  *request.mutable_stream() = stream;
  request.set_room_id(room);
  request.set_number(number);
  request.set_emoji(std::move(emoji));
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame history(const v1::StreamId& stream, std::uint64_t room, std::uint64_t around,
                        std::uint32_t before) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_get_history();
  *request.mutable_stream() = stream;
  request.set_room_id(room);
  request.set_around(around);
  request.set_before(before);
  return frame;
}

v1::ClientFrame set_role(std::uint64_t club, std::uint64_t account, v1::ClubRole role) {
  v1::ClientFrame frame;
  frame.mutable_set_role()->set_club_id(club);
  frame.mutable_set_role()->set_account_id(account);
  frame.mutable_set_role()->set_role(role);
  frame.mutable_set_role()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame set_status(std::uint64_t club, std::uint64_t account, v1::MemberStatus status) {
  v1::ClientFrame frame;
  frame.mutable_set_member_status()->set_club_id(club);
  frame.mutable_set_member_status()->set_account_id(account);
  frame.mutable_set_member_status()->set_status(status);
  frame.mutable_set_member_status()->set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame create_room(std::uint64_t club, std::string name, std::vector<v1::ClubRole> roles) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_create_room();
  request.set_club_id(club);
  request.set_name(std::move(name));
  request.set_access(roles.empty() ? v1::ROOM_ACCESS_ALL : v1::ROOM_ACCESS_ROLES);
  for (const auto role : roles) request.add_roles(role);
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame set_access(std::uint64_t club, std::uint64_t room,
                           std::vector<v1::ClubRole> roles) {
  v1::ClientFrame frame;
  auto& request = *frame.mutable_change_room();
  request.set_club_id(club);
  request.set_room_id(room);
  request.set_access(roles.empty() ? v1::ROOM_ACCESS_ALL : v1::ROOM_ACCESS_ROLES);
  for (const auto role : roles) request.add_roles(role);
  request.set_client_msg_id(message_id());
  return frame;
}

v1::ClientFrame typing(const v1::StreamId& stream, std::uint64_t room) {
  v1::ClientFrame frame;
  *frame.mutable_set_typing()->mutable_stream() = stream;
  frame.mutable_set_typing()->set_room_id(room);
  return frame;
}

v1::ClientFrame login(std::string name, std::string password) {
  v1::ClientFrame frame;
  frame.mutable_login()->set_login(std::move(name));
  frame.mutable_login()->set_password(std::move(password));
  frame.mutable_login()->set_device_name("trial");
  return frame;
}

v1::ClientFrame revoke(std::uint64_t account, std::uint64_t token) {
  v1::ClientFrame frame;
  frame.mutable_revoke_token()->set_account_id(account);
  frame.mutable_revoke_token()->set_token_id(token);
  frame.mutable_revoke_token()->set_all(token == 0);
  frame.mutable_revoke_token()->set_client_msg_id(message_id());
  return frame;
}

}  // namespace amicale::chaos
