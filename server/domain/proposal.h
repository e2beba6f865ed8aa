// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of what takes two of a club's committee: whoever puts somebody out of a club does so with a second
// member, who could do the same alone, and is neither who asks nor whom it is about.
//
// A heavy act that one asks for is decided as a proposal: an event of its own, told to those above the
// person, who never hears of it. Confirmed, it happens in that commit, judged anew as the club is then, and
// carries both names. Nobody confirms it after its time; that it is over is said when the next one is made,
// and known before by the clock.
//
// Site staff answer for a club from outside it: what they decide there by their own office, as with bans
// from the whole site, is theirs alone.
#pragma once

#include <cstdint>
#include <span>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"
#include "store/rows.pb.h"

namespace amicale::domain {

// Whether heavy acts of this actor wait for a second one.
bool takes_two(const Actor& actor);

// Makes a proposal of what has been judged right but for its second member. CONFLICT when one about the
// same waits. proposal_id: its number.
Result<Decision> propose(const ClubState& club, v1::Proposal proposal,
                         std::span<const v1::Message> evidence, const Actor& actor,
                         std::int64_t now_ms);

// Whether a proposal exists for that reader: who ranks above whom it is about, and is not that person.
bool may_see(const v1::Proposal& proposal, v1::ClubRole subject, v1::SiteRole subject_site_role,
             const Actor& actor);

// As it stands at `now_ms`: what has run out is EXPIRED, whether or not an event has said so.
v1::ProposalState state_at(const v1::Proposal& proposal, std::int64_t now_ms);

struct SecondFacts {
  const v1::Member* target =
      nullptr;  // the membership of whom it is about, null when there is none
  v1::SiteRole target_site_role = v1::SITE_ROLE_NONE;
  v1::SiteRole proposer_site_role = v1::SITE_ROLE_NONE;
};

// `row` is the proposal that the request names, null when there is none. object_id: its number.
Result<Decision> decide_proposal(const ClubState& club, const store::ProposalRow* row,
                                 const SecondFacts& facts, const v1::DecideProposal& request,
                                 const Actor& actor, std::int64_t now_ms);
Result<Decision> withdraw_proposal(const ClubState& club, const store::ProposalRow* row,
                                   const SecondFacts& facts, const Actor& actor,
                                   std::int64_t now_ms);

}  // namespace amicale::domain
