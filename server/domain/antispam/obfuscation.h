// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The five ways in which senders hide words from filters, to teach and to judge the score with.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace amicale::domain::antispam {

enum class Obfuscation : std::uint8_t { homoglyph, zero_width, spaced, full_width, leet };

inline constexpr std::array<std::string_view, 5> obfuscation_names{"homoglyph", "zero-width",
                                                                   "spaced", "full-width", "leet"};

// `text` with about `share` thousandths of its letters (spaced: of its words) hidden so, chosen by
// `seed`. 1000 hides all.
std::string obfuscate(std::string_view text, Obfuscation kind, std::uint32_t share,
                      std::uint64_t seed);

}  // namespace amicale::domain::antispam
