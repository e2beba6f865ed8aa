// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of memberships: invitations, admission, roles, and where a membership stands.
//
//   invited -> opted in -> active | waitlisted | refused
//   active <-> paused;  active, paused -> removed, banned, left
//   active, paused -> suspended -> active, paused: by a sanction and its end alone (sanction.h)
//
// The whole graph, with who may take each step, is the transition table in membership.cc. A member
// who leaves frees a place; the committee then admits from the waiting list. Reasons are for the
// person and the committee alone: with one, a change is two events, the first with the reason for
// them, the second without it for the other roles.
#pragma once

#include <cstdint>
#include <string_view>

#include "amicale/v1/club.pb.h"
#include "server/domain/decision.h"
#include "server/domain/invitation.h"
#include "server/domain/raid.h"
#include "server/domain/state.h"
#include "store/rows.pb.h"

namespace amicale::domain {

// object_id: the invitation's id. Those below the committee invite members and guests, whom the
// committee then decides on.
Result<Decision> create_invitation(const ClubState& club, const NewInvitation& fresh,
                                   const v1::CreateInvitation& request, const Actor& actor,
                                   std::int64_t now_ms);

// `invitation` is the row of the request's invitation in this club, null when there is none.
Result<Decision> revoke_invitation(const ClubState& club, const v1::Invitation* invitation,
                                   const Actor& actor);

struct InvitationUse {
  const store::InvitationRow* invitation = nullptr;  // null: no such code
  const v1::Member* member = nullptr;                // the account's membership, if any
  std::uint64_t account_id = 0;
  std::string_view display_name{};
  std::uint64_t charter_version = 0;  // that was read and is accepted
  Watch watch{};
};

// Opts in: active, or waitlisted when the club is full, or opted in when the committee decides.
// Nothing changes for who is in already; an invitation that activates an imported account is used
// up nevertheless. object_id: the club.
Result<Decision> use_invitation(const ClubState& club, const InvitationUse& use,
                                std::int64_t now_ms);

struct AddedMember {
  std::uint64_t account_id = 0;
  std::string_view display_name{};        // the account's
  const v1::Member* member = nullptr;     // the membership, if any
  const v1::Member* president = nullptr;  // the president's membership, if any
  std::string_view
      activation_hash;  // SHA-256 of the activation code; empty: the account is in use already
};

// The request's own fields, before anything is looked up: for dry runs and before an account is
// made.
Result<void> check_add_member(const v1::AddMember& request);

// Makes an active member of a person whom the alumni office knows. Full: CAPACITY. Nothing changes
// for who is a member. With an activation hash, an invitation bound to the account comes along.
// object_id: the account.
Result<Decision> add_member(const ClubState& club, const AddedMember& added,
                            const v1::AddMember& request, const Actor& actor, std::int64_t now_ms);

struct RoleFacts {
  const v1::Member* target = nullptr;     // the request's account, if it ever was a member
  const v1::Member* president = nullptr;  // the president's membership, if any
};

// A club has at most one president: naming one makes the former a committee member; the office is
// not just dropped.
Result<Decision> set_role(const ClubState& club, const RoleFacts& facts, const v1::SetRole& request,
                          const Actor& actor);

// One step of the graph. Asking ACTIVE or OPTED_IN for oneself when invited accepts; LEFT is for
// oneself only. `target` is the membership of the request's account, null when there is none. A ban, and the removal of who holds
// a place, wait for a second member of the committee: proposal_id.
Result<Decision> set_member_status(const ClubState& club, const v1::Member* target,
                                   const v1::SetMemberStatus& request, const Actor& actor,
                                   std::int64_t now_ms, Consent consent = Consent::one);

// A member's new display name, in each of their clubs. Nothing changes while a sanction holds them back
// there: the name comes along when it ends.
Decision rename_member(const v1::Member& member, std::string_view display_name, const Actor& actor);

// --- For the rules that change memberships ---

// Appends the membership as it becomes. Members see each other; who is on the way in is between them and
// the committee.
void add_member_changed(Decision& decision, v1::MemberStatus before, v1::Member member,
                        std::string_view reason = {});
void set_status(v1::Member& member, v1::MemberStatus status, std::int64_t now_ms);
// A place that was kept for a president may have been filled meanwhile.
void yield_presidency(const ClubState& club, v1::Member& member);

}  // namespace amicale::domain
