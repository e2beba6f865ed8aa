// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of one account's own log: profile, password, devices, read marks, levels, and notices of
// what concerns it elsewhere.
#pragma once

#include <cstdint>
#include <string_view>

#include "amicale/v1/account.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// A profile to begin with. Names were checked when the site registered the account; the display name
// is stored in its normal form here as there.
struct NewProfile {
  std::string_view login{};
  std::string_view display_name{};
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  v1::SiteRole site_role = v1::SITE_ROLE_NONE;
};

// The account's first event. Empty when it is opened already.
Decision open_account(const AccountState& account, const NewProfile& profile);

// At least one field; an absent one stays.
Result<Decision> change_profile(const AccountState& account, const v1::ChangeProfile& request);

// The site decided a role (site.h); the account's own log takes it over.
Decision take_site_role(const AccountState& account, v1::SiteRole role);

// Sets a password, by its hash in PHC form, and revokes every device but `kept_token_id` (0 = none
// kept).
Decision set_password(const AccountState& account, std::string_view password_hash,
                      std::uint64_t kept_token_id);

// A new device; the oldest gives way above limits::devices_per_account. SANCTIONED while the account is banned
// from the site. object_id: the token's id.
Result<Decision> issue_token(const AccountState& account, std::string_view token_hash,
                             std::string_view device_name, std::int64_t now_ms);

// One device, or all. NOT_FOUND: no such live device. Whose account may be meant is the permission
// table's.
Result<Decision> revoke_token(const AccountState& account, const v1::RevokeToken& request);

struct ReadFacts {
  std::uint64_t marked = 0;       // the present mark, 0 = none
  std::uint64_t head_number = 0;  // of the room, which the caller reads
};

// Never goes back; a mark beyond the head is BAD_REQUEST.
Result<Decision> mark_read(const ReadFacts& facts, const v1::MarkRead& request);

// `present`: the level that is set now, UNSPECIFIED = none.
Result<Decision> set_level(v1::NotificationLevel present, const v1::SetLevel& request);

// What happened elsewhere and concerns this account.
Decision notice_membership(std::uint64_t club_id, v1::ClubRole role, v1::MemberStatus status);
Decision notice_direct(std::uint64_t direct_id);

}  // namespace amicale::domain
