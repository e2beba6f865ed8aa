// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <string>

#include "tests/support/running_server.h"
#include "tests/support/wire_client.h"

namespace amicale::support {

// A running site with one professional club and a few people in it, made through the front door like everybody's.
// The template's rooms: general (1), announcements (2) … and the committee's (5), found by access.
class ClubWorld {
 public:
  struct Person {
    uint64_t account = 0;
    std::string token;
  };

  explicit ClubWorld(std::function<void(Config&)> change = [](Config&) {});

  // A connection of the person, entered. With `tls`, over TLS.
  WireClient connect(const std::string& login, bool tls = false);
  // Adds a person with a role, activates the account and gives it a device. Password: kPassword.
  Person& add(const std::string& login, v1::ClubRole role = v1::CLUB_ROLE_MEMBER);
  Person& operator[](const std::string& login) { return people_.at(login); }

  v1::StreamId stream() const { return club_stream(club); }
  uint64_t room(v1::RoomAccess access) const;

  RunningServer running;
  uint64_t club = 0;
  std::vector<v1::Room> rooms;

 private:
  std::map<std::string, Person> people_;
};

v1::ClientFrame post(v1::StreamId stream, uint64_t room, const std::string& body);
v1::ClientFrame set_status(uint64_t club, uint64_t account, v1::MemberStatus status);
v1::ClientFrame set_role(uint64_t club, uint64_t account, v1::ClubRole role);

}  // namespace amicale::support
