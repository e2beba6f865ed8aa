// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/names.h"

#include <algorithm>

#include "server/domain/antispam/names.h"

namespace amicale::commands {
namespace {

using log::Deciding;

// Suspended or at rest, they are still known by their office.
bool holds_office(v1::ClubRole role, v1::MemberStatus status) {
  return domain::has(domain::committee_and_above, role) && domain::has(domain::placed, status);
}

bool is_taken(const domain::antispam::Shield& shield, uint64_t club, std::string_view name,
              std::span<const std::string> officers) {
  const auto& folding = shield.filter().folding();
  return domain::antispam::claims_office(folding, name) ||
         domain::antispam::looks_like_any(folding, name, shield.rules_of(club).protected_names()) ||
         domain::antispam::looks_like_any(folding, name, officers);
}

// In the club being decided, but for `account` itself.
bool is_taken_here(const Deciding& now, const domain::antispam::Shield& shield, uint64_t account,
                   std::string_view name) {
  const auto& club = now.club();
  std::vector<std::string> officers;
  for (const auto& other : club.members()) {
    if (!holds_office(other.role, other.status) || other.account_id == account) continue;
    if (auto officer = now.facts.member(club.id(), other.account_id))
      officers.push_back(std::move(*officer->mutable_display_name()));
  }
  return is_taken(shield, club.id(), name, officers);
}

domain::Result<void> refuse_name() {
  return domain::refuse(v1::REFUSAL_CODE_FORBIDDEN, "profile.name_taken");
}

}  // namespace

bool apes_officer(const Deciding& now, const domain::antispam::Shield& shield,
                  const domain::Actor& actor) {
  if (domain::has(domain::committee_and_above, actor.role)) return false;
  if (const auto known = now.memory->apes_officer(actor.account_id)) return *known;
  const auto member = now.facts.member(now.club().id(), actor.account_id);
  const bool apes = member && is_taken_here(now, shield, actor.account_id, member->display_name());
  now.memory->note_name(actor.account_id, apes);
  return apes;
}

domain::Result<void> check_entering_name(const Deciding& now,
                                         const domain::antispam::Shield* shield, v1::ClubRole role,
                                         uint64_t account, std::string_view name) {
  if (shield == nullptr || domain::has(domain::committee_and_above, role)) return {};
  if (is_taken_here(now, *shield, account, name)) return refuse_name();
  return {};
}

domain::Result<void> check_new_name(const storage::View& view,
                                    const domain::antispam::Shield* shield, uint64_t account,
                                    std::string_view name) {
  if (shield == nullptr) return {};
  for (const auto& membership : view.memberships_of(account)) {
    const auto& own = membership.member;
    if (own.display_name() == name) continue;
    std::vector<std::string> officers;
    for (auto& member : view.members_of(membership.club_id)) {
      if (member.account_id() != account && holds_office(member.role(), member.status()))
        officers.push_back(std::move(*member.mutable_display_name()));
    }
    // An officer may call themselves by an office, and by nobody else's name.
    const bool taken =
        holds_office(own.role(), own.status())
            ? domain::antispam::looks_like_any(shield->filter().folding(), name, officers)
            : is_taken(*shield, membership.club_id, name, officers);
    if (taken) return refuse_name();
  }
  return {};
}

}  // namespace amicale::commands
