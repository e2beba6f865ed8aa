// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/proposal.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "server/domain/charter.h"
#include "server/domain/limits.h"
#include "server/domain/membership.h"
#include "server/domain/permissions.h"
#include "server/domain/sanction.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

v1::ClubRole role_of(const ClubState& club, std::uint64_t account_id) {
  const MemberState* member = club.find_member(account_id);
  return member != nullptr ? member->role : v1::CLUB_ROLE_UNSPECIFIED;
}

RoleSet audience_of(const ClubState& club, std::uint64_t account_id) {
  return account_id == 0 ? committee_and_above : committee_above(role_of(club, account_id));
}

// The permission that what is proposed takes.
Action action_of(const v1::Proposal& proposal) {
  if (proposal.kind() == v1::PROPOSAL_KIND_CHARTER) return Action::change_charter;
  if (proposal.kind() == v1::PROPOSAL_KIND_STATUS) {
    return proposal.status() == v1::MEMBER_STATUS_BANNED ? Action::ban : Action::remove;
  }
  return proposal.sanction() == v1::SANCTION_KIND_BAN ? Action::ban : Action::kick;
}

v1::ProposalClosed& add_closed(Decision& decision, const ClubState& club, std::uint64_t proposal_id,
                               std::uint64_t account_id, v1::ProposalState state) {
  v1::ProposalClosed& closed =
      *decision.add(audience_of(club, account_id)).event.mutable_proposal_closed();
  closed.set_proposal_id(proposal_id);
  closed.set_state(state);
  return closed;
}

// What deciding and withdrawing share: whether the proposal is there for the actor, and open.
Result<void> check_open(const ClubState& club, const store::ProposalRow* row,
                        const SecondFacts& facts, const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::second_act); !allowed) return allowed;
  if (row == nullptr) return not_found();
  const v1::Proposal& proposal = row->proposal();
  if (!may_see(proposal, role_of(club, proposal.account_id()), facts.target_site_role, actor)) {
    return not_found();
  }
  switch (state_at(proposal, now_ms)) {
    case v1::PROPOSAL_STATE_OPEN: return {};
    case v1::PROPOSAL_STATE_EXPIRED: return refuse(v1::REFUSAL_CODE_EXPIRED, "proposal.expired");
    default: return refuse(v1::REFUSAL_CODE_CONFLICT, "proposal.closed");
  }
}

// Whether the club itself has anybody who could confirm it.
bool has_second(const ClubState& club, const v1::Proposal& proposal) {
  const int subject = rank(role_of(club, proposal.account_id()));
  return std::ranges::any_of(club.members(), [&](const MemberState& member) {
    return is_officer(member.role, member.status) && rank(member.role) > subject &&
           member.account_id != proposal.proposed_by() &&
           member.account_id != proposal.on_behalf().account_id() &&
           member.account_id != proposal.account_id();
  });
}

// Who may confirm, beyond seeing it.
Result<void> check_second(const ClubState& club, const v1::Proposal& proposal,
                          const SecondFacts& facts, const Actor& actor, std::int64_t now_ms) {
  const bool outside = is_site_staff(actor.site_role) && !is_officer(actor.role, actor.status);
  if (outside && has_second(club, proposal)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "proposal.staff");
  }
  // A word is worth what its giver is worth now.
  const Actor proposer = actor_in(club, proposal.proposed_by(), facts.proposer_site_role, now_ms);
  Scope scope;
  if (proposal.account_id() != 0) scope.target = role_of(club, proposal.account_id());
  if (!may(proposer, action_of(proposal), scope)) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "proposal.proposer");
  }
  return {};
}

// What was proposed, done by the second member as the club is now.
Result<Decision> act(const ClubState& club, const store::ProposalRow& row, const SecondFacts& facts,
                     const Actor& actor, std::int64_t now_ms) {
  const v1::Proposal& proposal = row.proposal();
  if (proposal.kind() == v1::PROPOSAL_KIND_CHARTER) {
    if (auto allowed = may(actor, Action::change_charter); !allowed) {
      return std::unexpected(allowed.error());
    }
    Decision decision;
    add_adopted(decision, club, proposal.charter().rules(),
                {.proposed_by = proposal.proposed_by(), .confirmed_by = actor.account_id}, now_ms);
    return decision;
  }
  if (proposal.kind() == v1::PROPOSAL_KIND_STATUS) {
    v1::SetMemberStatus request;
    request.set_club_id(club.id());
    request.set_account_id(proposal.account_id());
    request.set_status(proposal.status());
    request.set_reason(proposal.text());
    return set_member_status(club, facts.target, request, actor, now_ms, Consent::two);
  }
  v1::ImposeSanction request;
  request.set_club_id(club.id());
  request.set_account_id(proposal.account_id());
  request.set_kind(proposal.sanction());
  request.set_reason(proposal.reason());
  request.set_text(proposal.text());
  request.set_duration_s(proposal.duration_s());
  *request.mutable_evidence() = proposal.evidence();
  request.set_note(proposal.note());
  return impose_sanction(club,
                         {.target = facts.target,
                          .target_site_role = facts.target_site_role,
                          .evidence = {row.evidence().begin(), row.evidence().end()},
                          .consent = Consent::two},
                         request, actor, now_ms);
}

}  // namespace

bool takes_two(const Actor& actor) { return !is_site_staff(actor.site_role); }

Result<Decision> propose(const ClubState& club, v1::Proposal proposal,
                         std::span<const v1::Message> evidence, const Actor& actor,
                         std::int64_t now_ms) {
  std::uint32_t waiting = 0;
  for (const OpenProposal& open : club.open_proposals()) {
    if (open.expires_ms <= now_ms) continue;
    ++waiting;
    if (open.account_id == proposal.account_id()) {
      auto refusal = refuse(v1::REFUSAL_CODE_CONFLICT, "proposal.waits");
      refusal.error().actual = open.proposal_id;
      return refusal;
    }
  }
  if (waiting >= limits::open_proposals) {
    return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CAPACITY,
                                   .rule_id = "proposal.many",
                                   .limit = limits::open_proposals,
                                   .actual = waiting});
  }
  Decision decision{.proposal_id = club.last_proposal_id() + 1};
  proposal.set_proposal_id(decision.proposal_id);
  proposal.set_club_id(club.id());
  proposal.set_proposed_by(actor.account_id);
  proposal.set_proposed_ms(now_ms);
  proposal.set_expires_ms(now_ms + limits::proposal_ms);
  proposal.set_state(v1::PROPOSAL_STATE_OPEN);
  // First, so that a repeat of the command is answered by it.
  Decided& proposed = decision.add(audience_of(club, proposal.account_id()));
  proposed.private_part.mutable_evidence()->Assign(evidence.begin(), evidence.end());
  *proposed.event.mutable_act_proposed()->mutable_proposal() = std::move(proposal);
  for (const OpenProposal& open : club.open_proposals()) {
    if (open.expires_ms > now_ms) continue;
    add_closed(decision, club, open.proposal_id, open.account_id, v1::PROPOSAL_STATE_EXPIRED);
  }
  return decision;
}

bool may_see(const v1::Proposal& proposal, v1::ClubRole subject, v1::SiteRole subject_site_role,
             const Actor& actor) {
  if (proposal.account_id() == 0) return true;
  return proposal.account_id() != actor.account_id && outranks(actor, subject, subject_site_role);
}

v1::ProposalState state_at(const v1::Proposal& proposal, std::int64_t now_ms) {
  const bool over = proposal.state() == v1::PROPOSAL_STATE_OPEN && proposal.expires_ms() <= now_ms;
  return over ? v1::PROPOSAL_STATE_EXPIRED : proposal.state();
}

Result<Decision> decide_proposal(const ClubState& club, const store::ProposalRow* row,
                                 const SecondFacts& facts, const v1::DecideProposal& request,
                                 const Actor& actor, std::int64_t now_ms) {
  if (auto open = check_open(club, row, facts, actor, now_ms); !open) {
    return std::unexpected(open.error());
  }
  const v1::Proposal& proposal = row->proposal();
  // Whose word it is, whoever typed it.
  const bool own = proposal.proposed_by() == actor.account_id ||
                   (proposal.on_behalf().account_id() != 0 &&
                    proposal.on_behalf().account_id() == actor.account_id);
  if (own) return refuse(v1::REFUSAL_CODE_FORBIDDEN, "proposal.own");
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (!request.confirm() && is_blank(request.text())) return bad_request("text", "text.blank");
  Decision decision{.object_id = proposal.proposal_id()};
  if (!request.confirm()) {
    add_closed(decision, club, proposal.proposal_id(), proposal.account_id(),
               v1::PROPOSAL_STATE_DECLINED)
        .set_text(request.text());
    return decision;
  }
  if (auto second = check_second(club, proposal, facts, actor, now_ms); !second) {
    return std::unexpected(second.error());
  }
  auto done = act(club, *row, facts, actor, now_ms);
  if (!done) return std::unexpected(done.error());
  v1::ProposalClosed closed;
  closed.set_proposal_id(proposal.proposal_id());
  closed.set_state(v1::PROPOSAL_STATE_CONFIRMED);
  closed.set_text(request.text());
  // The sanction is the committee's, by both names.
  for (Decided& one : done->events) {
    if (!one.event.has_sanction_imposed()) continue;
    v1::Sanction& sanction = *one.event.mutable_sanction_imposed()->mutable_sanction();
    sanction.set_imposed_by(proposal.proposed_by());
    sanction.set_confirmed_by(actor.account_id);
    sanction.set_by_site(false);
    if (proposal.has_on_behalf()) *sanction.mutable_on_behalf() = proposal.on_behalf();
    closed.set_sanction_id(sanction.sanction_id());
  }
  *decision.add(audience_of(club, proposal.account_id())).event.mutable_proposal_closed() =
      std::move(closed);
  std::ranges::move(done->events, std::back_inserter(decision.events));
  return decision;
}

Result<Decision> withdraw_proposal(const ClubState& club, const store::ProposalRow* row,
                                   const SecondFacts& facts, const Actor& actor,
                                   std::int64_t now_ms) {
  if (auto open = check_open(club, row, facts, actor, now_ms); !open) {
    return std::unexpected(open.error());
  }
  const v1::Proposal& proposal = row->proposal();
  if (proposal.proposed_by() != actor.account_id) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "proposal.not_own");
  }
  Decision decision{.object_id = proposal.proposal_id()};
  add_closed(decision, club, proposal.proposal_id(), proposal.account_id(),
             v1::PROPOSAL_STATE_WITHDRAWN);
  return decision;
}

}  // namespace amicale::domain
