// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/process.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace amicale::http {
namespace {

// Below this many connections a server is of no use, and the limit is a mistake.
constexpr std::uint64_t kLeastConnections = 16;

// Descriptors for what is not a connection: RocksDB's files, sockets to itself, logs, a backup's copy.
std::uint64_t reserved_files(std::uint64_t max_files) {
  return std::clamp<std::uint64_t>(max_files / 4, 64, 512);
}

std::uint64_t count_open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error))
    ++count;
  // The listing itself holds one.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

ProcessFacts load_process_facts(std::int64_t started_steady_ms, std::int64_t now_steady_ms,
                                std::string_view version) {
  ProcessFacts facts;
  std::uint64_t pages = 0;
  std::uint64_t resident_pages = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> resident_pages)
    facts.resident_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.open_files = count_open_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.max_files = limit.rlim_cur;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + t.tv_usec / 1e6;
    };
    facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }
  facts.uptime_ms = now_steady_ms - started_steady_ms;
  facts.version = version;
  return facts;
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    auto raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

std::expected<std::uint64_t, std::string> plan_connections(std::uint64_t max_files,
                                                           std::uint64_t configured) {
  const auto reserved = reserved_files(max_files);
  const auto possible = max_files > reserved ? max_files - reserved : 0;
  const auto wanted = configured == 0 ? kLeastConnections : configured;
  if (possible < wanted)
    return std::unexpected(
        fmt::format("the limit of {} open files leaves {} connections, {} are wanted: raise it "
                    "(ulimit -n, LimitNOFILE= in systemd) to "
                    "{} or more",
                    max_files, possible, wanted, std::max(wanted + 512, wanted * 4 / 3 + 1)));
  return configured == 0 ? possible : configured;
}

}  // namespace amicale::http
