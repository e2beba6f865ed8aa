// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "bench/load/histogram.h"

using amicale::load::Histogram;

TEST_CASE("the load bench's quantiles are right to three percent") {
  std::mt19937_64 chance(7);
  // From nanoseconds to minutes, as latencies are: most short, a few very long.
  std::lognormal_distribution<double> durations(13, 2.5);
  Histogram histogram;
  std::vector<double> all;
  for (int i = 0; i < 100'000; ++i) {
    const auto ns = static_cast<int64_t>(durations(chance));
    histogram.add(ns);
    all.push_back(static_cast<double>(ns) / 1e3);
  }
  std::ranges::sort(all);
  for (double q : {0.0, 0.01, 0.5, 0.99, 0.999, 1.0}) {
    const double exact = all[static_cast<size_t>(q * static_cast<double>(all.size() - 1))];
    CAPTURE(q);
    CHECK(histogram.quantile_us(q) >= exact * 0.97);
    CHECK(histogram.quantile_us(q) <= exact * 1.03);
  }
  CHECK(histogram.max_us() == all.back());
}

TEST_CASE("the load bench's quantiles of nothing, of one and of the smallest") {
  Histogram histogram;
  CHECK(histogram.quantile_us(0.5) == 0);
  histogram.add(-5);  // a clock that went back counts as no time
  CHECK(histogram.quantile_us(0.5) == 0);
  histogram.clear();
  histogram.add(1'000);
  CHECK(histogram.quantile_us(0.0) == histogram.quantile_us(1.0));
  CHECK(histogram.quantile_us(0.5) == doctest::Approx(1.0).epsilon(0.03));
  Histogram other;
  other.add(3'000);
  histogram.add(other);
  CHECK(histogram.count() == 2);
  CHECK(histogram.max_us() == 3);
  histogram.add(INT64_MAX);  // beyond the last bucket
  CHECK(histogram.quantile_us(1.0) > 1e9);
}
