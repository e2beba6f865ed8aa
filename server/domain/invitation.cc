// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/invitation.h"

#include <string>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

constexpr std::int64_t hour_ms = 60 * 60 * 1000;

}  // namespace

Result<void> fill_invitation(const v1::CreateInvitation& request, const Actor& actor,
                             std::int64_t now_ms, v1::Invitation& out) {
  if (request.max_uses() > limits::invitation_uses) {
    return too_large("max_uses", limits::invitation_uses, request.max_uses());
  }
  if (request.valid_hours() > limits::invitation_hours) {
    return too_large("valid_hours", limits::invitation_hours, request.valid_hours());
  }
  if (auto checked = check_paragraph(request.note(), "note", limits::note_bytes); !checked) {
    return checked;
  }
  const std::uint32_t hours =
      request.valid_hours() == 0 ? limits::invitation_default_hours : request.valid_hours();
  out.set_max_uses(request.max_uses() == 0 ? 1 : request.max_uses());
  out.set_expires_ms(now_ms + hours * hour_ms);
  out.set_created_by(actor.account_id);
  out.set_note(request.note());
  return {};
}

void add_invitation(Decision& decision, RoleSet roles, std::uint64_t account_id,
                    const NewInvitation& fresh, v1::Invitation invitation) {
  Decided& decided = decision.add(roles, account_id);
  *decided.event.mutable_invitation_created()->mutable_invitation() = std::move(invitation);
  decided.private_part.set_invitation_hash(std::string(fresh.code_hash));
  decided.private_part.set_invitation_account(fresh.account_id);
}

Result<void> check_invitation(const store::InvitationRow* row, std::uint64_t account_id,
                              std::int64_t now_ms) {
  if (row == nullptr) return not_found();
  if (row->account_id() != 0 && account_id != 0 && row->account_id() != account_id) {
    return not_found();
  }
  const v1::Invitation& invitation = row->invitation();
  if (invitation.revoked()) return refuse(v1::REFUSAL_CODE_EXPIRED, "invitation.revoked");
  if (now_ms >= invitation.expires_ms()) {
    return refuse(v1::REFUSAL_CODE_EXPIRED, "invitation.expired");
  }
  if (invitation.uses() >= invitation.max_uses()) {
    return refuse(v1::REFUSAL_CODE_EXPIRED, "invitation.used_up");
  }
  return {};
}

}  // namespace amicale::domain
