// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/connections.h"

namespace amicale::load {

// What a run is asked to do, beside its plan.
struct Schedule {
  double rate =
      0;  // posts per second, sent when they are due whatever the server does; 0 = a closed window
  uint32_t window = 0;  // posts under way, each replaced when all members have it
  double warm_up_s = 1;
  double seconds = 5;
  double patience_s = 60;
  uint32_t at_once = 256;        // connections on their way in at a time
  std::vector<pid_t> processes;  // of the server
  uint64_t seed = 1;             // who posts where
};

// Figures by name, in the order in which they were found.
class Report {
 public:
  void add(const std::string& name, double value);
  void add(const std::string& name, const std::string& value);
  std::string json() const;

 private:
  std::vector<std::pair<std::string, std::string>> figures_;
};

// W1, W1b, W2: posts into rooms whose members all follow; CPU of the server per delivery, latency from the intended time.
void fan_out(Connections&, Traffic&, const Plan&, const Schedule&, Report&);
// W3: each link posts, waits for the answer, posts again.
void durable_posts(Connections&, Traffic&, const Plan&, const Schedule&, Report&);
// W4: connections that have joined and say nothing; memory for each, CPU to let them in.
void idle(Connections&, Traffic&, const Plan&, const Schedule&, Report&);
// W5: each link asks for the room's last messages, over and over.
void pages(Connections&, Traffic&, const Plan&, const Schedule&, Report&);
// W6: all are cut at once and come back.
void rejoin(Connections&, Traffic&, const Plan&, const Schedule&, Report&);

}  // namespace amicale::load
