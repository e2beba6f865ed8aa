// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>

#include "server/domain/roles.h"

namespace amicale::domain {

// Who an event is for, as stored in its entry (store.Audience).
struct AudienceTag {
  RoleSet roles = 0;
  std::uint64_t account = 0;
};

// Who reads. Roles are reading_role() of the membership: UNSPECIFIED when the person could not read
// the club.
struct Reader {
  v1::ClubRole role_then = v1::CLUB_ROLE_UNSPECIFIED;  // held at the event's seq
  v1::ClubRole role_now = v1::CLUB_ROLE_UNSPECIFIED;
  std::uint64_t account_id = 0;
};

// A reader sees what was for them when it happened and still is now, and what is addressed to them.
constexpr bool visible(const AudienceTag& audience, const Reader& reader) {
  if (audience.account != 0 && audience.account == reader.account_id) return true;
  if ((audience.roles & stream_followers) != 0) return true;
  return has(audience.roles, reader.role_then) && has(audience.roles, reader.role_now);
}

}  // namespace amicale::domain
