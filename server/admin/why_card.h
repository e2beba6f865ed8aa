// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/common.pb.h"
#include "amicale/v1/why.pb.h"

namespace amicale::admin {

// Why a text was advised against, held or refused, a sentence a line: each rule with its version and the words of `body` that it met,
// then the author's trust, then how to have it looked at. Printable.
std::vector<std::string> why_card(const v1::Why& why, std::string_view body, v1::Language language);

}  // namespace amicale::admin
