// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/membership.h"

#include <array>
#include <string>
#include <utility>

#include "server/domain/charter.h"
#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/proposal.h"
#include "server/domain/sanction.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

using enum v1::MemberStatus;

enum class By : std::uint8_t { oneself, another };

// One step that a membership may take, and the permission for it.
struct Step {
  v1::MemberStatus from;
  v1::MemberStatus to;
  Action action;
  By by = By::another;
};

// The whole graph. What is not here can't happen; use_invitation and add_member have their own ways
// in.
constexpr auto steps = std::to_array<Step>({
    {MEMBER_STATUS_INVITED, MEMBER_STATUS_OPTED_IN, Action::accept_membership, By::oneself},
    {MEMBER_STATUS_INVITED, MEMBER_STATUS_ACTIVE, Action::accept_membership, By::oneself},
    {MEMBER_STATUS_INVITED, MEMBER_STATUS_LEFT, Action::leave, By::oneself},
    {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_LEFT, Action::leave, By::oneself},
    {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_LEFT, Action::leave, By::oneself},
    {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_LEFT, Action::leave, By::oneself},
    {MEMBER_STATUS_PAUSED, MEMBER_STATUS_LEFT, Action::leave, By::oneself},
    {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_LEFT, Action::leave, By::oneself},

    {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_ACTIVE, Action::decide_admission},
    {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_WAITLISTED, Action::decide_admission},
    {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_REFUSED, Action::decide_admission},
    {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_ACTIVE, Action::decide_admission},
    {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_REFUSED, Action::decide_admission},
    {MEMBER_STATUS_REFUSED, MEMBER_STATUS_ACTIVE, Action::decide_admission},
    {MEMBER_STATUS_REFUSED, MEMBER_STATUS_WAITLISTED, Action::decide_admission},

    {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_PAUSED, Action::pause},
    {MEMBER_STATUS_PAUSED, MEMBER_STATUS_ACTIVE, Action::reinstate},
    {MEMBER_STATUS_REMOVED, MEMBER_STATUS_ACTIVE, Action::reinstate},
    {MEMBER_STATUS_BANNED, MEMBER_STATUS_ACTIVE, Action::reinstate},
    {MEMBER_STATUS_BANNED, MEMBER_STATUS_REMOVED, Action::reinstate},

    {MEMBER_STATUS_INVITED, MEMBER_STATUS_REMOVED, Action::remove},
    {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_REMOVED, Action::remove},
    {MEMBER_STATUS_PAUSED, MEMBER_STATUS_REMOVED, Action::remove},
    {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_REMOVED, Action::remove},

    {MEMBER_STATUS_INVITED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_OPTED_IN, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_WAITLISTED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_REFUSED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_ACTIVE, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_PAUSED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_SUSPENDED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_REMOVED, MEMBER_STATUS_BANNED, Action::ban},
    {MEMBER_STATUS_LEFT, MEMBER_STATUS_BANNED, Action::ban},
});

const Step* find_step(v1::MemberStatus from, v1::MemberStatus to, By by) {
  for (const Step& step : steps) {
    if (step.from == from && step.to == to && step.by == by) return &step;
  }
  return nullptr;
}

// The permission that asking for a status needs, before anything of the membership is told: the
// first that leads there.
const Step* first_step_to(v1::MemberStatus to) {
  for (const Step& step : steps) {
    if (step.to == to && step.by == By::another) return &step;
  }
  return nullptr;
}

// A membership as it becomes, from `before`, which may be null.
v1::Member member_from(const v1::Member* before, std::uint64_t account_id) {
  v1::Member member;
  if (before != nullptr) member = *before;
  member.set_account_id(account_id);
  return member;
}

// The one president hands over: the former one stays in the committee.
void add_handover(Decision& decision, const ClubState& club, const v1::Member* president) {
  if (president == nullptr || club.president() == 0) return;
  v1::Member former = *president;
  former.set_role(v1::CLUB_ROLE_COMMITTEE);
  const auto status = former.status();
  add_member_changed(decision, status, std::move(former));
}

std::unexpected<Refusal> club_full(const ClubState& club) {
  return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_CAPACITY,
                                 .rule_id = "club.full",
                                 .limit = club.club().capacity(),
                                 .actual = club.places_taken()});
}

Result<void> check_role(v1::ClubRole role) {
  if (role == v1::CLUB_ROLE_UNSPECIFIED || !v1::ClubRole_IsValid(role)) return bad_request("role");
  return {};
}

// Who may invite to a role: member or guest, or one below one's own; a president only from above the club, a supervisor
// only by the site.
Result<void> check_invited_role(const Actor& actor, v1::ClubRole role) {
  if (auto checked = check_role(role); !checked) return checked;
  const bool directly = allowed(Action::invite_directly, actor);
  const bool plain = rank(role) <= rank(v1::CLUB_ROLE_MEMBER) && rank(role) <= rank(actor);
  bool good = plain || (directly && rank(role) < rank(actor));
  if (role == v1::CLUB_ROLE_PRESIDENT) good = rank(actor) > rank(v1::CLUB_ROLE_PRESIDENT);
  if (role == v1::CLUB_ROLE_SUPERVISOR) good = is_site_staff(actor.site_role);
  if (!good) return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.invite_role");
  return {};
}

// Who may give a role: one below one's own; a president hands over; the site alone names
// supervisors.
Result<void> check_granted_role(const Actor& actor, v1::ClubRole role) {
  bool good = rank(role) < rank(actor);
  if (role == v1::CLUB_ROLE_PRESIDENT) good = rank(actor) >= rank(v1::CLUB_ROLE_PRESIDENT);
  if (role == v1::CLUB_ROLE_SUPERVISOR) good = is_site_staff(actor.site_role);
  if (!good) return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.grant_role");
  return {};
}

// Where someone arrives who opts in by an invitation.
v1::MemberStatus arrival(const ClubState& club, bool needs_decision, v1::MemberStatus before) {
  // Who was here before, and refused, removed or gone, comes back through the committee alone, whatever link they found:
  // otherwise leaving would wash away a removal or a pause.
  const bool was_here = before == MEMBER_STATUS_REFUSED || before == MEMBER_STATUS_REMOVED ||
                        before == MEMBER_STATUS_LEFT;
  if (needs_decision || was_here) return MEMBER_STATUS_OPTED_IN;
  return club.is_full() ? MEMBER_STATUS_WAITLISTED : MEMBER_STATUS_ACTIVE;
}

bool is_in_or_waiting(v1::MemberStatus status) {
  return has(readers, status) || status == MEMBER_STATUS_OPTED_IN ||
         status == MEMBER_STATUS_WAITLISTED || status == MEMBER_STATUS_SUSPENDED;
}

// Turns one step of the graph into events. Everything about who may was asked before.
Result<Decision> take_step(const ClubState& club, const Step& step, const v1::Member& target,
                           const v1::SetMemberStatus& request, const Actor& actor,
                           std::int64_t now_ms) {
  v1::Member member = target;
  v1::MemberStatus to = step.to;
  if (step.action == Action::accept_membership) {
    if (auto open = check_invitations_open(club, now_ms); !open) {
      return std::unexpected(open.error());
    }
    if (auto accepted = check_joining(club, request.charter_version()); !accepted) {
      return std::unexpected(accepted.error());
    }
    if (club.charter().version() != 0) member.set_charter_version(request.charter_version());
    to = arrival(club, false, step.from);
  }

  const bool takes_a_place = has(readers, to) && !has(readers, step.from);
  if (takes_a_place) {
    if (club.is_full()) return club_full(club);
    if (is_suspended(club, member.account_id(), now_ms)) {
      return refuse(v1::REFUSAL_CODE_CONFLICT, "sanction.stands");
    }
    yield_presidency(club, member);
  }
  if (step.action == Action::leave && club.president() == member.account_id()) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.president_needed");
  }
  // Who goes gives up the office: coming back does not bring it back.
  const bool goes =
      to == MEMBER_STATUS_REMOVED || to == MEMBER_STATUS_BANNED || to == MEMBER_STATUS_LEFT;
  if (goes && rank(member.role()) > rank(v1::CLUB_ROLE_MEMBER)) {
    member.set_role(v1::CLUB_ROLE_MEMBER);
  }
  set_status(member, to, now_ms);

  Decision decision{.object_id = member.account_id()};
  if (to == MEMBER_STATUS_BANNED) {
    add_ban(decision, club, member, request.reason(), actor, now_ms);
  } else if (step.from == MEMBER_STATUS_BANNED) {
    if (auto ended = end_ban(decision, club, member.account_id(), actor); !ended) {
      return std::unexpected(ended.error());
    }
  }
  add_member_changed(decision, step.from, std::move(member), request.reason());
  return decision;
}

}  // namespace

void set_status(v1::Member& member, v1::MemberStatus status, std::int64_t now_ms) {
  if (member.status() != status) member.set_since_ms(now_ms);
  if (has(placed, status) && !has(placed, member.status())) member.set_joined_ms(now_ms);
  member.set_status(status);
}

void add_member_changed(Decision& decision, v1::MemberStatus before, v1::Member member,
                        std::string_view reason) {
  const std::uint64_t account_id = member.account_id();
  const bool seen_by_all = has(placed, before) || has(placed, member.status());
  const RoleSet first_roles = seen_by_all && reason.empty() ? all_roles : committee_and_above;
  v1::MemberChanged& changed =
      *decision.add(first_roles, account_id).event.mutable_member_changed();
  changed.set_reason(std::string(reason));
  *changed.mutable_member() = std::move(member);
  if (!seen_by_all || first_roles == all_roles) return;
  const v1::Member copy = changed.member();
  *decision.add(all_roles & static_cast<RoleSet>(~committee_and_above))
       .event.mutable_member_changed()
       ->mutable_member() = copy;
}

void yield_presidency(const ClubState& club, v1::Member& member) {
  const bool taken = club.president() != 0 && club.president() != member.account_id();
  if (taken && member.role() == v1::CLUB_ROLE_PRESIDENT) member.set_role(v1::CLUB_ROLE_COMMITTEE);
}

Result<Decision> create_invitation(const ClubState& club, const NewInvitation& fresh,
                                   const v1::CreateInvitation& request, const Actor& actor,
                                   std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::invite); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto open = check_invitations_open(club, now_ms); !open) {
    return std::unexpected(open.error());
  }
  if (auto checked = check_invited_role(actor, request.role()); !checked) {
    return std::unexpected(checked.error());
  }
  v1::Invitation invitation;
  if (auto filled = fill_invitation(request, actor, now_ms, invitation); !filled) {
    return std::unexpected(filled.error());
  }
  const bool directly = allowed(Action::invite_directly, actor);
  if (!directly && invitation.max_uses() > limits::member_invitation_uses) {
    return too_large("max_uses", limits::member_invitation_uses, invitation.max_uses());
  }
  invitation.set_invitation_id(club.last_invitation_id() + 1);
  invitation.set_club_id(club.id());
  invitation.set_role(request.role());
  invitation.set_needs_decision(request.needs_decision() || !directly);

  Decision decision{.object_id = invitation.invitation_id()};
  add_invitation(decision, committee_and_above, actor.account_id, fresh, std::move(invitation));
  return decision;
}

Result<Decision> revoke_invitation(const ClubState& club, const v1::Invitation* invitation,
                                   const Actor& actor) {
  const bool own = invitation != nullptr && actor.account_id != 0 &&
                   invitation->created_by() == actor.account_id;
  const Action action = own ? Action::revoke_own_invitation : Action::revoke_invitation;
  if (auto allowed = may(actor, action); !allowed) return std::unexpected(allowed.error());
  if (invitation == nullptr || invitation->club_id() != club.id()) return not_found();

  Decision decision{.object_id = invitation->invitation_id()};
  if (invitation->revoked()) return decision;
  decision.add(committee_and_above, invitation->created_by())
      .event.mutable_invitation_revoked()
      ->set_invitation_id(invitation->invitation_id());
  return decision;
}

Result<Decision> use_invitation(const ClubState& club, const InvitationUse& use,
                                std::int64_t now_ms) {
  if (auto checked = check_invitation(use.invitation, use.account_id, now_ms); !checked) {
    return std::unexpected(checked.error());
  }
  const v1::Invitation& invitation = use.invitation->invitation();
  const v1::MemberStatus before =
      use.member != nullptr ? use.member->status() : MEMBER_STATUS_UNSPECIFIED;
  if (before == MEMBER_STATUS_BANNED) {
    for (const SanctionState& sanction : club.sanctions_on(use.account_id)) {
      const Held& ban = sanction.held;
      if (ban.kind == v1::SANCTION_KIND_BAN && ban.stands_at(now_ms))
        return refuse_held(ban, now_ms);
    }
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "membership.banned");
  }

  // A link is worth what its maker is worth now: whoever lost the office no longer vouches, and gives no office away. Makers who
  // never were members are the site's.
  const MemberState* maker = club.find_member(invitation.created_by());
  const Actor standing{.account_id = invitation.created_by(),
                       .site_role = v1::SITE_ROLE_NONE,
                       .role = maker != nullptr ? maker->role : v1::CLUB_ROLE_UNSPECIFIED,
                       .status = maker != nullptr ? maker->status : MEMBER_STATUS_UNSPECIFIED};
  const bool vouched = maker == nullptr || allowed(Action::invite_directly, standing);
  if (!vouched && rank(invitation.role()) > rank(v1::CLUB_ROLE_MEMBER)) {
    return refuse(v1::REFUSAL_CODE_EXPIRED, "invitation.revoked");
  }

  Decision decision{.object_id = club.id()};
  const bool activates = use.invitation->account_id() != 0;
  if (!is_in_or_waiting(before)) {
    if (invitation.role() == v1::CLUB_ROLE_PRESIDENT && club.president() != 0) {
      return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.president_taken");
    }
    if (auto accepted = check_joining(club, use.charter_version); !accepted) {
      return std::unexpected(accepted.error());
    }
    v1::Member member = member_from(use.member, use.account_id);
    member.set_display_name(std::string(use.display_name));
    member.set_role(invitation.role());
    if (club.charter().version() != 0) member.set_charter_version(use.charter_version);
    const v1::MemberStatus to = arrival(club, invitation.needs_decision() || !vouched, before);
    // Who asks the committee comes no further than its waiting list.
    if (auto open = check_invitations_open(club, now_ms); !open && to != MEMBER_STATUS_OPTED_IN) {
      return std::unexpected(open.error());
    }
    set_status(member, to, now_ms);
    member.set_arrived_ms(now_ms);
    add_member_changed(decision, before, std::move(member));
  } else if (!activates) {
    return decision;
  }
  v1::InvitationUsed& used = *decision.add(committee_and_above).event.mutable_invitation_used();
  used.set_invitation_id(invitation.invitation_id());
  used.set_account_id(use.account_id);
  if (!is_in_or_waiting(before)) {
    watch_arrival(decision, club, use.account_id, use.watch, now_ms);
  }
  return decision;
}

Result<void> check_add_member(const v1::AddMember& request) {
  if (auto checked = check_login(request.login()); !checked) return checked;
  if (auto checked = check_role(request.role()); !checked) return checked;
  if (!v1::Language_IsValid(request.language())) return bad_request("language");
  if (!request.display_name().empty()) {
    if (auto name = check_name(request.display_name(), "display_name", limits::name_characters);
        !name) {
      return std::unexpected(name.error());
    }
  }
  return check_paragraph(request.external_id(), "external_id", limits::external_id_bytes);
}

Result<Decision> add_member(const ClubState& club, const AddedMember& added,
                            const v1::AddMember& request, const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::add_member); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_add_member(request); !checked) return std::unexpected(checked.error());

  const v1::MemberStatus before =
      added.member != nullptr ? added.member->status() : MEMBER_STATUS_UNSPECIFIED;
  if (before == MEMBER_STATUS_BANNED) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.step");
  }
  Decision decision{.object_id = added.account_id};
  if (has(placed, before)) return decision;
  if (club.is_full()) return club_full(club);
  if (is_suspended(club, added.account_id, now_ms)) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "sanction.stands");
  }
  if (request.role() == v1::CLUB_ROLE_PRESIDENT) add_handover(decision, club, added.president);
  v1::Member member = member_from(added.member, added.account_id);
  member.set_display_name(std::string(added.display_name));
  member.set_role(request.role());
  set_status(member, MEMBER_STATUS_ACTIVE, now_ms);
  add_member_changed(decision, before, std::move(member));
  if (!added.activation_hash.empty()) {
    v1::CreateInvitation activation;
    activation.set_valid_hours(limits::invitation_hours);
    v1::Invitation invitation;
    if (auto filled = fill_invitation(activation, actor, now_ms, invitation); !filled) {
      return std::unexpected(filled.error());
    }
    invitation.set_invitation_id(club.last_invitation_id() + 1);
    invitation.set_club_id(club.id());
    invitation.set_role(request.role());
    add_invitation(decision, committee_and_above, 0,
                   {.code_hash = added.activation_hash, .account_id = added.account_id},
                   std::move(invitation));
  }
  return decision;
}

Result<Decision> set_role(const ClubState& club, const RoleFacts& facts, const v1::SetRole& request,
                          const Actor& actor) {
  if (auto allowed = may(actor, Action::set_role); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_role(request.role()); !checked) return std::unexpected(checked.error());
  if (auto checked = check_paragraph(request.reason(), "reason", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  const MemberState* target = club.find_member(request.account_id());
  if (target == nullptr || facts.target == nullptr) return not_found();
  if (auto allowed = may(actor, Action::set_role, {.target = target->role}); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_granted_role(actor, request.role()); !checked) {
    return std::unexpected(checked.error());
  }

  Decision decision{.object_id = target->account_id};
  if (target->role == request.role()) return decision;
  if (club.president() == target->account_id) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.president_needed");
  }
  const bool presides = request.role() == v1::CLUB_ROLE_PRESIDENT;
  if (presides ? target->status != MEMBER_STATUS_ACTIVE : !has(insiders, target->status)) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.not_active");
  }
  if (presides) add_handover(decision, club, facts.president);
  v1::Member member = *facts.target;
  member.set_role(request.role());
  add_member_changed(decision, target->status, std::move(member), request.reason());
  return decision;
}

Result<Decision> set_member_status(const ClubState& club, const v1::Member* target,
                                   const v1::SetMemberStatus& request, const Actor& actor,
                                   std::int64_t now_ms, Consent consent) {
  const bool own = actor.account_id != 0 && request.account_id() == actor.account_id;
  const MemberState* member = club.find_member(request.account_id());
  const v1::MemberStatus from = member != nullptr ? member->status : MEMBER_STATUS_UNSPECIFIED;

  const Step* step = own ? find_step(from, request.status(), By::oneself) : nullptr;
  if (step == nullptr) {
    // Whether one may ask at all comes before anything that the answer would tell about the
    // membership.
    if (auto allowed = may(actor, Action::read_club); !allowed) {
      return std::unexpected(allowed.error());
    }
    if (request.status() == MEMBER_STATUS_LEFT) {
      return refuse(v1::REFUSAL_CODE_FORBIDDEN, "membership.step");
    }
    const Step* first = first_step_to(request.status());
    if (first == nullptr) return bad_request("status");
    if (auto allowed = may(actor, first->action); !allowed) {
      return std::unexpected(allowed.error());
    }
  }
  if (auto checked = check_paragraph(request.reason(), "reason", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (member == nullptr || target == nullptr) return not_found();
  if (step != nullptr) {
    if (auto allowed = may(actor, step->action); !allowed) return std::unexpected(allowed.error());
    return take_step(club, *step, *target, request, actor, now_ms);
  }
  if (from == request.status()) return Decision{.object_id = member->account_id};
  step = find_step(from, request.status(), By::another);
  if (step == nullptr) return refuse(v1::REFUSAL_CODE_CONFLICT, "membership.step");
  if (auto allowed = may(actor, step->action, {.target = member->role}); !allowed) {
    return std::unexpected(allowed.error());
  }
  const bool puts_out = step->to == MEMBER_STATUS_BANNED ||
                        (step->to == MEMBER_STATUS_REMOVED && has(placed, step->from));
  if (consent == Consent::one && puts_out && takes_two(actor)) {
    v1::Proposal proposal;
    proposal.set_kind(v1::PROPOSAL_KIND_STATUS);
    proposal.set_account_id(member->account_id);
    proposal.set_status(request.status());
    proposal.set_text(request.reason());
    return propose(club, std::move(proposal), {}, actor, now_ms);
  }
  return take_step(club, *step, *target, request, actor, now_ms);
}

Decision rename_member(const v1::Member& member, std::string_view display_name,
                       const Actor& actor) {
  Decision decision{.object_id = member.account_id()};
  if (member.display_name() == display_name || find_hold(actor, any_room) != nullptr) {
    return decision;
  }
  if (is_held_by_raid(actor)) return decision;
  v1::Member renamed = member;
  renamed.set_display_name(std::string(display_name));
  add_member_changed(decision, member.status(), std::move(renamed));
  return decision;
}

}  // namespace amicale::domain
