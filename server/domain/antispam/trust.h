// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How well a club knows a member, from 0 (newcomer) to 4 (staff). Computed from four facts whenever
// it is asked; nothing is stored but the facts, so that it can be explained and never goes stale.
//
//   0  newcomer   less than a day in the club, or fewer than 3 accepted messages
//   1  known      a day and 3 accepted; or vouched for and 1 accepted
//   2  regular    14 days and 20 accepted; or vouched for, 3 days and 10
//   3  trusted    60 days and 100 accepted; sponsors
//   4  officers   committee, president, supervisor, staff of the site
//
// Each message that the committee rejected or deleted takes away ten accepted ones.
#pragma once

#include <cstdint>
#include <string>

#include "amicale/v1/common.pb.h"
#include "server/domain/roles.h"

namespace amicale::domain::antispam {

struct Standing {
  std::uint32_t accepted = 0;    // messages that stand; counted to 100
  std::uint32_t rejected = 0;    // held ones that the committee rejected
  std::uint64_t vouched_by = 0;  // who let the member in: an officer, or whose invitation it was
  std::int64_t since_ms = 0;     // when the member first was active here
};

struct Trust {
  std::uint32_t level = 0;
  std::int64_t age_ms = 0;
  std::uint32_t accepted = 0;  // after what was rejected
  bool vouched = false;
  bool by_role = false;
};

inline constexpr std::uint32_t accepted_counted = 100;  // more would change nothing

Trust trust_of(const Standing& standing, const Actor& actor, std::int64_t now_ms,
               std::uint32_t newcomer_hours);

// One sentence that says why, and what the next level takes.
std::string explain(const Trust& trust, v1::Language language);

}  // namespace amicale::domain::antispam
