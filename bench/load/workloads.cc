// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/workloads.h"

#include <cmath>
#include <cstdio>
#include <random>
#include <stdexcept>

#include "bench/load/process.h"

namespace amicale::load {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// A generator that works for more than this share of the time may itself be what is measured.
constexpr double kBusy = 0.9;
// The same when it sends this late.
constexpr double kLateUs = 1'000;

int64_t ns(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

// What was spent and done between two instants.
struct Meter {
  explicit Meter(const Schedule& schedule) : processes(schedule.processes) { start(); }
  void start() {
    from_ns = clock_ns();
    own = own_cost();
    server = processes.empty() ? Cost{} : cost_of(processes);
  }
  void report(Report& out) {
    seconds = static_cast<double>(clock_ns() - from_ns) / 1e9;
    const Cost own_now = own_cost();
    const Cost server_now = processes.empty() ? Cost{} : cost_of(processes);
    server_s = server_now.cpu_s - server.cpu_s;
    generator_share = (own_now.cpu_s - own.cpu_s) / seconds;
    out.add("seconds", seconds);
    out.add("server_cpu_s", server_s);
    out.add("server_user_s", server_now.user_s - server.user_s);
    out.add("server_system_s", server_now.system_s - server.system_s);
    out.add("server_cores", server_s / seconds);
    out.add("generator_cores", generator_share);
  }

  std::vector<pid_t> processes;
  int64_t from_ns = 0;
  Cost own, server;
  double seconds = 0, server_s = 0, generator_share = 0;
};

void add_latency(Report& out, const std::string& what, const Histogram& latency) {
  out.add(what + "_p50_us", latency.quantile_us(0.5));
  out.add(what + "_p99_us", latency.quantile_us(0.99));
  out.add(what + "_p999_us", latency.quantile_us(0.999));
  out.add(what + "_max_us", latency.max_us());
}

void stop_on_error(const Traffic& traffic) {
  if (traffic.errors() > 0)
    throw std::runtime_error(std::to_string(traffic.errors()) +
                             " errors, the first: " + traffic.first_error());
}

}  // namespace

void Report::add(const std::string& name, double value) {
  char text[64];
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.6g", value);
  figures_.emplace_back(name, text);
}

void Report::add(const std::string& name, const std::string& value) {
  figures_.emplace_back(name, '"' + value + '"');
}

std::string Report::json() const {
  std::string out = "{";
  for (const auto& [name, value] : figures_) {
    if (out.size() > 1) out += ", ";
    out += '"' + name + "\": " + value;
  }
  return out + "}";
}

void fan_out(Connections& connections, Traffic& traffic, const Plan& plan, const Schedule& schedule,
             Report& out) {
  connections.join_all(schedule.at_once, schedule.patience_s);
  std::mt19937_64 chance(schedule.seed);
  auto& links = connections.links();
  auto anyone = [&]() -> Link& { return links[chance() % links.size()]; };
  const bool closed = schedule.rate == 0;
  traffic.note_completed_rooms(closed);

  const int64_t start = clock_ns();
  const int64_t from = start + ns(schedule.warm_up_s);
  const int64_t to = from + ns(schedule.seconds);
  traffic.measure(from, to);
  Histogram late;
  if (closed) {
    for (uint32_t i = 0; i < schedule.window; ++i) connections.post(anyone(), start);
  }
  uint64_t sent = 0;
  auto due = [&] {
    return start + static_cast<int64_t>(static_cast<double>(sent) * 1e9 / schedule.rate);
  };
  auto run_until = [&](int64_t end) {
    for (;;) {
      const int64_t now = clock_ns();
      if (now >= end) break;
      if (closed) {
        const size_t done = traffic.completed_rooms().size();
        for (size_t i = 0; i < done; ++i) connections.post(anyone(), now);
        traffic.forget_completed_rooms();
        connections.turn(end);
      } else {
        for (; due() <= now; ++sent) {
          if (due() >= from) late.add(now - due());
          connections.post(anyone(), due());
        }
        connections.turn(std::min(end, due()));
      }
      stop_on_error(traffic);
    }
  };

  run_until(from);
  Meter meter(schedule);
  const uint64_t deliveries = traffic.deliveries(), written = traffic.written();
  run_until(to);
  meter.report(out);
  const auto delivered = static_cast<double>(traffic.deliveries() - deliveries);
  const auto posted = static_cast<double>(traffic.written() - written);

  // Whatever is under way must still arrive, everywhere: otherwise something was lost.
  const int64_t patience = clock_ns() + ns(schedule.patience_s);
  while (traffic.under_way() > 0 && clock_ns() < patience) {
    connections.turn(clock_ns() + kSecond / 100);
    stop_on_error(traffic);
  }
  if (traffic.under_way() > 0)
    throw std::runtime_error(std::to_string(traffic.under_way()) + " of " +
                             std::to_string(traffic.written()) +
                             " messages did not reach everyone");

  out.add("posts_per_s", posted / meter.seconds);
  out.add("deliveries", delivered);
  out.add("deliveries_per_s", delivered / meter.seconds);
  out.add("cpu_s_per_million", meter.server_s / delivered * 1e6);
  add_latency(out, "delivery", traffic.latency());
  if (traffic.answer_latency().count() > 0) add_latency(out, "answer", traffic.answer_latency());
  if (!closed) out.add("late_p99_us", late.quantile_us(0.99));
  const bool bound = meter.generator_share > kBusy || late.quantile_us(0.99) > kLateUs;
  out.add("generator_bound", bound ? 1 : 0);
  out.add("shed", static_cast<double>(traffic.shed_count()));
  out.add("verified", static_cast<double>(traffic.deliveries()));
  (void)plan;
}

namespace {

// Each link has one request under way; when it is answered the next is made.
template <class Ask>
void ask_in_turns(Connections& connections, Traffic& traffic, const Schedule& schedule, Report& out,
                  Ask ask) {
  connections.join_all(schedule.at_once, schedule.patience_s);
  traffic.note_answered_links(true);
  auto& links = connections.links();
  const int64_t from = clock_ns() + ns(schedule.warm_up_s);
  const int64_t to = from + ns(schedule.seconds);
  traffic.measure(from, to);
  for (Link& link : links) ask(link, clock_ns());
  auto run_until = [&](int64_t end) {
    while (clock_ns() < end) {
      connections.turn(end);
      stop_on_error(traffic);
      const int64_t now = clock_ns();
      for (uint32_t index : traffic.answered_links()) ask(links[index], now);
      traffic.forget_answered_links();
    }
  };
  run_until(from);
  Meter meter(schedule);
  const uint64_t before = traffic.answers() + traffic.pages();
  run_until(to);
  meter.report(out);
  const auto answered = static_cast<double>(traffic.answers() + traffic.pages() - before);

  // The last answers, so that nothing is left open on a server that is measured again.
  const int64_t patience = clock_ns() + ns(schedule.patience_s);
  auto open = [&] {
    for (const Link& link : links)
      if (!link.pending.empty()) return true;
    return false;
  };
  while (open()) {
    if (clock_ns() > patience) throw std::runtime_error("a request was not answered");
    connections.turn(clock_ns() + kSecond / 100);
    stop_on_error(traffic);
  }
  out.add("answers", answered);
  out.add("answers_per_s", answered / meter.seconds);
  out.add("cpu_us_per_answer", meter.server_s / answered * 1e6);
  add_latency(out, "answer", traffic.answer_latency());
  out.add("generator_bound", meter.generator_share > kBusy ? 1 : 0);
}

}  // namespace

void durable_posts(Connections& connections, Traffic& traffic, const Plan&,
                   const Schedule& schedule, Report& out) {
  ask_in_turns(connections, traffic, schedule, out,
               [&](Link& link, int64_t now) { connections.post(link, now); });
}

void pages(Connections& connections, Traffic& traffic, const Plan& plan, const Schedule& schedule,
           Report& out) {
  ask_in_turns(connections, traffic, schedule, out,
               [&](Link& link, int64_t now) { connections.page(link, now); });
  if (traffic.page_messages() != traffic.pages() * plan.page)
    throw std::runtime_error("a page does not hold " + std::to_string(plan.page) + " messages");
  out.add("page_text_bytes",
          static_cast<double>(traffic.page_bytes()) / static_cast<double>(traffic.pages()));
}

void idle(Connections& connections, Traffic& traffic, const Plan& plan, const Schedule& schedule,
          Report& out) {
  const Memory before = memory_of(schedule.processes);
  Meter joining(schedule);
  connections.join_all(schedule.at_once, schedule.patience_s);
  Report unused;
  joining.report(unused);
  // What joining needed for a moment is given back in the first seconds; what stays is the price of being there.
  const int64_t end = clock_ns() + ns(schedule.seconds);
  while (clock_ns() < end) connections.turn(end);
  stop_on_error(traffic);
  const Memory after = memory_of(schedule.processes);
  Meter resting(schedule);
  const int64_t rest = clock_ns() + ns(schedule.seconds);
  while (clock_ns() < rest) connections.turn(rest);
  resting.report(out);
  stop_on_error(traffic);
  const double connections_count = plan.links();
  out.add("connections", connections_count);
  out.add("join_s", joining.seconds);
  out.add("join_cpu_s", joining.server_s);
  out.add("rss_before_kib", static_cast<double>(before.rss_kib));
  out.add("rss_after_kib", static_cast<double>(after.rss_kib));
  out.add("rss_kib_per_connection",
          (static_cast<double>(after.rss_kib) - static_cast<double>(before.rss_kib)) /
              connections_count);
  out.add("pss_kib_per_connection",
          (static_cast<double>(after.pss_kib) - static_cast<double>(before.pss_kib)) /
              connections_count);
  out.add("generator_bound", joining.generator_share > kBusy ? 1 : 0);
}

void rejoin(Connections& connections, Traffic& traffic, const Plan& plan, const Schedule& schedule,
            Report& out) {
  connections.join_all(schedule.at_once, schedule.patience_s);
  auto& links = connections.links();
  for (uint32_t i = 0; i < plan.missed; ++i) {
    for (uint32_t room = 0; room < plan.rooms; ++room)
      connections.post(links[room * plan.members + i % plan.members], clock_ns());
    const int64_t patience = clock_ns() + ns(schedule.patience_s);
    while (traffic.under_way() > 0) {
      if (clock_ns() > patience)
        throw std::runtime_error("the messages to be missed did not arrive");
      connections.turn(clock_ns() + kSecond / 100);
      stop_on_error(traffic);
    }
  }
  // Until the server has nothing more to do for them.
  const int64_t quiet = clock_ns() + ns(schedule.warm_up_s);
  while (clock_ns() < quiet) connections.turn(quiet);

  const uint64_t delivered = traffic.deliveries();
  Meter meter(schedule);
  connections.cut(plan.missed);
  connections.join_all(plan.links(), schedule.patience_s);
  // Some protocols let a member in first and bring what was missed afterwards.
  const uint64_t expected = uint64_t{plan.missed} * plan.links();
  const int64_t patience = clock_ns() + ns(schedule.patience_s);
  while (traffic.deliveries() - delivered < expected && clock_ns() < patience) {
    connections.turn(clock_ns() + kSecond / 100);
    stop_on_error(traffic);
  }
  meter.report(out);
  stop_on_error(traffic);
  if (traffic.deliveries() - delivered != expected)
    throw std::runtime_error("caught up with " + std::to_string(traffic.deliveries() - delivered) +
                             " messages instead of " + std::to_string(expected));
  out.add("connections", plan.links());
  out.add("back_s", meter.seconds);
  out.add("caught_up_messages", static_cast<double>(expected));
  out.add("generator_bound", meter.generator_share > kBusy ? 1 : 0);
}

}  // namespace amicale::load
