// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What invitations to a club and to the site have in common: their fields, their life, their
// events.
#pragma once

#include <cstdint>
#include <string_view>

#include "amicale/v1/club.pb.h"
#include "server/domain/decision.h"
#include "store/rows.pb.h"

namespace amicale::domain {

// What only the caller can make or know of a new invitation.
struct NewInvitation {
  std::string_view code_hash{};  // SHA-256 of the code
  std::uint64_t account_id = 0;  // the imported account that it activates; 0 = none
};

// The request's uses, life and note, checked and with their defaults, into `out`; also who makes
// it.
Result<void> fill_invitation(const v1::CreateInvitation& request, const Actor& actor,
                             std::int64_t now_ms, v1::Invitation& out);

// Appends the event of a new invitation, for `roles` and for `account_id`.
void add_invitation(Decision& decision, RoleSet roles, std::uint64_t account_id,
                    const NewInvitation& fresh, v1::Invitation invitation);

// Whether an invitation still opens: NOT_FOUND (null, or bound to another account), EXPIRED (past,
// used up, revoked). `account_id` 0: someone who has no account yet, or the one it activates.
Result<void> check_invitation(const store::InvitationRow* row, std::uint64_t account_id,
                              std::int64_t now_ms);

}  // namespace amicale::domain
