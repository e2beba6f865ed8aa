// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/charter.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/proposal.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

constexpr int puts_out_from = 2;  // index of the first step that may

std::string path(int index, std::string_view field) {
  return "rules." + std::to_string(index) + "." + std::string(field);
}

bool is_detector(std::string_view id) {
  return !id.empty() && id.size() <= limits::detector_bytes && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool puts_out(v1::Measure measure) {
  return measure == v1::MEASURE_KICK || measure == v1::MEASURE_BAN;
}

bool is_good_step(const v1::LadderStep& step, int index) {
  std::uint32_t most = 0;
  bool needed = false;
  switch (step.measure()) {
    case v1::MEASURE_NUDGE:
    case v1::MEASURE_HOLD:
    case v1::MEASURE_WARNING:
    case v1::MEASURE_KICK: break;
    case v1::MEASURE_MUTE:
      most = limits::mute_max_s;
      needed = true;
      break;
    case v1::MEASURE_SUSPENSION:
      most = limits::suspension_max_s;
      needed = true;
      break;
    case v1::MEASURE_BAN: most = limits::ban_max_s; break;
    default: return false;
  }
  if (puts_out(step.measure()) && index < puts_out_from) return false;
  if (index == 0 && step.measure() > v1::MEASURE_WARNING) return false;
  if (step.duration_s() == 0) return !needed;
  return step.duration_s() >= limits::sanction_min_s && step.duration_s() <= most;
}

Result<void> check_ladder(const v1::CharterRule& rule, int index) {
  const auto steps = static_cast<std::uint32_t>(rule.ladder_size());
  if (steps > limits::ladder_steps) {
    return too_large(path(index, "ladder"), limits::ladder_steps, steps);
  }
  bool good = steps != 0;
  for (int i = 0; i < rule.ladder_size(); ++i) {
    good = good && is_good_step(rule.ladder(i), i) &&
           (i == 0 || rule.ladder(i).measure() >= rule.ladder(i - 1).measure());
  }
  if (!good) return bad_request(path(index, "ladder"), "charter.ladder");
  return {};
}

Result<void> check_sentence(std::string_view text, int index, std::string_view field) {
  if (text.empty()) return bad_request(path(index, field), "charter.language");
  return check_paragraph(text, path(index, field), limits::charter_sentence_bytes);
}

Result<void> check_rule(const v1::CharterRule& rule, int index) {
  if (auto id = check_slug(rule.rule_id(), path(index, "rule_id")); !id) return id;
  if (auto fr = check_sentence(rule.fr(), index, "fr"); !fr) return fr;
  if (auto en = check_sentence(rule.en(), index, "en"); !en) return en;
  for (const int reason : rule.reasons()) {
    if (reason == v1::REASON_CODE_UNSPECIFIED || !v1::ReasonCode_IsValid(reason)) {
      return bad_request(path(index, "reasons"));
    }
  }
  const auto named = static_cast<std::uint32_t>(rule.detectors_size());
  if (named > limits::charter_detectors) {
    return too_large(path(index, "detectors"), limits::charter_detectors, named);
  }
  if (!std::ranges::all_of(rule.detectors(), is_detector)) {
    return bad_request(path(index, "detectors"));
  }
  return check_ladder(rule, index);
}

// The step of a ladder that a sanction stands on, when `after` was the one before it.
int step_of(const v1::CharterRule& rule, v1::SanctionKind kind, int after) {
  const int severity = static_cast<int>(kind) - static_cast<int>(v1::SANCTION_KIND_WARNING) +
                       static_cast<int>(v1::MEASURE_WARNING);
  for (int i = after + 1; i < rule.ladder_size(); ++i) {
    if (static_cast<int>(rule.ladder(i).measure()) >= severity) return i;
  }
  return rule.ladder_size() - 1;
}

bool same_rules(const CharterRules& a, const CharterRules& b) {
  return std::ranges::equal(a, b, [](const v1::CharterRule& x, const v1::CharterRule& y) {
    return x.SerializeAsString() == y.SerializeAsString();
  });
}

std::unexpected<Refusal> charter_needed(std::string_view rule_id, std::uint64_t version) {
  auto refusal = refuse(v1::REFUSAL_CODE_CHARTER_NEEDED, rule_id);
  refusal.error().quote.version = version;
  return refusal;
}

}  // namespace

Result<void> check_rules(const CharterRules& rules) {
  const auto count = static_cast<std::uint32_t>(rules.size());
  if (count == 0) return bad_request("rules", "charter.rules");
  if (count > limits::charter_rules) return too_large("rules", limits::charter_rules, count);
  std::set<std::string_view> ids;
  std::set<std::string_view> detectors;
  std::set<int> reasons;
  for (int i = 0; i < rules.size(); ++i) {
    const v1::CharterRule& rule = rules[i];
    if (auto checked = check_rule(rule, i); !checked) return checked;
    if (!ids.insert(rule.rule_id()).second) return bad_request(path(i, "rule_id"), "charter.twice");
    for (const int reason : rule.reasons()) {
      if (!reasons.insert(reason).second) return bad_request(path(i, "reasons"), "charter.twice");
    }
    for (const std::string& detector : rule.detectors()) {
      if (!detectors.insert(detector).second) {
        return bad_request(path(i, "detectors"), "charter.twice");
      }
    }
  }
  return {};
}

Result<Decision> propose_charter(const ClubState& club, const v1::ProposeCharter& request,
                                 const Actor& actor, std::int64_t now_ms) {
  if (auto allowed = may(actor, Action::change_charter); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_rules(request.rules()); !checked) {
    return std::unexpected(checked.error());
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (same_rules(request.rules(), club.charter().rules())) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "charter.same");
  }
  if (!takes_two(actor)) {
    Decision decision;
    add_adopted(decision, club, request.rules(), {.proposed_by = actor.account_id}, now_ms);
    return decision;
  }
  v1::Proposal proposal;
  proposal.set_kind(v1::PROPOSAL_KIND_CHARTER);
  *proposal.mutable_charter()->mutable_rules() = request.rules();
  proposal.set_text(request.text());
  return propose(club, std::move(proposal), {}, actor, now_ms);
}

void add_adopted(Decision& decision, const ClubState& club, const CharterRules& rules,
                 const Adoption& by, std::int64_t now_ms) {
  v1::Charter& charter =
      *decision.add(all_roles).event.mutable_charter_adopted()->mutable_charter();
  charter.set_version(club.charter().version() + 1);
  *charter.mutable_rules() = rules;
  charter.set_adopted_ms(now_ms);
  charter.set_proposed_by(by.proposed_by);
  charter.set_confirmed_by(by.confirmed_by);
  decision.object_id = charter.version();
}

Result<Decision> accept_charter(const ClubState& club, const v1::AcceptCharter& request,
                                const Actor& actor) {
  if (auto allowed = may(actor, Action::accept_charter); !allowed) {
    return std::unexpected(allowed.error());
  }
  // Staff read a club without being of it: there is nothing to note it on.
  if (club.find_member(actor.account_id) == nullptr) return not_found();
  const std::uint64_t version = club.charter().version();
  if (version == 0) return refuse(v1::REFUSAL_CODE_CONFLICT, "charter.none");
  if (request.version() != version) return refuse(v1::REFUSAL_CODE_CONFLICT, "charter.version");
  Decision decision{.object_id = version};
  if (actor.charter_version == version) return decision;
  // As the membership itself: who is on the way in is between them and the committee.
  const RoleSet roles = has(placed, actor.status) ? all_roles : committee_and_above;
  v1::CharterAccepted& accepted =
      *decision.add(roles, actor.account_id).event.mutable_charter_accepted();
  accepted.set_account_id(actor.account_id);
  accepted.set_version(version);
  return decision;
}

Result<void> check_joining(const ClubState& club, std::uint64_t accepted) {
  const std::uint64_t version = club.charter().version();
  if (version == 0 || accepted == version) return {};
  return charter_needed("charter.join", version);
}

Result<void> check_accepted(const ClubState& club, const Actor& actor) {
  const std::uint64_t version = club.charter().version();
  if (version == 0 || !has(readers, actor.status) || actor.charter_version == version) return {};
  return charter_needed("charter.accept", version);
}

const v1::CharterRule* find_rule(const v1::Charter& charter, v1::ReasonCode reason) {
  for (const v1::CharterRule& rule : charter.rules()) {
    if (std::ranges::find(rule.reasons(), static_cast<int>(reason)) != rule.reasons().end()) {
      return &rule;
    }
  }
  return nullptr;
}

const v1::CharterRule* find_rule(const v1::Charter& charter, std::string_view detector) {
  for (const v1::CharterRule& rule : charter.rules()) {
    if (std::ranges::find(rule.detectors(), detector) != rule.detectors().end()) return &rule;
  }
  return nullptr;
}

void note_rule(v1::Sanction& sanction, const v1::Charter& charter) {
  const v1::CharterRule* rule = find_rule(charter, sanction.reason());
  if (rule == nullptr) return;
  v1::BrokenRule& broken = *sanction.mutable_rule();
  broken.set_version(charter.version());
  broken.set_rule_id(rule->rule_id());
  broken.set_fr(rule->fr());
  broken.set_en(rule->en());
}

Quote quote_of(const v1::Charter& charter, const v1::CharterRule& rule) {
  return {
      .version = charter.version(), .rule_id = rule.rule_id(), .fr = rule.fr(), .en = rule.en()};
}

bool keeps_order(const Refusal& refusal) {
  if (refusal.code == v1::REFUSAL_CODE_SANCTIONED) return true;
  const std::string_view rule = refusal.rule_id;
  return rule == "room.locked" || rule == "room.slow_mode" || rule == "message.locked" ||
         rule == "message.taken_back" || rule.starts_with("spam.");
}

v1::SuggestSanctionReply suggest(const v1::Charter& charter, std::span<const v1::Sanction> history,
                                 v1::ReasonCode reason, std::int64_t now_ms) {
  v1::SuggestSanctionReply reply;
  const bool adopted = charter.version() != 0;
  const v1::CharterRule* rule = find_rule(adopted ? charter : default_charter(), reason);
  if (rule == nullptr || rule->ladder().empty()) return reply;
  *reply.mutable_rule() = *rule;
  reply.set_version(charter.version());
  std::vector<const v1::Sanction*> counted;
  for (const v1::Sanction& sanction : history) {
    const bool same = std::ranges::find(rule->reasons(), static_cast<int>(sanction.reason())) !=
                      rule->reasons().end();
    const bool recent = sanction.start_ms() + limits::ladder_memory_ms > now_ms;
    // What was taken back was no breach.
    if (same && recent && sanction.end() != v1::SANCTION_END_LIFTED) counted.push_back(&sanction);
  }
  std::ranges::sort(counted, {}, [](const v1::Sanction* s) { return s->sanction_id(); });
  int at = -1;
  for (const v1::Sanction* sanction : counted) {
    at = step_of(*rule, sanction->kind(), at);
    reply.add_counted(sanction->sanction_id());
  }
  const int next = std::min(at + 1, rule->ladder_size() - 1);
  reply.set_step(static_cast<std::uint32_t>(next));
  reply.set_takes_two(puts_out(rule->ladder(next).measure()));
  return reply;
}

}  // namespace amicale::domain
