// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Roles, who outranks whom, and who acts.
#pragma once

#include <cstdint>
#include <span>

#include "amicale/v1/common.pb.h"
#include "server/domain/held.h"

namespace amicale::domain {

// A set of club roles. Bit r is v1::ClubRole r; bit 0, in an audience, is everyone who may follow
// the stream.
using RoleSet = std::uint16_t;

// A set of membership statuses. Bit s is v1::MemberStatus s.
using StatusSet = std::uint16_t;

constexpr RoleSet bit(v1::ClubRole role) {
  return static_cast<RoleSet>(1u << static_cast<unsigned>(role));
}
constexpr StatusSet bit(v1::MemberStatus status) {
  return static_cast<StatusSet>(1u << static_cast<unsigned>(status));
}

constexpr bool has(RoleSet set, v1::ClubRole role) {
  return role != v1::CLUB_ROLE_UNSPECIFIED && (set & bit(role)) != 0;
}
constexpr bool has(StatusSet set, v1::MemberStatus status) { return (set & bit(status)) != 0; }

inline constexpr RoleSet stream_followers = 1;  // audience of site, account and direct streams
inline constexpr RoleSet all_roles = bit(v1::CLUB_ROLE_GUEST) | bit(v1::CLUB_ROLE_MEMBER) |
                                     bit(v1::CLUB_ROLE_SPONSOR) | bit(v1::CLUB_ROLE_COMMITTEE) |
                                     bit(v1::CLUB_ROLE_PRESIDENT) | bit(v1::CLUB_ROLE_SUPERVISOR);
inline constexpr RoleSet committee_and_above =
    bit(v1::CLUB_ROLE_COMMITTEE) | bit(v1::CLUB_ROLE_PRESIDENT) | bit(v1::CLUB_ROLE_SUPERVISOR);
inline constexpr RoleSet president_and_above =
    bit(v1::CLUB_ROLE_PRESIDENT) | bit(v1::CLUB_ROLE_SUPERVISOR);
inline constexpr RoleSet not_guests = all_roles & static_cast<RoleSet>(~bit(v1::CLUB_ROLE_GUEST));

// Whom @committee calls: the volunteers themselves. The supervisor reads along without being
// called.
inline constexpr RoleSet called_as_committee =
    bit(v1::CLUB_ROLE_COMMITTEE) | bit(v1::CLUB_ROLE_PRESIDENT);

// Statuses that read the club: its stream, its rooms, its members.
inline constexpr StatusSet readers = bit(v1::MEMBER_STATUS_ACTIVE) | bit(v1::MEMBER_STATUS_PAUSED);

// Statuses whose person knows the club. To the others, the club does not exist.
inline constexpr StatusSet insiders =
    readers | bit(v1::MEMBER_STATUS_INVITED) | bit(v1::MEMBER_STATUS_OPTED_IN) |
    bit(v1::MEMBER_STATUS_WAITLISTED) | bit(v1::MEMBER_STATUS_SUSPENDED);

// Statuses that hold a place against the club's capacity.
inline constexpr StatusSet placed = readers | bit(v1::MEMBER_STATUS_SUSPENDED);

// Statuses that only the committee and the person see.
inline constexpr StatusSet admission =
    bit(v1::MEMBER_STATUS_INVITED) | bit(v1::MEMBER_STATUS_OPTED_IN) |
    bit(v1::MEMBER_STATUS_WAITLISTED) | bit(v1::MEMBER_STATUS_REFUSED);

// Statuses of the committee's members who act: others hold an office, and rest.
constexpr bool is_officer(v1::ClubRole role, v1::MemberStatus status) {
  return status == v1::MEMBER_STATUS_ACTIVE && has(committee_and_above, role);
}

// Who asks, and as what in the scope of the request. Made by actor_in (state.h) or by hand for the
// operator's console (account 0, OWNER). Role and status are the real membership; what a site role
// adds is the table's business. The sanctions are not owned: the club's state outlives its actors.
struct Actor {
  std::uint64_t account_id = 0;
  v1::SiteRole site_role = v1::SITE_ROLE_UNSPECIFIED;  // UNSPECIFIED: nobody is authenticated
  v1::ClubRole role =
      v1::CLUB_ROLE_UNSPECIFIED;  // UNSPECIFIED: never was a member of the club in question
  v1::MemberStatus status = v1::MEMBER_STATUS_UNSPECIFIED;
  std::uint64_t charter_version = 0;  // that they accepted last
  std::uint64_t acts_for = 0;         // the officer on whose behalf they ask; 0 = nobody's alone
  std::uint64_t club_id = 0;
  std::span<const SanctionState> sanctions{};  // on this account, in this club
  std::int64_t now_ms = 0;                     // what their ends are judged by
  std::int64_t raid_until_ms = 0;  // a newcomer in raid mode: until when it holds them back
};

constexpr bool is_site_staff(v1::SiteRole role) {
  return role == v1::SITE_ROLE_STAFF || role == v1::SITE_ROLE_OWNER;
}

// The role by which someone reads a club, UNSPECIFIED when they do not: site staff read as
// SUPERVISOR.
constexpr v1::ClubRole reading_role(v1::SiteRole site_role, v1::ClubRole role,
                                    v1::MemberStatus status) {
  if (is_site_staff(site_role)) return v1::CLUB_ROLE_SUPERVISOR;
  return has(readers, status) ? role : v1::CLUB_ROLE_UNSPECIFIED;
}
constexpr v1::ClubRole reading_role(const Actor& actor) {
  return reading_role(actor.site_role, actor.role, actor.status);
}

// Nobody acts on a peer or a superior: an actor of a higher rank acts on a lower one. Site staff
// stand above every club role, owners above staff.
constexpr int rank(v1::ClubRole role) { return static_cast<int>(role); }
// Those of the committee who rank above a role: what is about somebody who has it is told to them.
constexpr RoleSet committee_above(v1::ClubRole role) {
  RoleSet roles = 0;
  for (const auto one :
       {v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_PRESIDENT, v1::CLUB_ROLE_SUPERVISOR}) {
    if (rank(one) > rank(role)) roles |= bit(one);
  }
  return roles;
}
constexpr int rank(const Actor& actor) {
  if (actor.site_role == v1::SITE_ROLE_OWNER) return 8;
  if (actor.site_role == v1::SITE_ROLE_STAFF) return 7;
  return actor.status == v1::MEMBER_STATUS_ACTIVE ? rank(actor.role) : 0;
}

}  // namespace amicale::domain
