// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/domain/antispam/folding.h"

namespace amicale::domain::antispam {

// What a name looks like: its UTS #39 skeleton after case, accents and spaces are folded. Names that
// are read alike have the same: "Anne Roy" and "ANNE R0Y", "Modérateur" and "rnoderateur".
std::string look_of_name(const Folding& folding, std::string_view name);

// Whether a name looks like one of `others`.
bool looks_like_any(const Folding& folding, std::string_view name,
                    std::span<const std::string> others);

// Whether a name claims an office by its words alone ("Admin", "Modération HEC", "Support").
bool claims_office(const Folding& folding, std::string_view name);

}  // namespace amicale::domain::antispam
