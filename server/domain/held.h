// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What holds somebody back: sanctions that stand, as the rules and refusals need them.
#pragma once

#include <cstdint>

#include "amicale/v1/common.pb.h"

namespace amicale::domain {

// A sanction in few words. A kind of UNSPECIFIED is none.
struct Held {
  std::uint64_t sanction_id = 0;
  std::uint64_t club_id = 0;  // 0 = the whole site
  std::uint64_t room_id = 0;  // 0 = everywhere in it
  std::int64_t until_ms = 0;  // 0 = until it is lifted
  v1::SanctionKind kind = v1::SANCTION_KIND_UNSPECIFIED;
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;

  // Its end needs no event to be in force: from that instant on it holds nothing back.
  bool stands_at(std::int64_t now_ms) const { return until_ms == 0 || until_ms > now_ms; }
  bool operator==(const Held&) const = default;
};

// A sanction of which no event has said yet that it ended.
struct SanctionState {
  std::uint64_t account_id = 0;
  Held held{};
  bool by_site = false;
  v1::MemberStatus status_before = v1::MEMBER_STATUS_UNSPECIFIED;
};

}  // namespace amicale::domain
