// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/lookup.h"

#include <charconv>
#include <vector>

#include "server/admin/terminal_text.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

std::optional<std::uint64_t> as_id(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace

OrExit<v1::Club> find_club(const Console& console, Connection& connection,
                           const std::string& name) {
  const auto clubs = connection.call(v1::ListClubs{});
  if (!clubs) return std::unexpected(console.fail(clubs.error()));
  for (const auto& listed : clubs->clubs()) {
    if (listed.club().slug() == name) return listed.club();
  }
  for (const auto& listed : clubs->clubs()) {
    if (as_id(name) == listed.club().club_id()) return listed.club();
  }
  return std::unexpected(
      console.fail(console.text(phrase::no_such_club, printable(name)), kRefused));
}

OrExit<InClub> enter_club(const Console& console, const std::string& name) {
  auto connection = console.connect();
  if (!connection) return std::unexpected(connection.error());
  auto club = find_club(console, **connection, name);
  if (!club) return std::unexpected(club.error());
  return InClub{std::move(*connection), std::move(*club)};
}

OrExit<v1::ClubSnapshot> load_club(const Console& console, Connection& connection,
                                   const std::string& name) {
  const auto club = find_club(console, connection, name);
  if (!club) return std::unexpected(club.error());
  auto snapshot = connection.snapshot(client::Stream::club(club->club_id()));
  if (!snapshot) return std::unexpected(console.fail(snapshot.error()));
  return std::move(*snapshot->mutable_club());
}

OrExit<v1::Room> find_room(const Console& console, const v1::ClubSnapshot& club,
                           const std::string& name) {
  const std::string wanted = folded(name.starts_with('#') ? name.substr(1) : name);
  for (const auto& room : club.rooms()) {
    if (folded(room.name()) == wanted) return room;
  }
  for (const auto& room : club.rooms()) {
    if (as_id(name) == room.room_id()) return room;
  }
  return std::unexpected(console.fail(
      console.text(phrase::no_such_room, printable(name), printable(club.club().name())),
      kRefused));
}

OrExit<std::uint64_t> find_member(const Console& console, Connection& connection,
                                  std::uint64_t club_id, const std::string& name) {
  if (const auto id = as_id(name)) return *id;
  v1::FindAccount by_login;
  by_login.set_login(name);
  if (const auto found = connection.call(by_login)) return found->account_id();

  v1::ListMembers by_name;
  by_name.set_club_id(club_id);
  by_name.set_name_contains(name);
  const auto page = connection.call(by_name);
  if (!page) return std::unexpected(console.fail(page.error()));
  std::vector<std::uint64_t> exact;
  for (const auto& member : page->members()) {
    if (folded(member.display_name()) == folded(name)) exact.push_back(member.account_id());
  }
  if (exact.size() == 1) return exact.front();
  if (exact.empty() && page->members_size() == 1) return page->members(0).account_id();
  return std::unexpected(console.fail(
      console.text(page->members_size() == 0 ? phrase::no_such_member : phrase::several_members,
                   printable(name)),
      kRefused));
}

OrExit<v1::OnBehalf> find_behalf(const Console& console, Connection& connection,
                                 std::uint64_t club_id, const std::string& name) {
  v1::OnBehalf behalf;
  if (is_committee(name)) return behalf;
  const auto officer = find_member(console, connection, club_id, name);
  if (!officer) return std::unexpected(officer.error());
  behalf.set_account_id(*officer);
  return behalf;
}

std::string Names::of(std::uint64_t club_id, std::uint64_t account_id) {
  std::string number = std::to_string(account_id);
  if (club_id == 0 || account_id == 0) return number;
  auto [found, fresh] = rolls_.try_emplace(club_id);
  Roll& roll = found->second;
  if (fresh) load(club_id, roll);
  auto [name, unknown] = roll.try_emplace(account_id);
  if (unknown) {
    v1::LookUpNames request;
    request.set_club_id(club_id);
    request.add_account_ids(account_id);
    const auto reply = connection_.call(std::move(request));
    if (reply && !reply->names().empty()) name->second = printable(reply->names(0).display_name());
  }
  return name->second.empty() ? number : name->second + " (" + number + ")";
}

std::string Names::club(std::uint64_t club_id) {
  if (!slugs_) {
    slugs_.emplace();
    if (const auto clubs = connection_.call(v1::ListClubs{})) {
      for (const auto& one : clubs->clubs()) (*slugs_)[one.club().club_id()] = one.club().slug();
    }
  }
  const auto found = slugs_->find(club_id);
  return found == slugs_->end() ? "club " + std::to_string(club_id) : found->second;
}

void Names::load(std::uint64_t club_id, Roll& roll) {
  v1::ListMembers request;
  request.set_club_id(club_id);
  do {
    const auto page = connection_.call(request);
    if (!page) return;
    for (const auto& member : page->members())
      roll[member.account_id()] = printable(member.display_name());
    request.set_after(page->next());
  } while (request.after() != 0);
}

}  // namespace amicale::admin
