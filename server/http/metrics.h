// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "amicale/v1/admin.pb.h"
#include "server/http/process.h"
#include "server/runtime/metrics.h"

namespace amicale::http {

// Everything that the server tells about itself: `total` is the sum over the shards. Names follow Prometheus: a unit at the
// end, _total for what only grows. No label ever holds an address, a name or an id, so that the list stays short and says
// nothing about a member.
std::vector<prometheus::MetricFamily> metric_families(const runtime::Metrics& total,
                                                      const ProcessFacts& process);

// The same as Prometheus text, version 0.0.4.
std::string metrics_text(const std::vector<prometheus::MetricFamily>& families);

// The same for GetStats: one Stat per line of the text.
v1::GetStatsReply metrics_stats(const std::vector<prometheus::MetricFamily>& families,
                                const ProcessFacts& process);

}  // namespace amicale::http
