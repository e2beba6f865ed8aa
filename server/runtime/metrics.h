// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>

namespace amicale::runtime {

// Counts values in buckets that double: bucket i holds values up to first << i, the last one everything above.
template <uint64_t First, std::size_t Count>
struct DoublingHistogram {
  static constexpr uint64_t first = First;
  std::array<uint64_t, Count> buckets{};
  uint64_t count = 0;
  uint64_t sum = 0;

  void add(uint64_t value) {
    std::size_t i = 0;
    while (i + 1 < Count && value > (First << i)) ++i;
    ++buckets[i];
    ++count;
    sum += value;
  }
  DoublingHistogram& operator+=(const DoublingHistogram& other) {
    for (std::size_t i = 0; i < Count; ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
    return *this;
  }
};

// What one shard counts. Plain numbers: written only on the shard, read by a call to it, added up by whoever asked.
struct Metrics {
  uint64_t connections = 0;          // open now
  uint64_t connections_total = 0;    // accepted since the start
  uint64_t connections_refused = 0;  // turned away at a cap
  uint64_t sessions = 0;             // authenticated now
  uint64_t behind_sessions = 0;      // fed from the log now
  uint64_t frames_in = 0;
  uint64_t bytes_in = 0;
  uint64_t frames_out = 0;  // WebSocket messages written: one gathering write each
  uint64_t bytes_out = 0;
  uint64_t deliveries = 0;   // events written to sessions
  uint64_t ring_misses = 0;  // times a cursor fell off its ring
  uint64_t log_pages = 0;    // pages read from the log for sessions that are behind
  uint64_t signals_shed = 0;
  uint64_t commits = 0;
  uint64_t events = 0;
  uint64_t commit_failures = 0;
  uint64_t logins = 0;
  uint64_t logins_failed = 0;
  uint64_t partitions = 0;                    // loaded now
  std::array<uint64_t, 32> refusals{};        // by v1::RefusalCode
  DoublingHistogram<32, 16> commit_us;        // append to durable, microseconds
  DoublingHistogram<1, 12> turn_commands;     // commands decided in one turn
  DoublingHistogram<1, 12> events_per_write;  // events in one gathering write

  Metrics& operator+=(const Metrics& o) {
    connections += o.connections;
    connections_total += o.connections_total;
    connections_refused += o.connections_refused;
    sessions += o.sessions;
    behind_sessions += o.behind_sessions;
    frames_in += o.frames_in;
    bytes_in += o.bytes_in;
    frames_out += o.frames_out;
    bytes_out += o.bytes_out;
    deliveries += o.deliveries;
    ring_misses += o.ring_misses;
    log_pages += o.log_pages;
    signals_shed += o.signals_shed;
    commits += o.commits;
    events += o.events;
    commit_failures += o.commit_failures;
    logins += o.logins;
    logins_failed += o.logins_failed;
    partitions += o.partitions;
    for (std::size_t i = 0; i < refusals.size(); ++i) refusals[i] += o.refusals[i];
    commit_us += o.commit_us;
    turn_commands += o.turn_commands;
    events_per_write += o.events_per_write;
    return *this;
  }
};

}  // namespace amicale::runtime
