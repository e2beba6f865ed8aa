// SPDX-License-Identifier: AGPL-3.0-or-later
//
// bench_reference: what the machine and its parts can do, to be run beside Amicale.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "bench/reference/disk.h"
#include "bench/reference/epoll_server.h"

namespace {

constexpr const char* kUsage = R"(Usage:
  bench_reference epoll           a corked WebSocket server; prints its port and serves until it is ended
  bench_reference epoll-each      the same with a send per message and member
  bench_reference epoll-each lose|repeat|swap    and now and then a mistake, which bench_load must find
  bench_reference beast           corked, over Boost.Beast
  bench_reference fdatasync FOLDER BYTES SECONDS
  bench_reference scan DATA-FOLDER CLUB ROOM COUNT SECONDS    of a site whose server is stopped
)";

void say_port(uint16_t port) {
  std::printf("%u\n", port);
  std::fflush(stdout);
}

amicale::reference::Fault fault_of(const std::string& name) {
  using amicale::reference::Fault;
  if (name.empty()) return Fault::none;
  if (name == "lose") return Fault::lose;
  if (name == "repeat") return Fault::repeat;
  if (name == "swap") return Fault::swap;
  throw std::runtime_error("unknown mistake " + name);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace amicale::reference;
  const std::string what = argc > 1 ? argv[1] : "";
  try {
    if (what == "epoll") run_epoll_server(Sending::once_per_turn, Fault::none, say_port);
    if (what == "epoll-each")
      run_epoll_server(Sending::each_message, fault_of(argc > 2 ? argv[2] : ""), say_port);
    if (what == "beast") run_beast_server(say_port);
    if (what == "fdatasync" && argc == 5) {
      std::puts(append_and_sync(argv[2], std::stoul(argv[3]), std::stod(argv[4])).c_str());
      return 0;
    }
    if (what == "scan" && argc == 7) {
      std::puts(scan_newest(argv[2], std::stoull(argv[3]), std::stoull(argv[4]),
                            static_cast<uint32_t>(std::stoul(argv[5])), std::stod(argv[6]))
                    .c_str());
      return 0;
    }
    std::fputs(kUsage, stderr);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_reference: %s\n", error.what());
    return 1;
  }
}
