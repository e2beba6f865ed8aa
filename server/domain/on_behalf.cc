// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/on_behalf.h"

#include "server/domain/permissions.h"

namespace amicale::domain {

Result<Actor> act_for(const ClubState& club, const v1::OnBehalf& behalf, const Actor& actor) {
  if (auto allowed = may(actor, Action::act_on_behalf); !allowed) {
    return std::unexpected(allowed.error());
  }
  Actor acting = actor;
  acting.site_role = v1::SITE_ROLE_NONE;
  acting.role = v1::CLUB_ROLE_PRESIDENT;
  acting.status = v1::MEMBER_STATUS_ACTIVE;
  acting.raid_until_ms = 0;  // whom they act for is no newcomer
  if (behalf.account_id() == 0) return acting;
  const MemberState* officer = club.find_member(behalf.account_id());
  const bool good = officer != nullptr && officer->account_id != actor.account_id &&
                    has(called_as_committee, officer->role) &&
                    officer->status == v1::MEMBER_STATUS_ACTIVE;
  if (!good) return bad_request("on_behalf.account_id", "behalf.officer");
  acting.role = officer->role;
  acting.acts_for = officer->account_id;
  return acting;
}

void name_on_behalf(Decision& decision, const v1::OnBehalf& behalf) {
  for (Decided& one : decision.events) {
    v1::Event& event = one.event;
    *event.mutable_on_behalf() = behalf;
    if (event.has_sanction_imposed()) {
      *event.mutable_sanction_imposed()->mutable_sanction()->mutable_on_behalf() = behalf;
    } else if (event.has_act_proposed()) {
      *event.mutable_act_proposed()->mutable_proposal()->mutable_on_behalf() = behalf;
    } else if (event.has_messages_removed()) {
      *event.mutable_messages_removed()->mutable_removal()->mutable_on_behalf() = behalf;
    } else if (event.has_raid_mode_started()) {
      *event.mutable_raid_mode_started()->mutable_raid()->mutable_on_behalf() = behalf;
    }
  }
}

}  // namespace amicale::domain
