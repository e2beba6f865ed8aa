// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of sanctions: warning, mute, suspension, kick, ban, and how each ends.
//
// A sanction is an event in its club's one order: what the person did before its seq stands, what comes
// after is refused, in the same order for everybody. Its end is an instant that every decision is judged
// by: when it has passed, nothing is held back, whether or not an event has said so yet. The event that
// says so (lapse_sanctions) gives a suspended member the club's stream back, and tells everybody.
//
// What takes somebody out of the club, a ban or the kick of who holds a place, waits for a second member of
// the committee (proposal.h), unless site staff decide it.
//
// Nobody decides their own case, nor acts on a peer or superior. What site staff imposed, site staff alone
// touch.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

struct SanctionFacts {
  const v1::Member* target =
      nullptr;  // the request's account in this club, if it ever was a member
  v1::SiteRole target_site_role = v1::SITE_ROLE_NONE;
  std::vector<v1::Message>
      evidence{};  // the messages that the request names and that there are, in order
  Consent consent = Consent::one;  // two: evidence was looked at when it was proposed
};

// Whether the act takes two, done to somebody who stands there.
bool is_heavy(v1::SanctionKind kind, v1::MemberStatus from);

// Whether `actor` stands above somebody: the club role, and the site role of their account.
bool outranks(const Actor& actor, v1::ClubRole role, v1::SiteRole site_role);

// object_id: the sanction's id; of what has to wait, proposal_id instead. One of the same kind and scope that stands is replaced. A suspension, a
// kick and a ban change the membership in the same commit, after the sanction, so that the person's stream
// ends with its reason.
Result<Decision> impose_sanction(const ClubState& club, const SanctionFacts& facts,
                                 const v1::ImposeSanction& request, const Actor& actor,
                                 std::int64_t now_ms);

// Whom the end of a sanction concerns, from rows.
struct EndFacts {
  const v1::Member* target = nullptr;  // their membership; null: there is none
  std::string_view display_name{};     // of the account, which may have changed its name meanwhile
};

// A suspended member reads and writes again; who was banned may come back through the committee.
// `sanction` is the one that the request names; null: there is none.
Result<Decision> lift_sanction(const ClubState& club, const v1::Sanction* sanction,
                               const EndFacts& facts, const v1::LiftSanction& request,
                               const Actor& actor, std::int64_t now_ms);

// Ends one that stands, in a decision that is about something else. Nothing when it has ended.
void add_lift(Decision& decision, const ClubState& club, const v1::Sanction& sanction,
              const EndFacts& facts, std::string_view text, std::int64_t now_ms);

// Says of every sanction on an account whose time is over that it is. Empty when there is none.
Decision lapse_sanctions(const ClubState& club, std::uint64_t account_id, const EndFacts& facts,
                         std::int64_t now_ms);

// Appends the ban that a change of status amounts to; `reason` is the person's to read.
void add_ban(Decision& decision, const ClubState& club, const v1::Member& target,
             std::string_view reason, const Actor& actor, std::int64_t now_ms);

// Appends the end of a ban that stands on an account which comes back. Refused when site staff imposed it
// and the actor is not of them.
Result<void> end_ban(Decision& decision, const ClubState& club, std::uint64_t account_id,
                     const Actor& actor);

// Whether a suspension of that account stands, so that it can't be let in otherwise.
bool is_suspended(const ClubState& club, std::uint64_t account_id, std::int64_t now_ms);

// --- The whole site, in the account's own log ---

// Bans an account from the site and revokes every device. object_id: the sanction's id.
Result<Decision> ban_account(const AccountState& account, const v1::ImposeSanction& request,
                             const Actor& actor, std::int64_t now_ms);
Result<Decision> lift_account_ban(const AccountState& account, const v1::LiftSanction& request,
                                  const Actor& actor, std::int64_t now_ms);

// Ends a ban from the site, in a decision that is about something else. Nothing when it stands no longer.
void add_site_lift(Decision& decision, const AccountState& account, const v1::Sanction& sanction,
                   std::string_view text, std::int64_t now_ms);

// SANCTIONED when a ban from the site stands. Asked before a device is let in.
Result<void> check_not_banned(const AccountState& account, std::int64_t now_ms);

// Tells of a sanction as it stands now: the account, on its own stream, and of a ban from the site its staff, on the site's.
Decision notice_sanction(const v1::Sanction& sanction);

}  // namespace amicale::domain
