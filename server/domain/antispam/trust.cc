// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/trust.h"

#include <algorithm>

namespace amicale::domain::antispam {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

}  // namespace

Trust trust_of(const Standing& standing, const Actor& actor, std::int64_t now_ms,
               std::uint32_t newcomer_hours) {
  Trust trust;
  trust.age_ms = standing.since_ms == 0 ? 0 : std::max<std::int64_t>(0, now_ms - standing.since_ms);
  const std::uint32_t lost = std::min(standing.accepted, 10 * standing.rejected);
  trust.accepted = standing.accepted - lost;
  trust.vouched = standing.vouched_by != 0;
  if (is_site_staff(actor.site_role) || has(committee_and_above, actor.role)) {
    trust.level = 4;
    trust.by_role = true;
    return trust;
  }
  if (actor.role == v1::CLUB_ROLE_SPONSOR) {
    trust.level = 3;
    trust.by_role = true;
    return trust;
  }
  const auto at_least = [&](std::int64_t age_ms, std::uint32_t accepted) {
    return trust.age_ms >= age_ms && trust.accepted >= accepted;
  };
  if (at_least(60 * day_ms, 100)) {
    trust.level = 3;
  } else if (at_least(14 * day_ms, 20) || (trust.vouched && at_least(3 * day_ms, 10))) {
    trust.level = 2;
  } else if (at_least(newcomer_hours * hour_ms, 3) || (trust.vouched && trust.accepted >= 1)) {
    trust.level = 1;
  }
  return trust;
}

std::string explain(const Trust& trust, v1::Language language) {
  const bool english = language == v1::LANGUAGE_EN;
  const std::string level = std::to_string(trust.level);
  if (trust.by_role) {
    return english ? "Trust " + level + ": by role." : "Confiance " + level + " : par le rôle.";
  }
  const std::string days = std::to_string(trust.age_ms / day_ms);
  const std::string accepted = std::to_string(trust.accepted);
  std::string next;
  switch (trust.level) {
    case 0:
      next = english ? " Next level: one day in the club and 3 accepted messages."
                     : " Prochain palier : un jour dans le club et 3 messages acceptés.";
      break;
    case 1:
      next = english ? " Next level: 14 days and 20 accepted messages."
                     : " Prochain palier : 14 jours et 20 messages acceptés.";
      break;
    case 2:
      next = english ? " Next level: 60 days and 100 accepted messages."
                     : " Prochain palier : 60 jours et 100 messages acceptés.";
      break;
    default: break;
  }
  if (english) {
    return "Trust " + level + ": days here: " + days + ", accepted messages: " + accepted +
           (trust.vouched ? ", vouched for." : ".") + next;
  }
  return "Confiance " + level + " : jours ici : " + days + ", messages acceptés : " + accepted +
         (trust.vouched ? ", avec parrainage." : ".") + next;
}

}  // namespace amicale::domain::antispam
