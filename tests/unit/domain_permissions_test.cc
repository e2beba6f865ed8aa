// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The permission table, both ways: the full matrix of action x club role x status x site role against an expectation written
// apart from it, as sentences about people rather than as rows.
#include <set>
#include <string>

#include "domain_world.h"
#include "server/domain/permissions.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;
using enum Action;

const std::set<Action> staff_only = {add_member,     raise_capacity, import_messages,
                                     read_site,      list_all_clubs, create_club,
                                     invite_to_site, find_account,   revoke_any_token,
                                     see_stats,      ban_account,    see_overdue_reports};
const std::set<Action> owner_only = {set_site_role, create_backup};
const std::set<Action> everyone_with_an_account = {manage_own_account, open_direct, read_own_audit};
const std::set<Action> readers_do = {read_club,   list_members, see_presence,
                                     read_room,   delete_own,   leave,
                                     file_report, read_charter, accept_charter};
const std::set<Action> active_members_do = {signal_typing, post_message, edit_own, react,
                                            mention_committee};
const std::set<Action> not_for_guests = {invite, revoke_own_invitation};
const std::set<Action> committee_does = {create_room,
                                         change_room,
                                         invite_directly,
                                         list_invitations,
                                         revoke_invitation,
                                         set_role,
                                         decide_admission,
                                         pause,
                                         Action::remove,
                                         ban,
                                         reinstate,
                                         post_announcement,
                                         delete_any,
                                         pin,
                                         mention_all,
                                         warn,
                                         mute,
                                         suspend,
                                         kick,
                                         lift_sanction,
                                         list_sanctions,
                                         restore_message,
                                         lock_message,
                                         remove_messages,
                                         run_raid_mode,
                                         handle_reports,
                                         review_held,
                                         handle_appeals,
                                         second_act,
                                         read_audit,
                                         change_charter};
const std::set<Action> president_does = {change_club};
const std::set<Action> supervisor_does = {act_on_behalf};

bool expected(Action action, v1::ClubRole role, v1::MemberStatus status, v1::SiteRole site) {
  if (site == v1::SITE_ROLE_UNSPECIFIED) return false;
  if (site == v1::SITE_ROLE_OWNER) return true;
  if (owner_only.contains(action)) return false;
  if (everyone_with_an_account.contains(action)) return true;
  if (staff_only.contains(action)) return site == v1::SITE_ROLE_STAFF;
  if (action == accept_membership) return status == v1::MEMBER_STATUS_INVITED;
  if (site == v1::SITE_ROLE_STAFF) return true;
  if ((action == leave || action == read_charter || action == accept_charter) &&
      (status == v1::MEMBER_STATUS_INVITED || status == v1::MEMBER_STATUS_OPTED_IN ||
       status == v1::MEMBER_STATUS_WAITLISTED || status == v1::MEMBER_STATUS_SUSPENDED)) {
    return true;
  }
  const bool active = status == v1::MEMBER_STATUS_ACTIVE;
  const bool reading = active || status == v1::MEMBER_STATUS_PAUSED;
  if (!reading || role == v1::CLUB_ROLE_UNSPECIFIED) return false;
  if (readers_do.contains(action)) return true;
  if (action == revoke_own_invitation) return role != v1::CLUB_ROLE_GUEST;
  if (!active) return false;
  if (active_members_do.contains(action)) return true;
  if (not_for_guests.contains(action)) return role != v1::CLUB_ROLE_GUEST;
  if (committee_does.contains(action)) return role >= v1::CLUB_ROLE_COMMITTEE;
  if (president_does.contains(action)) return role >= v1::CLUB_ROLE_PRESIDENT;
  if (supervisor_does.contains(action)) return role == v1::CLUB_ROLE_SUPERVISOR;
  return false;
}

TEST_CASE("every action has a row, an id of its own, and a sentence in the expectation") {
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < action_count; ++i) {
    const auto action = static_cast<Action>(i);
    CHECK(permissions[i].action == action);
    CHECK(permissions[i].rule_id.starts_with("may."));
    CHECK(ids.insert(permissions[i].rule_id).second);
    int groups = action == accept_membership ? 1 : 0;
    for (const auto* group :
         {&staff_only, &owner_only, &everyone_with_an_account, &readers_do, &active_members_do,
          &not_for_guests, &committee_does, &president_does, &supervisor_does}) {
      groups += static_cast<int>(group->contains(action));
    }
    CHECK_MESSAGE(groups == 1, permissions[i].rule_id);
  }
}

TEST_CASE("the table allows and refuses exactly what the sentences say, over the whole matrix") {
  int allowed_cells = 0;
  int refused_cells = 0;
  for (std::size_t i = 0; i < action_count; ++i) {
    const auto action = static_cast<Action>(i);
    for (int role = v1::ClubRole_MIN; role <= v1::ClubRole_MAX; ++role) {
      for (int status = v1::MemberStatus_MIN; status <= v1::MemberStatus_MAX; ++status) {
        for (int site = v1::SiteRole_MIN; site <= v1::SiteRole_MAX; ++site) {
          const Actor actor{.account_id = 1,
                            .site_role = static_cast<v1::SiteRole>(site),
                            .role = static_cast<v1::ClubRole>(role),
                            .status = static_cast<v1::MemberStatus>(status)};
          const bool want = expected(action, actor.role, actor.status, actor.site_role);
          if (allowed(action, actor) != want) {
            FAIL_CHECK(permissions[i].rule_id, " role ", role, " status ", status, " site ", site);
          }
          ++(want ? allowed_cells : refused_cells);
        }
      }
    }
  }
  CHECK(allowed_cells > 1'000);
  CHECK(refused_cells > 1'000);
}

TEST_CASE(
    "may() agrees with the table where rooms and ranks are no matter, and says no in the right "
    "way") {
  RoomState open_room{.room_id = 1, .name = "hall", .topic = {}};
  for (std::size_t i = 0; i < action_count; ++i) {
    const auto action = static_cast<Action>(i);
    const bool in_club =
        permissions[i].ground != Ground::site && permissions[i].ground != Ground::self;
    for (int role = v1::CLUB_ROLE_GUEST; role <= v1::ClubRole_MAX; ++role) {
      for (int status = v1::MemberStatus_MIN; status <= v1::MemberStatus_MAX; ++status) {
        for (int site = v1::SITE_ROLE_NONE; site <= v1::SiteRole_MAX; ++site) {
          const Actor actor{.account_id = 1,
                            .site_role = static_cast<v1::SiteRole>(site),
                            .role = static_cast<v1::ClubRole>(role),
                            .status = static_cast<v1::MemberStatus>(status)};
          const auto verdict = may(actor, action, {.room = &open_room});
          const bool want = expected(action, actor.role, actor.status, actor.site_role);
          CHECK(verdict.has_value() == want);
          if (want) continue;
          const bool staff = site != v1::SITE_ROLE_NONE;
          v1::RefusalCode code = v1::REFUSAL_CODE_FORBIDDEN;
          if (in_club && !staff) {
            switch (actor.status) {
              case v1::MEMBER_STATUS_ACTIVE: break;
              case v1::MEMBER_STATUS_PAUSED:
                if (expected(action, actor.role, v1::MEMBER_STATUS_ACTIVE, actor.site_role)) {
                  code = v1::REFUSAL_CODE_NOT_ACTIVE;
                }
                break;
              case v1::MEMBER_STATUS_SUSPENDED: code = v1::REFUSAL_CODE_SANCTIONED; break;
              case v1::MEMBER_STATUS_INVITED:
              case v1::MEMBER_STATUS_OPTED_IN:
              case v1::MEMBER_STATUS_WAITLISTED: code = v1::REFUSAL_CODE_NOT_ACTIVE; break;
              default: code = v1::REFUSAL_CODE_NOT_FOUND;
            }
          }
          if (verdict.error().code != code) {
            FAIL_CHECK(permissions[i].rule_id, " role ", role, " status ", status, " site ", site,
                       " code ", static_cast<int>(verdict.error().code));
          }
        }
      }
    }
  }
}

TEST_CASE("nobody does anything unauthenticated") {
  for (std::size_t i = 0; i < action_count; ++i) {
    CHECK(code_of(may(Actor{}, static_cast<Action>(i))) == v1::REFUSAL_CODE_UNAUTHENTICATED);
  }
}

TEST_CASE("a room that the caller can't read and one that does not exist are refused alike") {
  World world;
  const RoomState& committee_room = world.room(v1::ROOM_ACCESS_ROLES);
  for (const Action action : {read_room, post_message, react, change_room, delete_any, pin}) {
    for (const auto role : {v1::CLUB_ROLE_GUEST, v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_SPONSOR}) {
      const auto closed = may(world.as(role), action, {.room = &committee_room});
      const auto absent = may(world.as(role), action, {});
      REQUIRE(!closed);
      REQUIRE(!absent);
      CHECK(closed.error() == absent.error());
      CHECK(closed.error() == not_found().error());
    }
  }
  CHECK(may(world.as(v1::CLUB_ROLE_COMMITTEE), read_room, {.room = &committee_room}).has_value());
  CHECK(may(world.as(v1::CLUB_ROLE_SUPERVISOR), read_room, {.room = &committee_room}).has_value());
}

TEST_CASE("a room of named roles is for these roles, and the supervisor") {
  World world;
  RoomState room{.room_id = 9,
                 .name = "sponsors",
                 .topic = {},
                 .access = v1::ROOM_ACCESS_ROLES,
                 .roles = bit(v1::CLUB_ROLE_SPONSOR)};
  CHECK(may(world.as(v1::CLUB_ROLE_SPONSOR), post_message, {.room = &room}).has_value());
  CHECK(may(world.as(v1::CLUB_ROLE_SUPERVISOR), post_message, {.room = &room}).has_value());
  CHECK(code_of(may(world.as(v1::CLUB_ROLE_PRESIDENT), post_message, {.room = &room})) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(may(world.actor(outsider, v1::SITE_ROLE_STAFF), post_message, {.room = &room}).has_value());
}

TEST_CASE("in an announcement room everybody reads and reacts, the committee and above post") {
  World world;
  const RoomState& news = world.room(v1::ROOM_ACCESS_ANNOUNCEMENT);
  for (int role = v1::CLUB_ROLE_GUEST; role <= v1::CLUB_ROLE_SUPERVISOR; ++role) {
    const Actor who = world.as(static_cast<v1::ClubRole>(role));
    CHECK(may(who, read_room, {.room = &news}).has_value());
    CHECK(may(who, Action::react, {.room = &news}).has_value());
    for (const Action action : {post_message, edit_own, signal_typing}) {
      const auto verdict = may(who, action, {.room = &news});
      CHECK(verdict.has_value() == (role >= v1::CLUB_ROLE_COMMITTEE));
      if (!verdict) CHECK(verdict.error().rule_id == "may.post_announcement");
    }
  }
}

TEST_CASE(
    "nobody acts on a peer or a superior; site staff stand above the club, owners above staff") {
  World world;
  for (int actor = v1::CLUB_ROLE_COMMITTEE; actor <= v1::CLUB_ROLE_SUPERVISOR; ++actor) {
    for (int target = v1::CLUB_ROLE_GUEST; target <= v1::CLUB_ROLE_SUPERVISOR; ++target) {
      const auto verdict = may(world.as(static_cast<v1::ClubRole>(actor)), Action::ban,
                               {.target = static_cast<v1::ClubRole>(target)});
      CHECK(verdict.has_value() == (actor > target));
      if (!verdict) CHECK(verdict.error().rule_id == "may.rank");
    }
  }
  CHECK(may(world.actor(outsider, v1::SITE_ROLE_STAFF), Action::ban,
            {.target = v1::CLUB_ROLE_SUPERVISOR})
            .has_value());
  CHECK(rank(console) > rank(world.actor(outsider, v1::SITE_ROLE_STAFF)));
}

// What a mute leaves open, said apart from the table: everything else that changes something is refused.
const std::set<Action> open_to_the_muted = {
    read_club,     list_members,        see_presence,  list_invitations, accept_membership,
    leave,         list_sanctions,      read_room,     read_site,        list_all_clubs,
    create_club,   invite_to_site,      set_site_role, find_account,     revoke_any_token,
    create_backup, see_stats,           ban_account,   open_direct,      manage_own_account,
    file_report,   see_overdue_reports, read_audit,    read_own_audit,   read_charter,
    accept_charter};

TEST_CASE(
    "a mute holds back every action that is not said to stay open, for every role below the "
    "owner") {
  RoomState hall{.room_id = 1, .name = "hall", .topic = {}};
  RoomState other{.room_id = 2, .name = "other", .topic = {}};
  constexpr std::int64_t until = now_ms + 5'000;
  for (const std::uint64_t muted_room : {0, 1}) {
    const SanctionState mute{.account_id = 1,
                             .held = {.sanction_id = 7,
                                      .club_id = 3,
                                      .room_id = muted_room,
                                      .until_ms = until,
                                      .kind = v1::SANCTION_KIND_MUTE}};
    for (std::size_t i = 0; i < action_count; ++i) {
      const auto action = static_cast<Action>(i);
      const bool in_room =
          permissions[i].ground == Ground::room || permissions[i].ground == Ground::floor;
      for (int role = v1::CLUB_ROLE_GUEST; role <= v1::ClubRole_MAX; ++role) {
        for (const auto site : {v1::SITE_ROLE_NONE, v1::SITE_ROLE_STAFF, v1::SITE_ROLE_OWNER}) {
          Actor actor{.account_id = 1,
                      .site_role = site,
                      .role = static_cast<v1::ClubRole>(role),
                      .status = v1::MEMBER_STATUS_ACTIVE};
          const bool could = may(actor, action, {.room = &hall}).has_value();
          actor.sanctions = {&mute, 1};
          actor.now_ms = now_ms;
          const bool reaches = muted_room == 0 || in_room;
          const bool held = could && reaches && site != v1::SITE_ROLE_OWNER &&
                            !open_to_the_muted.contains(action);
          const auto verdict = may(actor, action, {.room = &hall});
          CHECK_MESSAGE(verdict.has_value() == (could && !held), permissions[i].rule_id);
          if (held) {
            CHECK(verdict.error().code == v1::REFUSAL_CODE_SANCTIONED);
            CHECK(verdict.error().held == mute.held);
            CHECK(verdict.error().retry_after_ms == 5'000);
          }
          // In another room a mute of one room says nothing, and after its end none does.
          if (muted_room != 0) CHECK(may(actor, action, {.room = &other}).has_value() == could);
          actor.now_ms = until;
          CHECK(may(actor, action, {.room = &hall}).has_value() == could);
        }
      }
    }
  }
}

TEST_CASE("a sponsor moderates nothing") {
  World world;
  for (const Action action : committee_does) {
    RoomState hall{.room_id = 1, .name = "hall", .topic = {}};
    CHECK(code_of(may(world.as(v1::CLUB_ROLE_SPONSOR), action, {.room = &hall})) ==
          v1::REFUSAL_CODE_FORBIDDEN);
  }
}

TEST_CASE("a club that was never created exists for nobody, not even for the site's owner") {
  const ClubState nothing(404);
  for (const auto site : {v1::SITE_ROLE_NONE, v1::SITE_ROLE_STAFF, v1::SITE_ROLE_OWNER}) {
    CHECK(code_of(may(actor_in(nothing, 1, site, now_ms), create_room)) ==
          v1::REFUSAL_CODE_NOT_FOUND);
  }
}

TEST_CASE("a direct conversation is for its two sides, whoever else runs the site") {
  DirectState direct(direct_id(3, 5));
  CHECK(code_of(may_in_direct(direct, 3, read_room)) == v1::REFUSAL_CODE_NOT_FOUND);
  v1::Event opened;
  opened.mutable_direct_changed()->set_status(v1::DIRECT_STATUS_OPEN);
  direct.apply(opened);
  for (const Action action :
       {read_club, read_room, signal_typing, post_message, edit_own, delete_own, Action::react}) {
    CHECK(may_in_direct(direct, 3, action).has_value());
    CHECK(may_in_direct(direct, 5, action).has_value());
    CHECK(code_of(may_in_direct(direct, 4, action)) == v1::REFUSAL_CODE_NOT_FOUND);
    CHECK(code_of(may_in_direct(direct, 0, action)) == v1::REFUSAL_CODE_NOT_FOUND);
  }
  for (const Action action : {delete_any, pin, mention_all, mention_committee, import_messages}) {
    CHECK(code_of(may_in_direct(direct, 3, action)) == v1::REFUSAL_CODE_FORBIDDEN);
  }
}

}  // namespace
}  // namespace amicale::domain_test
