// SPDX-License-Identifier: AGPL-3.0-or-later
//
// From the names that people type to the ids that the protocol takes. Each prints why it found nothing.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/admin/console.h"

namespace amicale::admin {

// By slug, or by id.
OrExit<v1::Club> find_club(const Console& console, Connection& connection, const std::string& name);
// Logged in, and that club found: where most verbs begin.
struct InClub {
  std::unique_ptr<Connection> connection;
  v1::Club club;
};
OrExit<InClub> enter_club(const Console& console, const std::string& name);
OrExit<v1::ClubSnapshot> load_club(const Console& console, Connection& connection,
                                   const std::string& name);
// By name (case and accents do not matter), or by id.
OrExit<v1::Room> find_room(const Console& console, const v1::ClubSnapshot& club,
                           const std::string& name);
// By login (site staff), displayed name, or account id.
OrExit<std::uint64_t> find_member(const Console& console, Connection& connection,
                                  std::uint64_t club_id, const std::string& name);

// "committee" or an officer's name, as find_member reads it: for whom a request of site staff or a supervisor is made.
OrExit<v1::OnBehalf> find_behalf(const Console& console, Connection& connection,
                                 std::uint64_t club_id, const std::string& name);

// Writes that into a request whose club is set; kDone, or the exit code.
template <typename Request>
int act_for(const Console& console, Connection& connection, const std::string& name,
            Request& request) {
  if (name.empty()) return 0;
  const auto behalf = find_behalf(console, connection, request.club_id(), name);
  if (!behalf) return behalf.error();
  *request.mutable_on_behalf() = *behalf;
  return 0;
}

// What people are called in a club. Its roll is read when a name is first wanted there; who has left is asked for one by one.
class Names {
 public:
  explicit Names(Connection& connection) : connection_(connection) {}

  // "Ada Roy (12)": the number is what other commands take. The number alone when the caller may see no name, or of no club (0).
  std::string of(std::uint64_t club_id, std::uint64_t account_id);
  // A club's slug, as other commands take it; "club 7" for one that the caller may not see.
  std::string club(std::uint64_t club_id);

 private:
  using Roll = std::map<std::uint64_t, std::string>;  // by account
  void load(std::uint64_t club_id, Roll& roll);

  Connection& connection_;
  std::map<std::uint64_t, Roll> rolls_;  // by club
  std::optional<std::map<std::uint64_t, std::string>> slugs_;
};

// Every page of a list, as one answer: from where the request begins to the last.
template <typename Request>
client::Result<client::ReplyTo<Request>> all_pages(Connection& connection, Request request) {
  client::ReplyTo<Request> all;
  do {
    auto page = connection.call(request);
    if (!page) return std::unexpected(page.error());
    request.set_before(page->next());
    all.MergeFrom(*page);
  } while (request.before() != 0);
  all.clear_next();
  return all;
}

}  // namespace amicale::admin
