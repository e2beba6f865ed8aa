// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a decision costs, without disk and network.
#include <benchmark/benchmark.h>

#include <stdexcept>
#include <string>

#include "bench/micro/population.h"
#include "server/domain/message.h"
#include "server/domain/permissions.h"
#include "server/domain/text.h"

namespace amicale::bench {
namespace {

v1::PostMessage post_request() {
  v1::PostMessage request;
  request.mutable_stream()->set_kind(v1::STREAM_KIND_CLUB);
  request.mutable_stream()->set_id(1);
  request.set_room_id(1);
  request.set_body(std::string(body()));
  request.set_client_msg_id(client_msg_id(1));
  return request;
}

// The rule and the fold of what it decided: "events decided per second in one club". Every member
// posts in turn.
void decide_post(benchmark::State& state) {
  const auto members = static_cast<std::uint64_t>(state.range(0));
  auto club = club_of(members);
  const auto request = post_request();
  std::uint64_t author = 0;
  for (auto _ : state) {
    const auto actor = domain::actor_in(club, 2 + author++ % members, v1::SITE_ROLE_NONE, 0);
    auto decision = domain::post_message({.club = &club}, request, actor);
    if (!decision) throw std::runtime_error("refused: " + decision.error().rule_id);
    club.apply(decision->events.front().event);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decide_post)->Arg(100)->Arg(1'000)->Arg(100'000);

// The same with "@all", whose head count must not be counted.
void decide_post_to_all(benchmark::State& state) {
  auto club = club_of(static_cast<std::uint64_t>(state.range(0)));
  auto request = post_request();
  request.mutable_mentions()->set_all(true);
  for (auto _ : state) {
    const auto actor = domain::actor_in(club, 2, v1::SITE_ROLE_NONE, 0);
    auto decision = domain::post_message({.club = &club}, request, actor);
    if (!decision) throw std::runtime_error("refused: " + decision.error().rule_id);
    benchmark::DoNotOptimize(*decision);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decide_post_to_all)->Arg(100)->Arg(1'000)->Arg(100'000);

// Whether this member may post in that room: finding the member, and the table.
void check_permission(benchmark::State& state) {
  const auto members = static_cast<std::uint64_t>(state.range(0));
  const auto club = club_of(members);
  const domain::Scope scope{.room = club.find_room(1)};
  std::uint64_t author = 0;
  for (auto _ : state) {
    const auto actor = domain::actor_in(club, 2 + author++ % members, v1::SITE_ROLE_NONE, 0);
    auto allowed = domain::may(actor, domain::Action::post_message, scope);
    if (!allowed) throw std::runtime_error("refused: " + allowed.error().rule_id);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(check_permission)->Arg(100)->Arg(1'000)->Arg(100'000);

void check_text(benchmark::State& state, std::string_view piece) {
  std::string text;
  while (text.size() < static_cast<std::size_t>(state.range(0))) text += piece;
  for (auto _ : state) {
    if (!domain::check_body(text)) throw std::runtime_error("refused");
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK_CAPTURE(check_text, ascii, "Rendez-vous jeudi a 19 h. ")->Arg(100)->Arg(16'000);
BENCHMARK_CAPTURE(check_text, french, "Là-bas, l'été dernier, où ? ")->Arg(100)->Arg(16'000);

}  // namespace
}  // namespace amicale::bench
