// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A charter as people read it, and as a file that they write, in TOML:
//
//   [[rule]]
//   id = "respect"                       # the same from one version to the next
//   fr = "On se parle avec respect."
//   en = "We speak with respect."
//   reasons = ["insult", "harassment"]   # as in `sanction impose`
//   detectors = ["spam.links"]           # ids of rules that refuse by themselves
//   ladder = ["nudge", "warning", "mute 2h", "suspension 7d", "ban"]
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/state.pb.h"

namespace amicale::admin {

// The rules, or what can't be read, with its line. Whether they make a good charter is the server's rule to say.
std::expected<v1::Charter, std::string> charter_from(std::string_view toml);

std::string charter_to_toml(const v1::Charter& charter);

std::string step_text(const v1::LadderStep& step, v1::Language language);  // "mute 2h", in words

// A charter as people read it, for a terminal: per rule an empty line, its number, sentence and id, and its ladder.
std::vector<std::string> charter_lines(const v1::Charter& charter, v1::Language language);

}  // namespace amicale::admin
