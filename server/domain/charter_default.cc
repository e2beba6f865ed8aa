// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The charter that a club begins from: short enough to be read before one joins.
#include <initializer_list>
#include <utility>

#include "server/domain/charter.h"

namespace amicale::domain {
namespace {

constexpr std::uint32_t hour = 3'600;
constexpr std::uint32_t day = 24 * hour;

struct Sentence {
  const char* id;
  const char* fr;
  const char* en;
};
using Ladder = std::initializer_list<std::pair<v1::Measure, std::uint32_t>>;

void add_rule(v1::Charter& charter, const Sentence& says,
              std::initializer_list<v1::ReasonCode> reasons,
              std::initializer_list<const char*> detectors, Ladder ladder) {
  v1::CharterRule& rule = *charter.add_rules();
  rule.set_rule_id(says.id);
  rule.set_fr(says.fr);
  rule.set_en(says.en);
  for (const auto reason : reasons) rule.add_reasons(reason);
  for (const char* detector : detectors) rule.add_detectors(detector);
  for (const auto& [measure, duration_s] : ladder) {
    v1::LadderStep& step = *rule.add_ladder();
    step.set_measure(measure);
    step.set_duration_s(duration_s);
  }
}

v1::Charter make() {
  using enum v1::Measure;
  v1::Charter charter;
  add_rule(charter,
           {"respect", "On se parle avec respect : ni insulte, ni moquerie, ni acharnement.",
            "We speak with respect: no insults, no mockery, no hounding."},
           {v1::REASON_CODE_INSULT, v1::REASON_CODE_HARASSMENT}, {"message.locked"},
           {{MEASURE_NUDGE, 0},
            {MEASURE_WARNING, 0},
            {MEASURE_MUTE, 2 * hour},
            {MEASURE_MUTE, 3 * day},
            {MEASURE_SUSPENSION, 14 * day},
            {MEASURE_BAN, 0}});
  add_rule(charter,
           {"dignite", "Personne n’est attaqué pour ce qu’il est.",
            "Nobody is attacked for who they are."},
           {v1::REASON_CODE_HATE}, {},
           {{MEASURE_WARNING, 0}, {MEASURE_SUSPENSION, 7 * day}, {MEASURE_BAN, 0}});
  add_rule(charter,
           {"publicite", "Pas de publicité directe : on offre son aide, on ne vend pas.",
            "No direct advertising: we offer help, we do not sell."},
           {v1::REASON_CODE_ADVERTISING}, {"spam.advert"},
           {{MEASURE_NUDGE, 0},
            {MEASURE_HOLD, 0},
            {MEASURE_WARNING, 0},
            {MEASURE_MUTE, day},
            {MEASURE_SUSPENSION, 30 * day}});
  add_rule(charter,
           {"pourriel", "Pas de pourriel : ni envois en masse, ni liens trompeurs, ni répétitions.",
            "No spam: no bulk messages, no deceptive links, no repetition."},
           {v1::REASON_CODE_SPAM},
           {"room.slow_mode", "spam.score", "spam.quiet", "spam.mentions", "spam.links",
            "spam.duplicate", "spam.disguise"},
           {{MEASURE_NUDGE, 0},
            {MEASURE_HOLD, 0},
            {MEASURE_MUTE, hour},
            {MEASURE_MUTE, 7 * day},
            {MEASURE_BAN, 0}});
  add_rule(charter,
           {"sujet", "On reste dans le sujet de la salle.", "We keep to the room’s subject."},
           {v1::REASON_CODE_OFF_TOPIC}, {"room.locked"},
           {{MEASURE_NUDGE, 0}, {MEASURE_NUDGE, 0}, {MEASURE_WARNING, 0}, {MEASURE_MUTE, hour}});
  add_rule(
      charter,
      {"vie-privee", "Ce qui est privé le reste : on ne diffuse ni coordonnées ni confidences.",
       "What is private stays so: no sharing of others’ details or confidences."},
      {v1::REASON_CODE_PRIVACY}, {},
      {{MEASURE_NUDGE, 0},
       {MEASURE_WARNING, 0},
       {MEASURE_MUTE, 3 * day},
       {MEASURE_SUSPENSION, 30 * day}});
  add_rule(
      charter, {"identite", "On parle en son propre nom.", "We speak in our own name."},
      {v1::REASON_CODE_IMPERSONATION}, {"spam.name"},
      {{MEASURE_NUDGE, 0}, {MEASURE_WARNING, 0}, {MEASURE_SUSPENSION, 7 * day}, {MEASURE_BAN, 0}});
  add_rule(charter, {"loi", "On respecte la loi.", "We keep the law."}, {v1::REASON_CODE_ILLEGAL},
           {}, {{MEASURE_WARNING, 0}, {MEASURE_SUSPENSION, 30 * day}, {MEASURE_BAN, 0}});
  add_rule(
      charter,
      {"bon-sens", "Ce que la charte ne prévoit pas se règle avec bon sens, en disant pourquoi.",
       "What the charter does not foresee is settled with good sense, and a reason given."},
      {v1::REASON_CODE_OTHER}, {"message.taken_back"},
      {{MEASURE_NUDGE, 0}, {MEASURE_WARNING, 0}, {MEASURE_MUTE, day}});
  return charter;
}

}  // namespace

const v1::Charter& default_charter() {
  static const v1::Charter charter = make();
  return charter;
}

}  // namespace amicale::domain
