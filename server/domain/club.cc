// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/club.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/slow_mode.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

void write_roles(RoleSet roles, v1::Room& out) {
  for (int role = v1::ClubRole_MIN; role <= v1::ClubRole_MAX; ++role) {
    if (has(roles, static_cast<v1::ClubRole>(role))) out.add_roles(static_cast<v1::ClubRole>(role));
  }
}

// The room without head_number and pins: what RoomCreated and RoomChanged carry.
void write_room_facts(const RoomState& room, v1::Room& out) {
  out.set_room_id(room.room_id);
  out.set_name(room.name);
  out.set_topic(room.topic);
  out.set_access(room.access);
  out.set_archived(room.archived);
  out.set_locked(room.locked);
  out.set_slow_mode_s(room.slow_mode_s);
  out.set_slow_since_ms(room.slow_since_ms);
  if (room.access == v1::ROOM_ACCESS_ROLES) write_roles(room.roles, out);
}

void add_room_changed(Decision& decision, RoleSet audience, const RoomState& room,
                      std::string_view reason = {}) {
  v1::RoomChanged& changed = *decision.add(audience).event.mutable_room_changed();
  write_room_facts(room, *changed.mutable_room());
  changed.set_reason(std::string(reason));
}

Result<RoleSet> check_room_roles(const google::protobuf::RepeatedField<int>& roles) {
  RoleSet set = 0;
  for (const int role : roles) {
    if (role == v1::CLUB_ROLE_UNSPECIFIED || !v1::ClubRole_IsValid(role)) {
      return bad_request("roles", "room.roles");
    }
    set |= bit(static_cast<v1::ClubRole>(role));
  }
  if (set == 0) return bad_request("roles", "room.roles");
  return set;
}

// Access and the roles it names, into `room`; refused when it would close the room to who asks.
Result<void> set_access(RoomState& room, v1::RoomAccess access,
                        const google::protobuf::RepeatedField<int>& roles, const Actor& actor) {
  if (access == v1::ROOM_ACCESS_UNSPECIFIED || !v1::RoomAccess_IsValid(access)) {
    return bad_request("access");
  }
  room.access = access;
  room.roles = 0;
  if (access == v1::ROOM_ACCESS_ROLES) {
    const Result<RoleSet> named = check_room_roles(roles);
    if (!named) return std::unexpected(named.error());
    room.roles = *named;
  }
  if (!has(room.readers(), reading_role(actor))) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "room.locks_you_out");
  }
  return {};
}

// Names are compared as people read them, among rooms that are open.
Result<std::string> check_room_name(const ClubState& club, std::string_view name,
                                    std::uint64_t own_room_id) {
  Result<std::string> normal = check_name(name, "name", limits::name_characters);
  if (!normal) return normal;
  const std::string folded = fold(*normal);
  const bool taken = std::ranges::any_of(club.rooms(), [&](const RoomState& room) {
    return room.room_id != own_room_id && !room.archived && fold(room.name) == folded;
  });
  if (taken) return refuse(v1::REFUSAL_CODE_CONFLICT, "room.name_taken");
  return normal;
}

Result<void> check_language(v1::Language language) {
  if (!v1::Language_IsValid(language)) return bad_request("language");
  return {};
}

}  // namespace

void write_room(const RoomState& room, v1::Room& out) {
  write_room_facts(room, out);
  out.set_auto_slow_s(room.auto_slow_s);
  out.set_auto_slow_since_ms(room.auto_slow_since_ms);
  out.set_auto_slow_until_ms(room.auto_slow_until_ms);
  out.set_auto_slow_lifted_ms(room.auto_slow_lifted_ms);
  out.set_head_number(room.head_number);
  out.mutable_pins()->Assign(room.pins.begin(), room.pins.end());
}

Result<void> check_create_club(const v1::CreateClub& request) {
  if (auto checked = check_slug(request.slug()); !checked) return checked;
  if (auto checked = check_name(request.name(), "name", limits::club_name_characters); !checked) {
    return std::unexpected(checked.error());
  }
  if (template_rooms(request.kind(), request.language()).empty()) return bad_request("kind");
  if (auto checked = check_language(request.language()); !checked) return checked;
  if (request.capacity() > limits::members_per_club) {
    return too_large("capacity", limits::members_per_club, request.capacity());
  }
  return check_paragraph(request.purpose(), "purpose", limits::purpose_bytes);
}

Result<Decision> create_club(const ClubState& club, const v1::CreateClub& request,
                             const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::create_club); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_create_club(request); !checked) return std::unexpected(checked.error());

  Decision decision{.object_id = club.id()};
  if (club.created()) return decision;
  const Result<std::string> name = check_name(request.name(), "name", limits::club_name_characters);
  if (!name) return std::unexpected(name.error());

  const v1::Language language =
      request.language() == v1::LANGUAGE_UNSPECIFIED ? v1::LANGUAGE_FR : request.language();
  v1::Club& created = *decision.add(all_roles).event.mutable_club_created()->mutable_club();
  created.set_club_id(club.id());
  created.set_slug(request.slug());
  created.set_name(*name);
  created.set_kind(request.kind());
  created.set_purpose(request.purpose());
  created.set_language(language);
  created.set_capacity(request.capacity() == 0 ? limits::club_capacity : request.capacity());
  created.set_created_ms(now_ms);
  created.set_sandbox(request.sandbox());

  RoomState room;
  for (const RoomTemplate& first : template_rooms(request.kind(), language)) {
    room = RoomState{.room_id = room.room_id + 1,
                     .name = std::string(first.name),
                     .topic = std::string(first.topic),
                     .access = first.access,
                     .roles = first.roles};
    write_room_facts(room,
                     *decision.add(room.readers()).event.mutable_room_created()->mutable_room());
  }
  return decision;
}

Result<Decision> change_club(const ClubState& club, const v1::ChangeClub& request,
                             const Actor& actor) {
  if (auto allowed = may(actor, Action::change_club); !allowed) {
    return std::unexpected(allowed.error());
  }
  const v1::Club& before = club.club();
  v1::ClubChanged after;
  after.set_name(before.name());
  after.set_purpose(request.has_purpose() ? request.purpose() : before.purpose());
  after.set_language(request.has_language() ? request.language() : before.language());
  after.set_capacity(request.has_capacity() ? request.capacity() : before.capacity());
  after.set_watch_off(request.has_watch_off() ? request.watch_off() : before.watch_off());
  if (request.has_name()) {
    Result<std::string> name = check_name(request.name(), "name", limits::club_name_characters);
    if (!name) return std::unexpected(name.error());
    after.set_name(*std::move(name));
  }
  if (auto checked = check_paragraph(after.purpose(), "purpose", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (auto checked = check_language(after.language()); !checked) {
    return std::unexpected(checked.error());
  }
  if (request.has_capacity()) {
    if (after.capacity() > limits::members_per_club) {
      return too_large("capacity", limits::members_per_club, after.capacity());
    }
    if (after.capacity() < std::max(club.places_taken(), 1u)) {
      return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CONFLICT,
                                     .rule_id = "club.capacity_below_members",
                                     .field = "capacity",
                                     .actual = club.places_taken()});
    }
    if (after.capacity() > limits::club_capacity && after.capacity() > before.capacity()) {
      if (auto allowed = may(actor, Action::raise_capacity); !allowed) {
        allowed.error().limit = limits::club_capacity;
        return std::unexpected(allowed.error());
      }
    }
  }

  Decision decision{.object_id = club.id()};
  const bool same = after.name() == before.name() && after.purpose() == before.purpose() &&
                    after.language() == before.language() &&
                    after.capacity() == before.capacity() &&
                    after.watch_off() == before.watch_off();
  if (!same) *decision.add(all_roles).event.mutable_club_changed() = std::move(after);
  return decision;
}

Result<Decision> create_room(const ClubState& club, const v1::CreateRoom& request,
                             const Actor& actor) {
  if (auto allowed = may(actor, Action::create_room); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (club.rooms().size() >= limits::rooms_per_club) {
    return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CAPACITY,
                                   .rule_id = "club.rooms",
                                   .limit = limits::rooms_per_club,
                                   .actual = club.rooms().size()});
  }
  Result<std::string> name = check_room_name(club, request.name(), 0);
  if (!name) return std::unexpected(name.error());
  if (auto checked = check_paragraph(request.topic(), "topic", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  RoomState room{
      .room_id = club.last_room_id() + 1, .name = *std::move(name), .topic = request.topic()};
  if (auto set = set_access(room, request.access(), request.roles(), actor); !set) {
    return std::unexpected(set.error());
  }
  Decision decision{.object_id = room.room_id};
  write_room_facts(room,
                   *decision.add(room.readers()).event.mutable_room_created()->mutable_room());
  return decision;
}

Result<Decision> change_room(const ClubState& club, const v1::ChangeRoom& request,
                             const Actor& actor) {
  const RoomState* before = club.find_room(request.room_id());
  if (auto allowed = may(actor, Action::change_room, {.room = before}); !allowed) {
    return std::unexpected(allowed.error());
  }

  // First who reads it, then the rest: those who lose the room learn that, and nothing newer.
  RoomState opened = *before;
  if (request.has_access()) {
    if (auto set = set_access(opened, request.access(), request.roles(), actor); !set) {
      return std::unexpected(set.error());
    }
  }
  RoomState after = opened;
  if (request.has_archived()) after.archived = request.archived();
  if (request.has_topic()) after.topic = request.topic();
  if (request.has_locked()) after.locked = request.locked();
  if (request.has_slow_mode_s()) {
    if (request.slow_mode_s() > limits::slow_mode_max_s) {
      return too_large("slow_mode_s", limits::slow_mode_max_s, request.slow_mode_s());
    }
    after.slow_mode_s = request.slow_mode_s();
    if (after.slow_mode_s == 0) after.slow_since_ms = 0;
    if (after.slow_mode_s != 0 && before->slow_mode_s == 0) after.slow_since_ms = actor.now_ms;
  }
  if (request.has_name() || (before->archived && !after.archived)) {
    Result<std::string> name =
        check_room_name(club, request.has_name() ? request.name() : before->name, before->room_id);
    if (!name) return std::unexpected(name.error());
    after.name = *std::move(name);
  }
  if (auto checked = check_paragraph(after.topic, "topic", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (auto checked = check_paragraph(request.reason(), "reason", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }

  Decision decision{.object_id = before->room_id};
  if (opened.access != before->access || opened.roles != before->roles) {
    add_room_changed(decision, before->readers() | opened.readers(), opened);
  }
  if (after.name != opened.name || after.topic != opened.topic ||
      after.archived != opened.archived || after.locked != opened.locked ||
      after.slow_mode_s != opened.slow_mode_s) {
    add_room_changed(decision, after.readers(), after, request.reason());
  }
  if (request.has_slow_mode_s()) add_slow_lifted(decision, after, actor.now_ms);
  return decision;
}

}  // namespace amicale::domain
