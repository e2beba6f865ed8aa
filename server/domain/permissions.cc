// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/permissions.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace amicale::domain {
namespace {

constexpr RoleSet nobody = 0;
constexpr RoleSet managers = committee_and_above;
constexpr RoleSet supervisors = bit(v1::CLUB_ROLE_SUPERVISOR);
constexpr StatusSet never = 0;
constexpr StatusSet invited = bit(v1::MEMBER_STATUS_INVITED);
constexpr StatusSet on_the_way =
    invited | bit(v1::MEMBER_STATUS_OPTED_IN) | bit(v1::MEMBER_STATUS_WAITLISTED);
constexpr StatusSet may_go = on_the_way | bit(v1::MEMBER_STATUS_SUSPENDED);
constexpr v1::SiteRole by_membership = v1::SITE_ROLE_UNSPECIFIED;
constexpr v1::SiteRole anyone = v1::SITE_ROLE_NONE;
constexpr v1::SiteRole staff = v1::SITE_ROLE_STAFF;
constexpr v1::SiteRole owner = v1::SITE_ROLE_OWNER;

// clang-format off
constexpr std::array<Permission, action_count> table{{
  // action                         rule                         ground         active               paused     own         site role      direct hold
  {Action::read_club,               "may.read_club",             Ground::club,  all_roles,           all_roles, never,      by_membership, true,  Hold::free},
  {Action::list_members,            "may.list_members",          Ground::club,  all_roles,           all_roles, never,      by_membership, false, Hold::free},
  {Action::see_presence,            "may.see_presence",          Ground::club,  all_roles,           all_roles, never,      by_membership, false, Hold::free},
  {Action::change_club,             "may.change_club",           Ground::club,  president_and_above, nobody,    never,      by_membership, false, Hold::held},
  {Action::create_room,             "may.create_room",           Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::change_room,             "may.change_room",           Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::invite,                  "may.invite",                Ground::club,  not_guests,          nobody,    never,      by_membership, false, Hold::held},
  {Action::invite_directly,         "may.invite_directly",       Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::list_invitations,        "may.list_invitations",      Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::free},
  {Action::revoke_invitation,       "may.revoke_invitation",     Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::revoke_own_invitation,   "may.revoke_own_invitation", Ground::club,  not_guests,          not_guests, never,     by_membership, false, Hold::held},
  {Action::set_role,                "may.set_role",              Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::decide_admission,        "may.decide_admission",      Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::pause,                   "may.pause",                 Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::remove,                  "may.remove",                Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::ban,                     "may.ban",                   Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::reinstate,               "may.reinstate",             Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::accept_membership,       "may.accept_membership",     Ground::club,  nobody,              nobody,    invited,    by_membership, false, Hold::free},
  {Action::leave,                   "may.leave",                 Ground::club,  all_roles,           all_roles, may_go,     by_membership, false, Hold::free},
  {Action::add_member,              "may.add_member",            Ground::club,  nobody,              nobody,    never,      staff,         false, Hold::held},
  {Action::raise_capacity,          "may.raise_capacity",        Ground::club,  nobody,              nobody,    never,      staff,         false, Hold::held},
  {Action::warn,                    "may.warn",                  Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::mute,                    "may.mute",                  Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::suspend,                 "may.suspend",               Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::kick,                    "may.kick",                  Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::lift_sanction,           "may.lift_sanction",         Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::list_sanctions,          "may.list_sanctions",        Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::free},
  {Action::file_report,             "may.file_report",           Ground::club,  all_roles,           all_roles, never,      by_membership, false, Hold::free},
  {Action::handle_reports,          "may.handle_reports",        Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::handle_appeals,          "may.handle_appeals",        Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::read_charter,            "may.read_charter",          Ground::club,  all_roles,           all_roles, may_go,     by_membership, false, Hold::free},
  {Action::accept_charter,          "may.accept_charter",        Ground::club,  all_roles,           all_roles, may_go,     by_membership, false, Hold::free},
  {Action::change_charter,          "may.change_charter",        Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::act_on_behalf,           "may.act_on_behalf",         Ground::club,  supervisors,         nobody,    never,      by_membership, false, Hold::held},
  {Action::second_act,              "may.second_act",            Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::remove_messages,         "may.remove_messages",       Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::read_audit,              "may.read_audit",            Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::free},
  {Action::run_raid_mode,           "may.run_raid_mode",         Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::read_room,               "may.read_room",             Ground::room,  all_roles,           all_roles, never,      by_membership, true,  Hold::free},
  {Action::signal_typing,           "may.signal_typing",         Ground::floor, all_roles,           nobody,    never,      by_membership, true,  Hold::held},
  {Action::post_message,            "may.post_message",          Ground::floor, all_roles,           nobody,    never,      by_membership, true,  Hold::held},
  {Action::post_announcement,       "may.post_announcement",     Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::edit_own,                "may.edit_own",              Ground::floor, all_roles,           nobody,    never,      by_membership, true,  Hold::held},
  {Action::delete_own,              "may.delete_own",            Ground::room,  all_roles,           all_roles, never,      by_membership, true,  Hold::held},
  {Action::delete_any,              "may.delete_any",            Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::restore_message,         "may.restore_message",       Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::lock_message,            "may.lock_message",          Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::react,                   "may.react",                 Ground::room,  all_roles,           nobody,    never,      by_membership, true,  Hold::held},
  {Action::pin,                     "may.pin",                   Ground::room,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::mention_committee,       "may.mention_committee",     Ground::floor, all_roles,           nobody,    never,      by_membership, false, Hold::held},
  {Action::mention_all,             "may.mention_all",           Ground::floor, managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::import_messages,         "may.import_messages",       Ground::room,  nobody,              nobody,    never,      staff,         false, Hold::held},
  {Action::review_held,             "may.review_held",           Ground::club,  managers,            nobody,    never,      by_membership, false, Hold::held},
  {Action::read_site,               "may.read_site",             Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::list_all_clubs,          "may.list_all_clubs",        Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::create_club,             "may.create_club",           Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::invite_to_site,          "may.invite_to_site",        Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::set_site_role,           "may.set_site_role",         Ground::site,  nobody,              nobody,    never,      owner,         false, Hold::free},
  {Action::find_account,            "may.find_account",          Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::revoke_any_token,        "may.revoke_any_token",      Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::create_backup,           "may.create_backup",         Ground::site,  nobody,              nobody,    never,      owner,         false, Hold::free},
  {Action::see_stats,               "may.see_stats",             Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::ban_account,             "may.ban_account",           Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::see_overdue_reports,     "may.see_overdue_reports",   Ground::site,  nobody,              nobody,    never,      staff,         false, Hold::free},
  {Action::manage_own_account,      "may.manage_own_account",    Ground::self,  nobody,              nobody,    never,      anyone,        false, Hold::free},
  {Action::read_own_audit,          "may.read_own_audit",        Ground::self,  nobody,              nobody,    never,      anyone,        false, Hold::free},
  {Action::open_direct,             "may.open_direct",           Ground::self,  nobody,              nobody,    never,      anyone,        false, Hold::free},
}};
// clang-format on

// Complete by construction: every action has its row, in its place, with an id and its place under sanctions.
constexpr bool is_complete() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].action) != i || table[i].rule_id.empty() ||
        table[i].hold == Hold::unset) {
      return false;
    }
  }
  return true;
}
static_assert(is_complete());

constexpr const Permission& row_of(Action action) { return table[std::to_underlying(action)]; }

constexpr bool is_in_club(Ground ground) {
  return ground == Ground::club || ground == Ground::room || ground == Ground::floor;
}

bool allowed(const Permission& row, const Actor& actor) {
  if (actor.site_role == v1::SITE_ROLE_OWNER) return true;
  if (row.least_site_role != by_membership && actor.site_role >= row.least_site_role) return true;
  if (!is_in_club(row.ground) || actor.site_role == v1::SITE_ROLE_UNSPECIFIED) return false;
  if (is_site_staff(actor.site_role) && has(row.active, v1::CLUB_ROLE_SUPERVISOR)) return true;
  switch (actor.status) {
    case v1::MEMBER_STATUS_ACTIVE: return has(row.active, actor.role);
    case v1::MEMBER_STATUS_PAUSED: return has(row.paused, actor.role);
    default: return has(row.own, actor.status);
  }
}

// A suspension holds back more than a mute does, and of two of a kind the one that ends last is the answer to "until when".
std::pair<v1::SanctionKind, std::int64_t> weight(const Held& by) {
  constexpr std::int64_t for_ever = std::numeric_limits<std::int64_t>::max();
  return {by.kind, by.until_ms == 0 ? for_ever : by.until_ms};
}

// Who is suspended meets that before anything else. Where only rows are at hand, the sanction itself is looked up
// by who answers.
Result<void> refuse_suspended(const Actor& actor) {
  for (const SanctionState& sanction : actor.sanctions) {
    if (sanction.held.kind == v1::SANCTION_KIND_SUSPENSION) {
      return refuse_held(sanction.held, actor.now_ms);
    }
  }
  return refuse_held({.club_id = actor.club_id, .kind = v1::SANCTION_KIND_SUSPENSION},
                     actor.now_ms);
}

// A refusal inside a club, in an order that tells nothing of what the caller can't see.
Result<void> may_in_club(const Actor& actor, const Permission& row, const Scope& scope) {
  const bool site_staff = is_site_staff(actor.site_role);
  if (!site_staff && !has(insiders, actor.status)) return not_found();

  const bool may_now = allowed(row, actor);
  if (!may_now && !site_staff && actor.status == v1::MEMBER_STATUS_SUSPENDED) {
    return refuse_suspended(actor);
  }
  if (!may_now && !site_staff && !has(readers, actor.status)) {
    return refuse(v1::REFUSAL_CODE_NOT_ACTIVE, row.rule_id);
  }
  if (row.ground != Ground::club &&
      (scope.room == nullptr || !has(scope.room->readers(), reading_role(actor)))) {
    return not_found();
  }
  if (!may_now) {
    const bool later =
        actor.status == v1::MEMBER_STATUS_PAUSED && has(row.active, actor.role) && !site_staff;
    return refuse(later ? v1::REFUSAL_CODE_NOT_ACTIVE : v1::REFUSAL_CODE_FORBIDDEN, row.rule_id);
  }
  if (row.ground == Ground::floor && scope.room->access == v1::ROOM_ACCESS_ANNOUNCEMENT &&
      !allowed(row_of(Action::post_announcement), actor)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, row_of(Action::post_announcement).rule_id);
  }
  if (row.hold == Hold::held) {
    const bool in_room = row.ground != Ground::club;
    if (const SanctionState* hold = find_hold(actor, in_room ? scope.room->room_id : 0)) {
      return refuse_held(hold->held, actor.now_ms);
    }
    if (is_held_by_raid(actor)) return refuse_raid(actor.raid_until_ms, actor.now_ms);
  }
  if (scope.target && rank(actor) <= rank(*scope.target)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.rank");
  }
  return {};
}

}  // namespace

const std::array<Permission, action_count> permissions = table;

const SanctionState* find_hold(const Actor& actor, std::uint64_t room_id) {
  if (actor.site_role == v1::SITE_ROLE_OWNER) return nullptr;
  const SanctionState* heaviest = nullptr;
  for (const SanctionState& sanction : actor.sanctions) {
    const std::uint64_t where = sanction.held.room_id;
    const bool here = where == 0 || room_id == any_room || where == room_id;
    if (!here || !sanction.held.stands_at(actor.now_ms)) continue;
    if (heaviest == nullptr || weight(sanction.held) > weight(heaviest->held)) heaviest = &sanction;
  }
  return heaviest;
}

std::unexpected<Refusal> refuse_held(const Held& held, std::int64_t now_ms) {
  Refusal refusal{.code = v1::REFUSAL_CODE_SANCTIONED, .rule_id = "sanction.ban"};
  if (held.kind == v1::SANCTION_KIND_MUTE) {
    refusal.rule_id = held.room_id == 0 ? "sanction.mute" : "sanction.mute_in_room";
  } else if (held.kind == v1::SANCTION_KIND_SUSPENSION) {
    refusal.rule_id = "sanction.suspension";
  }
  refusal.held = held;
  if (held.until_ms > now_ms) {
    refusal.retry_after_ms = static_cast<std::uint64_t>(held.until_ms - now_ms);
  }
  return std::unexpected(std::move(refusal));
}

std::unexpected<Refusal> refuse_raid(std::int64_t until_ms, std::int64_t now_ms,
                                     std::string_view rule_id) {
  Refusal refusal{.code = v1::REFUSAL_CODE_RAID_MODE, .rule_id = std::string(rule_id)};
  refusal.retry_after_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, until_ms - now_ms));
  refusal.until_ms = until_ms;
  return std::unexpected(std::move(refusal));
}

bool allowed(Action action, const Actor& actor) { return allowed(row_of(action), actor); }

Result<void> may(const Actor& actor, Action action, const Scope& scope) {
  const Permission& row = row_of(action);
  if (actor.site_role == v1::SITE_ROLE_UNSPECIFIED) {
    return refuse(v1::REFUSAL_CODE_UNAUTHENTICATED);
  }
  if (is_in_club(row.ground)) return may_in_club(actor, row, scope);
  if (!allowed(row, actor)) return refuse(v1::REFUSAL_CODE_FORBIDDEN, row.rule_id);
  return {};
}

Result<void> may_in_direct(const DirectState& direct, std::uint64_t account_id, Action action) {
  if (!direct.is_side(account_id)) return not_found();
  if (direct.status() == v1::DIRECT_STATUS_UNSPECIFIED) return not_found();
  if (!row_of(action).in_direct) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, row_of(action).rule_id);
  }
  return {};
}

}  // namespace amicale::domain
