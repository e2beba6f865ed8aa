// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A charter as a file that people write, in TOML:
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

#include "amicale/v1/state.pb.h"

namespace amicale::admin {

// The rules, or what can't be read, with its line. Whether they make a good charter is the server's rule to say.
std::expected<v1::Charter, std::string> charter_from(std::string_view toml);

std::string charter_to_toml(const v1::Charter& charter);

}  // namespace amicale::admin
