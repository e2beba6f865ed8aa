// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Who may do what: one table, asked by one function. Later work adds rows, not ifs.
//
// A row says, for one action: in which club roles an active member may; in which a paused one still
// may; in which statuses anybody may for themselves; and from which site role on it needs no
// membership. Whatever no row allows is refused. Site staff act in every club as its SUPERVISOR;
// site owners may everything. What the caller can't see is NOT_FOUND; what they see and may not do
// is FORBIDDEN; what they may do once their membership is active again is NOT_ACTIVE.
//
// A row also says whether a sanction holds the action back. One that is not classified does not compile,
// so that whatever is added is refused to who is muted unless somebody decides otherwise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "server/domain/refusal.h"
#include "server/domain/roles.h"
#include "server/domain/state.h"

namespace amicale::domain {

enum class Action : std::uint8_t {
  // In a club
  read_club,  // its snapshot and stream
  list_members,
  see_presence,
  change_club,
  create_room,
  change_room,
  invite,
  invite_directly,  // an invitation that needs no decision
  list_invitations,
  revoke_invitation,
  revoke_own_invitation,
  set_role,
  decide_admission,
  pause,
  remove,
  ban,
  reinstate,
  accept_membership,  // opt in to being INVITED
  leave,
  add_member,
  raise_capacity,  // above limits::club_capacity
  warn,
  mute,
  suspend,
  kick,
  lift_sanction,
  list_sanctions,
  file_report,
  handle_reports,
  handle_appeals,
  read_charter,
  accept_charter,
  change_charter,
  act_on_behalf,    // of the committee or one of its officers
  second_act,       // confirm or decline what another proposed
  remove_messages,  // many at once, and bring them back
  read_audit,       // every record of the provable log
  run_raid_mode,
  // In a room, or a direct conversation
  read_room,
  signal_typing,
  post_message,
  post_announcement,
  edit_own,
  delete_own,
  delete_any,
  restore_message,
  lock_message,
  react,
  pin,
  mention_committee,
  mention_all,
  import_messages,
  review_held,
  // On the site
  read_site,
  list_all_clubs,
  create_club,
  invite_to_site,
  set_site_role,
  find_account,
  revoke_any_token,
  create_backup,
  see_stats,
  ban_account,
  see_overdue_reports,
  // For oneself
  manage_own_account,  // profile, password, devices, read marks, levels
  read_own_audit,      // the records that are about oneself, and proofs of them
  open_direct,         // ask, answer, block
};
inline constexpr std::size_t action_count = static_cast<std::size_t>(Action::open_direct) + 1;

// Where an action happens, and so what must be visible first.
enum class Ground : std::uint8_t {
  club,
  room,   // a room that the caller reads
  floor,  // a room that the caller posts in
  site,
  self,
};

// What a sanction does to an action.
enum class Hold : std::uint8_t {
  unset,  // nobody has decided: does not compile
  held,   // whoever is muted or suspended may not
  free,   // changes nothing that others see, or must stay open: reading, leaving, one's own account
};

// One row of the table.
struct Permission {
  Action action{};
  std::string_view rule_id;
  Ground ground = Ground::site;
  RoleSet active = 0;  // club roles of active members
  RoleSet paused = 0;  // club roles of paused members
  StatusSet own = 0;   // other statuses in which the person may
  v1::SiteRole least_site_role =
      v1::SITE_ROLE_UNSPECIFIED;  // UNSPECIFIED: by no site role of itself
  bool in_direct = false;         // either side of a direct conversation
  Hold hold = Hold::unset;
};

extern const std::array<Permission, action_count> permissions;

// Every room of a club at once: for what is seen in all of them, such as a name.
constexpr std::uint64_t any_room = std::numeric_limits<std::uint64_t>::max();

// The heaviest sanction that holds the actor back in that room (0: in the club at large; any_room: in any), or none. O(1)
// for who has none.
const SanctionState* find_hold(const Actor& actor, std::uint64_t room_id);

// SANCTIONED, by that sanction, as of `now_ms`.
std::unexpected<Refusal> refuse_held(const Held& held, std::int64_t now_ms);

// RAID_MODE, which ends at `until_ms`; `rule_id` says what it holds back.
std::unexpected<Refusal> refuse_raid(std::int64_t until_ms, std::int64_t now_ms,
                                     std::string_view rule_id = "raid.newcomer");

// Whether raid mode holds the actor back, who has just come to the club. Never site staff.
inline bool is_held_by_raid(const Actor& actor) {
  return actor.raid_until_ms > actor.now_ms && !is_site_staff(actor.site_role);
}

// The table alone, for each action x club role x status x site role: no rooms and no ranks.
bool allowed(Action action, const Actor& actor);

// What an action concerns.
struct Scope {
  const RoomState* room = nullptr;  // null with a ground of room or floor: there is no such room
  std::optional<v1::ClubRole> target{};  // the role of whom it is done to: must be outranked
};

// Whether `actor` may do `action` to `scope`, or the refusal. Actor is made for the club or the
// site in question. O(1).
Result<void> may(const Actor& actor, Action action, const Scope& scope = {});

// Whether an account may do `action` in a direct conversation. Consent and blocks are direct.h's.
Result<void> may_in_direct(const DirectState& direct, std::uint64_t account_id, Action action);

}  // namespace amicale::domain
