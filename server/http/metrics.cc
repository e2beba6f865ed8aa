// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/metrics.h"

#include <prometheus/text_serializer.h>

#include <limits>
#include <sstream>

#include "amicale/v1/error.pb.h"

namespace amicale::http {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Builds the list, one line of code per metric.
class Families {
 public:
  void counter(std::string name, std::string help, double value) {
    auto& metric = add(std::move(name), std::move(help), MetricType::Counter);
    metric.counter.value = value;
  }
  void gauge(std::string name, std::string help, double value) {
    auto& metric = add(std::move(name), std::move(help), MetricType::Gauge);
    metric.gauge.value = value;
  }
  // `scale` turns the histogram's unit into the exported one.
  template <class Histogram>
  void histogram(std::string name, std::string help, const Histogram& counts, double scale) {
    auto& metric = add(std::move(name), std::move(help), MetricType::Histogram);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i + 1 < counts.buckets.size(); ++i) {
      below += counts.buckets[i];
      metric.histogram.bucket.push_back(
          {below, static_cast<double>(Histogram::first << i) * scale});
    }
    metric.histogram.bucket.push_back({counts.count, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = counts.count;
    metric.histogram.sample_sum = static_cast<double>(counts.sum) * scale;
  }
  void refusals(const std::array<std::uint64_t, 32>& by_code) {
    constexpr std::string_view kPrefix = "REFUSAL_CODE_";
    auto& family = families_.emplace_back();
    family.name = "amicale_refusals_total";
    family.help = "Requests refused, by code of error.proto.";
    family.type = MetricType::Counter;
    for (int code = v1::RefusalCode_MIN + 1; code <= v1::RefusalCode_MAX; ++code) {
      if (!v1::RefusalCode_IsValid(code)) continue;
      auto& metric = family.metric.emplace_back();
      metric.label.push_back({"code", v1::RefusalCode_Name(code).substr(kPrefix.size())});
      metric.counter.value = static_cast<double>(by_code[static_cast<std::size_t>(code)]);
    }
  }
  void version(const std::string& version) {
    add("amicale_build_info", "Always 1; the label is the version.", MetricType::Gauge);
    auto& metric = families_.back().metric.back();
    metric.label.push_back({"version", version});
    metric.gauge.value = 1;
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  ClientMetric& add(std::string name, std::string help, MetricType type) {
    auto& family = families_.emplace_back();
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    return family.metric.emplace_back();
  }
  std::vector<MetricFamily> families_;
};

static_assert(v1::RefusalCode_MAX < 32, "runtime::Metrics::refusals has a place for every code");

std::string labels_text(const std::vector<ClientMetric::Label>& labels) {
  std::string text;
  for (const auto& label : labels)
    text += (text.empty() ? "" : ",") + label.name + "=\"" + label.value + "\"";
  return text;
}

void add_stat(v1::GetStatsReply& reply, const std::string& name, const std::string& labels,
              double value) {
  auto* stat = reply.add_stats();
  stat->set_name(name);
  stat->set_labels(labels);
  stat->set_value(value);
}

}  // namespace

std::vector<MetricFamily> metric_families(const runtime::Metrics& total,
                                          const ProcessFacts& process) {
  Families f;
  const auto n = [](auto value) { return static_cast<double>(value); };
  f.version(process.version);
  f.gauge("amicale_connections", "Connections open now.", n(total.connections));
  f.counter("amicale_connections_total", "Connections accepted.", n(total.connections_total));
  f.counter("amicale_connections_refused_total", "Connections turned away at a cap.",
            n(total.connections_refused));
  f.gauge("amicale_sessions", "Authenticated WebSocket sessions open now.", n(total.sessions));
  f.gauge("amicale_behind_sessions", "Sessions that are fed from the log now.",
          n(total.behind_sessions));
  f.counter("amicale_frames_in_total", "WebSocket messages received.", n(total.frames_in));
  f.counter("amicale_bytes_in_total", "Bytes of WebSocket messages received.", n(total.bytes_in));
  f.counter("amicale_writes_total", "Gathering writes to sessions: one WebSocket message each.",
            n(total.frames_out));
  f.counter("amicale_bytes_out_total", "Bytes of WebSocket messages sent.", n(total.bytes_out));
  f.counter("amicale_deliveries_total", "Events written to sessions.", n(total.deliveries));
  f.histogram("amicale_events_per_write", "Events gathered into one write.", total.events_per_write,
              1);
  f.counter("amicale_ring_misses_total", "Times a session's cursor fell off its ring.",
            n(total.ring_misses));
  f.counter("amicale_log_pages_total", "Pages of the log read for sessions that were behind.",
            n(total.log_pages));
  f.counter("amicale_signals_shed_total", "Signals not sent because of a ceiling.",
            n(total.signals_shed));
  f.counter("amicale_commits_total", "Commits made durable.", n(total.commits));
  f.counter("amicale_commit_failures_total", "Commits whose write failed.",
            n(total.commit_failures));
  f.counter("amicale_events_total", "Events committed.", n(total.events));
  f.histogram("amicale_commit_seconds", "From append to durable.", total.commit_us, 1e-6);
  f.histogram("amicale_commit_commands", "Commands decided into one commit.", total.turn_commands,
              1);
  f.counter("amicale_logins_total", "Logins that succeeded.", n(total.logins));
  f.counter("amicale_logins_failed_total", "Logins with a wrong login or password.",
            n(total.logins_failed));
  f.gauge("amicale_partitions", "Partitions loaded now.", n(total.partitions));
  f.refusals(total.refusals);
  f.gauge("process_resident_memory_bytes", "Resident memory.", n(process.resident_bytes));
  f.gauge("process_open_fds", "Open file descriptors.", n(process.open_files));
  f.gauge("process_max_fds", "Limit of open file descriptors.", n(process.max_files));
  f.counter("process_cpu_seconds_total", "Processor time, user and system.", process.cpu_seconds);
  f.gauge("amicale_uptime_seconds", "Time since the start.", n(process.uptime_ms) / 1000);
  return f.take();
}

std::string metrics_text(const std::vector<MetricFamily>& families) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

v1::GetStatsReply metrics_stats(const std::vector<MetricFamily>& families,
                                const ProcessFacts& process) {
  v1::GetStatsReply reply;
  for (const auto& family : families) {
    for (const auto& metric : family.metric) {
      const auto labels = labels_text(metric.label);
      if (family.type == MetricType::Histogram) {
        add_stat(reply, family.name + "_count", labels,
                 static_cast<double>(metric.histogram.sample_count));
        add_stat(reply, family.name + "_sum", labels, metric.histogram.sample_sum);
        for (const auto& bucket : metric.histogram.bucket) {
          std::ostringstream bound;
          bound << bucket.upper_bound;
          add_stat(reply, family.name + "_bucket", "le=\"" + bound.str() + "\"",
                   static_cast<double>(bucket.cumulative_count));
        }
      } else {
        add_stat(reply, family.name, labels,
                 family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value);
      }
    }
  }
  reply.set_uptime_ms(process.uptime_ms);
  reply.set_version(process.version);
  return reply;
}

}  // namespace amicale::http
