// SPDX-License-Identifier: AGPL-3.0-or-later
//
// bench_load: puts one workload on one server and prints what it saw as one line of JSON. bench/run starts the servers.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/load/workloads.h"

namespace {

using namespace amicale::load;

constexpr const char* kUsage = R"(Usage: bench_load WORKLOAD --driver NAME --port N [options]

Workloads: prepare, fan-out, posts, idle, pages, rejoin

  --driver NAME       amicale, bare, or one of bench/peers
  --host A --port N   where the server listens (127.0.0.1); --tls over TLS
  --pid N             the server's process; may be given several times
  --state FILE        where the driver keeps what it prepared
  --option NAME=TEXT  for the driver alone
  --rooms N --members N --people N     the plan (1 room of 100; people: as many as connections)
  --history N --page N --missed N      messages there before (0), of a page (50), missed by a cut (20)
  --rate N            posts per second when they are due; or
  --window N          posts under way, each replaced when everyone has it
  --warm-up S --seconds S --patience S --at-once N --seed N
The operator's password is read from BENCH_PASSWORD.
)";

struct Invocation {
  std::string workload, driver = "amicale";
  Target target;
  Plan plan;
  Schedule schedule;
};

Invocation read(int argc, char** argv) {
  Invocation asked;
  if (argc < 2) throw std::runtime_error("no workload");
  asked.workload = argv[1];
  asked.plan.people = 0;
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--tls") {
      asked.target.tls = true;
      continue;
    }
    if (++i == argc) throw std::runtime_error(name + " needs a value");
    const std::string value = argv[i];
    auto number = [&] { return std::stod(value); };
    auto count = [&] { return static_cast<uint32_t>(std::stoul(value)); };
    if (name == "--driver")
      asked.driver = value;
    else if (name == "--host")
      asked.target.host = value;
    else if (name == "--port")
      asked.target.port = static_cast<uint16_t>(count());
    else if (name == "--pid")
      asked.schedule.processes.push_back(static_cast<pid_t>(count()));
    else if (name == "--state")
      asked.target.state = value;
    else if (name == "--option")
      asked.target.options[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
    else if (name == "--rooms")
      asked.plan.rooms = count();
    else if (name == "--members")
      asked.plan.members = count();
    else if (name == "--people")
      asked.plan.people = count();
    else if (name == "--history")
      asked.plan.history = count();
    else if (name == "--page")
      asked.plan.page = count();
    else if (name == "--missed")
      asked.plan.missed = count();
    else if (name == "--rate")
      asked.schedule.rate = number();
    else if (name == "--window")
      asked.schedule.window = count();
    else if (name == "--warm-up")
      asked.schedule.warm_up_s = number();
    else if (name == "--seconds")
      asked.schedule.seconds = number();
    else if (name == "--patience")
      asked.schedule.patience_s = number();
    else if (name == "--at-once")
      asked.schedule.at_once = count();
    else if (name == "--seed")
      asked.schedule.seed = count();
    else
      throw std::runtime_error("unknown option " + name);
  }
  if (asked.plan.people == 0) asked.plan.people = asked.plan.links();
  if (const char* password = std::getenv("BENCH_PASSWORD")) asked.target.password = password;
  if (asked.schedule.rate == 0 && asked.schedule.window == 0) asked.schedule.window = 512;
  return asked;
}

// How far the slowest member of a room may be behind the fastest: a window's worth, or some seconds of the room's messages.
uint32_t lag_of(const Invocation& asked) {
  const double of_room = asked.schedule.rate > 0 ? 8 * asked.schedule.rate / asked.plan.rooms
                                                 : 2.0 * asked.schedule.window;
  uint32_t lag = 256;
  while (lag < of_room && lag < (1u << 20)) lag *= 2;
  return lag;
}

int run(Invocation asked) {
  if (asked.workload == "posts") asked.plan.follow = false;
  auto driver = make_driver(asked.driver, asked.target);
  driver->prepare(asked.plan);
  if (asked.workload == "prepare") {
    std::puts("{}");
    return 0;
  }
  using Workload = void (*)(Connections&, Traffic&, const Plan&, const Schedule&, Report&);
  const std::map<std::string, Workload> workloads{{"fan-out", fan_out},
                                                  {"posts", durable_posts},
                                                  {"idle", idle},
                                                  {"pages", pages},
                                                  {"rejoin", rejoin}};
  const auto found = workloads.find(asked.workload);
  if (found == workloads.end()) throw std::runtime_error("unknown workload " + asked.workload);
  // Without one order a message may be overtaken by any number of others that were sent later, as long as it waits for its
  // author's connection to be read.
  constexpr uint32_t unordered_lag = 1u << 16;
  const uint32_t lag = driver->ordered() ? lag_of(asked) : std::max(lag_of(asked), unordered_lag);
  Traffic traffic(asked.plan.rooms, asked.plan.members, driver->ordered(), lag);
  Connections connections(*driver, traffic, asked.plan);
  Report report;
  report.add("workload", asked.workload);
  report.add("driver", asked.driver);
  report.add("rooms", asked.plan.rooms);
  report.add("members", asked.plan.members);
  report.add("rate", asked.schedule.rate);
  report.add("window", asked.schedule.rate > 0 ? 0 : asked.schedule.window);
  found->second(connections, traffic, asked.plan, asked.schedule, report);
  std::puts(report.json().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Invocation asked;
    try {
      asked = read(argc, argv);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench_load: %s\n%s", error.what(), kUsage);
      return 2;
    }
    return run(std::move(asked));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_load: %s\n", error.what());
    return 1;
  }
}
