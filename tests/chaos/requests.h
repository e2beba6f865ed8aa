// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The requests that trials make.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amicale/v1/frame.pb.h"

namespace amicale::chaos {

v1::ClientFrame post(const v1::StreamId& stream, std::uint64_t room, std::string body);
v1::ClientFrame edit(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number,
                     std::string body);
v1::ClientFrame erase(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number);
v1::ClientFrame react(const v1::StreamId& stream, std::uint64_t room, std::uint64_t number,
                      std::string emoji);
v1::ClientFrame history(const v1::StreamId& stream, std::uint64_t room, std::uint64_t around,
                        std::uint32_t before);
v1::ClientFrame set_role(std::uint64_t club, std::uint64_t account, v1::ClubRole role);
v1::ClientFrame set_status(std::uint64_t club, std::uint64_t account, v1::MemberStatus status);
v1::ClientFrame create_room(std::uint64_t club, std::string name, std::vector<v1::ClubRole> roles);
// Opens the room to all, or closes it to some roles.
v1::ClientFrame set_access(std::uint64_t club, std::uint64_t room, std::vector<v1::ClubRole> roles);
v1::ClientFrame typing(const v1::StreamId& stream, std::uint64_t room);
v1::ClientFrame login(std::string name, std::string password);
v1::ClientFrame revoke(std::uint64_t account, std::uint64_t token);  // token 0 = all

}  // namespace amicale::chaos
