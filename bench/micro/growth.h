// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <span>
#include <string_view>

namespace amicale::bench {

// `bench_micro fill FOLDER …` makes a site of a given shape, or lengthens its log; `bench_micro
// measure FOLDER …` starts the server's core on it and prints one line of JSON: one point of the
// curves that bench/growth/run draws. Two processes, so that what is measured starts cold.
// Answers the exit code; 2 when the arguments are not understood.
int growth(std::span<const std::string_view> arguments);

}  // namespace amicale::bench
