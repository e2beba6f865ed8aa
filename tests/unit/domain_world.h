// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club with one active member of each role, built by the rules themselves: what they decide is folded into the state.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>

#include "server/domain/club.h"
#include "server/domain/membership.h"
#include "server/domain/message.h"
#include "server/domain/permissions.h"
#include "server/domain/site.h"
#include "server/domain/state.h"

namespace amicale::domain_test {

inline constexpr std::int64_t now_ms = 1'700'000'000'000;
inline constexpr std::uint64_t outsider = 99;

// The code of a refusal; UNSPECIFIED when the rule agreed.
template <typename T>
v1::RefusalCode code_of(const domain::Result<T>& result) {
  return result ? v1::REFUSAL_CODE_UNSPECIFIED : result.error().code;
}
template <typename T>
std::string rule_of(const domain::Result<T>& result) {
  return result ? "" : result.error().rule_id;
}

template <typename State>
void fold(State& state, const domain::Decision& decision) {
  for (const domain::Decided& decided : decision.events) state.apply(decided.event);
}

// Member rows and messages, as storage would derive them.
struct World {
  domain::ClubState club{7};
  std::map<std::uint64_t, v1::Member> rows;

  World() {
    v1::CreateClub request;
    request.set_slug("marketing");
    request.set_name("Marketing");
    request.set_kind(v1::CLUB_KIND_PROFESSIONAL);
    take(domain::create_club(club, request, domain::console, now_ms));
    for (int role = v1::CLUB_ROLE_GUEST; role <= v1::CLUB_ROLE_SUPERVISOR; ++role) {
      join(static_cast<std::uint64_t>(role), static_cast<v1::ClubRole>(role));
    }
  }

  // Folds what a rule decided, which must be an agreement.
  domain::Decision take(domain::Result<domain::Decision> result) {
    if (!result) FAIL(result.error().rule_id, " ", static_cast<int>(result.error().code));
    for (const domain::Decided& decided : result->events) {
      if (decided.event.has_member_changed()) {
        const v1::Member& member = decided.event.member_changed().member();
        rows[member.account_id()] = member;
      }
    }
    fold(club, *result);
    return *std::move(result);
  }

  void join(std::uint64_t account_id, v1::ClubRole role) {
    v1::AddMember request;
    request.set_login("someone");
    request.set_role(role);
    const std::string name = "Member " + std::to_string(account_id);
    take(domain::add_member(club,
                            {.account_id = account_id,
                             .display_name = name,
                             .member = row(account_id),
                             .activation_hash = {}},
                            request, domain::console, now_ms));
  }

  const v1::Member* row(std::uint64_t account_id) const {
    const auto at = rows.find(account_id);
    return at == rows.end() ? nullptr : &at->second;
  }

  domain::Actor actor(std::uint64_t account_id, v1::SiteRole site_role = v1::SITE_ROLE_NONE) const {
    return domain::actor_in(club, account_id, site_role, now_ms);
  }

  // Members are named after their role: account 2 is a MEMBER.
  domain::Actor as(v1::ClubRole role) const { return actor(static_cast<std::uint64_t>(role)); }

  // As two of the committee do it, unless asked for otherwise.
  domain::Result<domain::Decision> set_status(
      std::uint64_t account_id, v1::MemberStatus status, const domain::Actor& who,
      std::string reason = {}, domain::Consent consent = domain::Consent::two) const {
    v1::SetMemberStatus request;
    request.set_account_id(account_id);
    request.set_status(status);
    request.set_reason(reason);
    return domain::set_member_status(club, row(account_id), request, who, now_ms + 1, consent);
  }

  domain::Result<domain::Decision> set_role(std::uint64_t account_id, v1::ClubRole role,
                                            const domain::Actor& who,
                                            std::string reason = {}) const {
    v1::SetRole request;
    request.set_account_id(account_id);
    request.set_role(role);
    request.set_reason(reason);
    return domain::set_role(club, {.target = row(account_id), .president = row(club.president())},
                            request, who);
  }

  // Puts a membership somewhere without asking any rule.
  void put(std::uint64_t account_id, v1::ClubRole role, v1::MemberStatus status) {
    v1::Event event;
    v1::Member& member = *event.mutable_member_changed()->mutable_member();
    member.set_account_id(account_id);
    member.set_display_name("Member " + std::to_string(account_id));
    member.set_role(role);
    member.set_status(status);
    rows[account_id] = member;
    club.apply(event);
  }

  const domain::RoomState& room(v1::RoomAccess access) const {
    for (const domain::RoomState& room : club.rooms()) {
      if (room.access == access) return room;
    }
    FAIL("no such room");
    return club.rooms().front();
  }
};

}  // namespace amicale::domain_test
