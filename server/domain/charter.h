// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club's charter: its rules as data, and what follows from them.
//
// A rule is a plain sentence in two languages, the reasons and detectors that stand for a breach of it, and
// a ladder of what is done about the first breach and the next ones. The ladder begins with help, and puts
// nobody out before its third step. A version never changes; another one is adopted by two of the
// committee (proposal.h), and in force from its seq on. Whoever joins accepts the one in force; whoever
// accepted an older one accepts anew before they post, edit or react, whatever their office. In a club
// without a charter nothing is asked.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

using CharterRules = google::protobuf::RepeatedPtrField<v1::CharterRule>;

// The one that a club begins from. Its version is 0.
const v1::Charter& default_charter();

// A charter's rules, before they are proposed.
Result<void> check_rules(const CharterRules& rules);

// proposal_id: its number; of site staff, who adopt it at once, object_id: the version.
Result<Decision> propose_charter(const ClubState& club, const v1::ProposeCharter& request,
                                 const Actor& actor, std::int64_t now_ms);

// Who stands behind a charter.
struct Adoption {
  std::uint64_t proposed_by = 0;
  std::uint64_t confirmed_by = 0;  // 0: site staff alone
};

// Appends the next version, in force from then on. object_id becomes its version.
void add_adopted(Decision& decision, const ClubState& club, const CharterRules& rules,
                 const Adoption& by, std::int64_t now_ms);

// Nothing changes when it is accepted already. object_id: the version.
Result<Decision> accept_charter(const ClubState& club, const v1::AcceptCharter& request,
                                const Actor& actor);

// CHARTER_NEEDED when a club with a charter is entered without the version in force.
Result<void> check_joining(const ClubState& club, std::uint64_t accepted);
// CHARTER_NEEDED when a member has not accepted the version in force. O(1).
Result<void> check_accepted(const ClubState& club, const Actor& actor);

// The rule for a reason, or for what noticed a breach; null when the charter has none.
const v1::CharterRule* find_rule(const v1::Charter& charter, v1::ReasonCode reason);
const v1::CharterRule* find_rule(const v1::Charter& charter, std::string_view detector);

// Writes into a sanction which rule was broken, by its reason.
void note_rule(v1::Sanction& sanction, const v1::Charter& charter);

Quote quote_of(const v1::Charter& charter, const v1::CharterRule& rule);

// Whether a refusal has to do with keeping order, so that it quotes the charter.
bool keeps_order(const Refusal& refusal);

// What the ladder says is next. `history`: what the club ever imposed on the person, in any order. `charter`
// of version 0: none is adopted, and the default one advises.
v1::SuggestSanctionReply suggest(const v1::Charter& charter, std::span<const v1::Sanction> history,
                                 v1::ReasonCode reason, std::int64_t now_ms);

}  // namespace amicale::domain
