// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the operator's offline commands judge by: a model's file and a rules file. Both throw, with a sentence for the operator.
#pragma once

#include <string>

#include "server/admin/console.h"
#include "server/domain/antispam/judge.h"

namespace amicale::admin {

// Empty: the model that the program carries.
domain::antispam::Filter read_filter(const Console& console, const std::string& file);
// Empty: the built-in rules.
domain::antispam::Rules read_rules(const Console& console, const domain::antispam::Filter& filter,
                                   const std::string& file);

}  // namespace amicale::admin
