// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Clubs, their rooms and their invitations.
#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

std::string role_names(const Console& console, const v1::Room& room) {
  std::string out;
  for (const int role : room.roles()) {
    if (!out.empty()) out += ", ";
    out += console.text(name_of(static_cast<v1::ClubRole>(role)));
  }
  return out;
}

}  // namespace

int run(const verb::ClubCreate& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::CreateClub request;
  request.set_slug(verb.slug);
  request.set_name(verb.name);
  request.set_kind(verb.kind);
  request.set_purpose(verb.purpose);
  request.set_language(verb.language);
  request.set_capacity(verb.capacity);
  return console.report((*connection)->call(std::move(request)), phrase::club_made);
}

int run(const verb::ClubList&, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto reply = (*connection)->call(v1::ListClubs{});
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  Table table({console.text(phrase::col_number), console.text(phrase::col_slug),
               console.text(phrase::col_name), console.text(phrase::col_kind),
               console.text(phrase::col_members), console.text(phrase::col_capacity),
               console.text(phrase::col_my_role)});
  for (const auto& listed : reply->clubs()) {
    const auto& club = listed.club();
    table.add({std::to_string(club.club_id()), club.slug(), club.name(),
               console.text(name_of(club.kind())), std::to_string(club.active_members()),
               std::to_string(club.capacity()), console.text(name_of(listed.role()))});
  }
  console.print(table.text());
  return kDone;
}

int run(const verb::ClubChange& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ChangeClub request;
  request.set_club_id(here->club.club_id());
  if (verb.name) request.set_name(*verb.name);
  if (verb.purpose) request.set_purpose(*verb.purpose);
  if (verb.language) request.set_language(*verb.language);
  if (verb.capacity) request.set_capacity(*verb.capacity);
  if (verb.watch) request.set_watch_off(!*verb.watch);
  return console.report(here->connection->call(std::move(request)), phrase::done);
}

int run(const verb::RoomCreate& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::CreateRoom request;
  request.set_club_id(here->club.club_id());
  request.set_name(verb.name);
  request.set_topic(verb.topic);
  request.set_access(verb.access);
  for (const auto role : verb.roles) request.add_roles(role);
  return console.report(here->connection->call(std::move(request)), phrase::room_made);
}

int run(const verb::RoomList& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  if (console.json()) {
    console.print_json(*club);
    return kDone;
  }
  Table table({console.text(phrase::col_number), console.text(phrase::col_name),
               console.text(phrase::col_access), console.text(phrase::col_messages),
               console.text(phrase::col_state), console.text(phrase::col_topic)});
  for (const auto& room : club->rooms()) {
    std::string access = console.text(name_of(room.access()));
    if (room.roles_size() > 0) access += " (" + role_names(console, room) + ")";
    table.add({std::to_string(room.room_id()), room.name(), access,
               std::to_string(room.head_number()),
               room.archived() ? console.text(phrase::room_archived) : "", room.topic()});
  }
  console.print(table.text());
  return kDone;
}

int run(const verb::RoomChange& verb, Console& console) {
  std::optional<std::uint32_t> slow_mode_s;
  if (!verb.slow.empty()) {
    slow_mode_s = verb.slow == "0" ? 0 : duration_from(verb.slow);
    if (!slow_mode_s) return console.fail_usage(phrase::sanction_duration_unread, verb.slow);
  }
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  const auto room = find_room(console, *club, verb.room);
  if (!room) return room.error();
  v1::ChangeRoom request;
  request.set_club_id(club->club().club_id());
  request.set_room_id(room->room_id());
  if (verb.name) request.set_name(*verb.name);
  if (verb.topic) request.set_topic(*verb.topic);
  if (verb.access) request.set_access(*verb.access);
  if (!verb.roles.empty() && !verb.access) request.set_access(v1::ROOM_ACCESS_ROLES);
  for (const auto role : verb.roles) request.add_roles(role);
  if (verb.archived) request.set_archived(*verb.archived);
  if (verb.locked) request.set_locked(*verb.locked);
  if (slow_mode_s) request.set_slow_mode_s(*slow_mode_s);
  request.set_reason(verb.reason);
  if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
    return code;
  return console.report((*connection)->call(std::move(request)), phrase::done);
}

int run(const verb::InviteCreate& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::CreateInvitation request;
  request.set_club_id(here->club.club_id());
  request.set_role(verb.role);
  request.set_max_uses(verb.uses);
  request.set_valid_hours(verb.hours);
  request.set_needs_decision(verb.needs_decision);
  request.set_note(verb.note);
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  console.print(printable(reply->url().empty() ? reply->code() : reply->url()));
  console.say(phrase::invitation_made, reply->invitation().invitation_id(),
              local_time(reply->invitation().expires_ms()));
  return kDone;
}

int run(const verb::InviteList& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ListInvitations request;
  request.set_club_id(here->club.club_id());
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  Table table({console.text(phrase::col_number), console.text(phrase::col_role),
               console.text(phrase::col_uses), console.text(phrase::col_expires),
               console.text(phrase::col_state), console.text(phrase::col_note)});
  for (const auto& invitation : reply->invitations()) {
    table.add({std::to_string(invitation.invitation_id()), console.text(name_of(invitation.role())),
               std::to_string(invitation.uses()) + "/" + std::to_string(invitation.max_uses()),
               local_time(invitation.expires_ms()),
               invitation.revoked() ? console.text(phrase::invitation_revoked) : "",
               invitation.note()});
  }
  console.print(table.text());
  return kDone;
}

int run(const verb::InviteRevoke& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::RevokeInvitation request;
  request.set_club_id(here->club.club_id());
  request.set_invitation_id(verb.invitation);
  return console.report(here->connection->call(std::move(request)), phrase::done);
}

}  // namespace amicale::admin
