// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Fan-out without sockets: laying events in the ring, and readers walking it into messages.
#include <benchmark/benchmark.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/micro/population.h"
#include "server/domain/limits.h"
#include "server/domain/roles.h"
#include "server/hub/ring.h"
#include "server/session/outgoing.h"
#include "server/session/subscription.h"
#include "storage/entry.h"

namespace amicale::bench {
namespace {

namespace limits = domain::limits;

constexpr auto club = storage::PartitionId{v1::STREAM_KIND_CLUB, 1};

std::string framed_event() {
  std::string framed;
  storage::frame_event(posted(), framed);
  return framed;
}

session::Subscription reader_from(hub::Followed& followed, std::uint64_t after) {
  return session::Subscription(
      followed, 0, after,
      {.role_then = v1::CLUB_ROLE_MEMBER, .role_now = v1::CLUB_ROLE_MEMBER, .account_id = 77},
      after, false, after);
}

// As Session::gather does: batches until there is nothing more.
std::size_t walk(session::Subscription& reader, session::Outgoing& out) {
  while (reader.gather(out, limits::server_frame_bytes) == session::Subscription::Need::writing) {
  }
  const std::size_t events = out.events;
  benchmark::DoNotOptimize(out.buffers().data());
  out.clear();
  return events;
}

void append_to_ring(benchmark::State& state) {
  hub::Ring ring(0, limits::ring_bytes, limits::ring_events);
  const auto framed = framed_event();
  for (auto _ : state) ring.append(framed, domain::all_roles, 0);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_to_ring);

// One reader, `n` events behind. Every second event is for the committee when `hidden` is set.
void walk_ring(benchmark::State& state) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  const bool hidden = state.range(1) != 0;
  hub::Followed followed(club, 0, 64 << 20, 1 << 20);
  const auto framed = framed_event();
  for (std::uint64_t i = 0; i < n; ++i) {
    const bool committee = hidden && i % 2 == 1;
    followed.ring.append(framed, committee ? domain::committee_and_above : domain::all_roles, 0);
  }
  session::Outgoing out;
  const std::size_t expected = hidden ? (n + 1) / 2 : n;
  for (auto _ : state) {
    auto reader = reader_from(followed, 0);
    if (walk(reader, out) != expected) throw std::runtime_error("events are missing");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}
BENCHMARK(walk_ring)
    ->ArgNames({"events", "hidden"})
    ->Args({1, 0})
    ->Args({32, 0})
    ->Args({1'000, 0})
    ->Args({1'000, 1});

// `events` at a time reach 100 readers: items are deliveries.
void fan_out(benchmark::State& state) {
  const auto events = state.range(0);
  constexpr std::size_t readers = 100;
  hub::Followed followed(club, 0, limits::ring_bytes, limits::ring_events);
  const auto framed = framed_event();
  std::vector<std::unique_ptr<session::Subscription>> all;
  for (std::size_t i = 0; i < readers; ++i) {
    all.push_back(std::make_unique<session::Subscription>(reader_from(followed, 0)));
  }
  session::Outgoing out;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < events; ++i) followed.ring.append(framed, domain::all_roles, 0);
    for (auto& reader : all) {
      if (walk(*reader, out) != static_cast<std::size_t>(events)) {
        throw std::runtime_error("events are missing");
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * events * static_cast<std::int64_t>(readers));
}
BENCHMARK(fan_out)->ArgName("events")->Arg(1)->Arg(8)->Arg(35);

}  // namespace
}  // namespace amicale::bench
