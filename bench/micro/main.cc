// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What single parts cost. Without a word of its own (growth.h) it is Google Benchmark, with its
// options: `bench_micro --benchmark_filter=decide`.
#include <benchmark/benchmark.h>

#include <string_view>
#include <vector>

#include "bench/micro/growth.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (!words.empty() && (words[0] == "fill" || words[0] == "measure")) {
    return amicale::bench::growth(words);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
