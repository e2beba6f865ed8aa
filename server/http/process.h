// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace amicale::http {

// What the system says of this process.
struct ProcessFacts {
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t max_files = 0;
  double cpu_seconds = 0;
  std::int64_t uptime_ms = 0;
  std::string version;
};

// Reads /proc; costs tens of microseconds. What cannot be read stays 0. `started_steady_ms` and `now_steady_ms` are of one
// steady clock.
ProcessFacts load_process_facts(std::int64_t started_steady_ms, std::int64_t now_steady_ms,
                                std::string_view version);

// Raises the soft limit of file descriptors to the hard one and answers what is in force.
std::uint64_t raise_file_limit();

// How many connections `max_files` descriptors allow, with enough left for the store, the log and a backup. `configured` 0
// means as many as that. The error says what to raise when the limit is too low for the configured number, or for any use.
std::expected<std::uint64_t, std::string> plan_connections(std::uint64_t max_files,
                                                           std::uint64_t configured);

}  // namespace amicale::http
