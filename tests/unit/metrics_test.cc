// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "amicale/v1/error.pb.h"

namespace amicale::http {
namespace {

runtime::Metrics some_metrics() {
  runtime::Metrics metrics;
  metrics.connections = 3;
  metrics.deliveries = 1000;
  metrics.refusals[v1::REFUSAL_CODE_NOT_FOUND] = 2;
  metrics.commit_us.add(100);
  metrics.commit_us.add(1'000'000'000);
  return metrics;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.starts_with(line + "\n") || text.find("\n" + line + "\n") != std::string::npos;
}

TEST_CASE("metrics are Prometheus text with a help and a type each") {
  const auto text = metrics_text(metric_families(some_metrics(), {}));
  CHECK(has_line(text, "# TYPE amicale_connections gauge"));
  CHECK(has_line(text, "amicale_connections 3"));
  CHECK(has_line(text, "# TYPE amicale_deliveries_total counter"));
  CHECK(has_line(text, "amicale_deliveries_total 1000"));
}

TEST_CASE("refusals are counted by code, those that never happened included") {
  const auto text = metrics_text(metric_families(some_metrics(), {}));
  CHECK(has_line(text, "amicale_refusals_total{code=\"NOT_FOUND\"} 2"));
  CHECK(has_line(text, "amicale_refusals_total{code=\"NO_SPACE\"} 0"));
}

TEST_CASE("a histogram's buckets are cumulative, in seconds, and end at infinity") {
  const auto families = metric_families(some_metrics(), {});
  const auto commit =
      std::ranges::find(families, "amicale_commit_seconds", &prometheus::MetricFamily::name);
  REQUIRE(commit != families.end());
  const auto& histogram = commit->metric.front().histogram;
  CHECK(histogram.sample_count == 2);
  CHECK(histogram.bucket.front().upper_bound == doctest::Approx(32e-6));
  CHECK(histogram.bucket[2].cumulative_count == 1);
  CHECK(histogram.bucket[histogram.bucket.size() - 2].cumulative_count == 1);
  CHECK(histogram.bucket.back().cumulative_count == 2);
  CHECK(std::ranges::is_sorted(histogram.bucket, {},
                               &prometheus::ClientMetric::Bucket::cumulative_count));
}

TEST_CASE("counters end in _total, and no name is used twice") {
  auto families = metric_families({}, {});
  std::vector<std::string> names;
  for (const auto& family : families) {
    CAPTURE(family.name);
    CHECK_FALSE(family.help.empty());
    CHECK((family.type == prometheus::MetricType::Counter) == family.name.ends_with("_total"));
    names.push_back(family.name);
  }
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
}

TEST_CASE("GetStats tells the same as the metrics") {
  ProcessFacts process;
  process.uptime_ms = 5000;
  process.version = "1.2.3";
  const auto stats = metrics_stats(metric_families(some_metrics(), process), process);
  CHECK(stats.uptime_ms() == 5000);
  CHECK(stats.version() == "1.2.3");
  const auto find = [&](const std::string& name, const std::string& labels) {
    for (const auto& stat : stats.stats())
      if (stat.name() == name && stat.labels() == labels) return stat.value();
    return -1.0;
  };
  CHECK(find("amicale_connections", "") == 3);
  CHECK(find("amicale_refusals_total", "code=\"NOT_FOUND\"") == 2);
  CHECK(find("amicale_commit_seconds_count", "") == 2);
  CHECK(find("amicale_commit_seconds_bucket", "le=\"inf\"") == 2);
}

TEST_CASE("the process knows its memory and its files") {
  const auto facts = load_process_facts(1000, 3500, "1.2.3");
  CHECK(facts.resident_bytes > 1'000'000);
  CHECK(facts.open_files >= 3);
  CHECK(facts.max_files >= facts.open_files);
  CHECK(facts.uptime_ms == 2500);
  CHECK(facts.version == "1.2.3");
}

TEST_CASE("connections are planned from the limit of files") {
  CHECK(plan_connections(1024, 0) == 768);
  CHECK(plan_connections(256, 0) == 192);
  CHECK(plan_connections(1'000'000, 0) == 999'488);
  CHECK(plan_connections(1024, 500) == 500);
  CHECK(plan_connections(1024, 10'000).error().find("raise it") != std::string::npos);
  CHECK_FALSE(plan_connections(64, 0));
  CHECK_FALSE(plan_connections(0, 0));
}

}  // namespace
}  // namespace amicale::http
