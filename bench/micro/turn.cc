// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A partition's turns over a log that takes everything at once: what deciding costs with all that
// surrounds the rule (queue, idempotency, rate, facts, entries, rows), without the disk's wait.
#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <stdexcept>

#include "amicale/v1/frame.pb.h"
#include "bench/micro/population.h"
#include "server/domain/message.h"
#include "server/log/partition.h"
#include "server/runtime/blocking.h"
#include "server/runtime/shard.h"

namespace amicale::bench {
namespace {

constexpr auto club = storage::PartitionId{v1::STREAM_KIND_CLUB, 1};

class ImmediateLog final : public log::Log {
 public:
  runtime::Task<log::Appended> append(storage::PartitionId, uint64_t,
                                      std::unique_ptr<storage::Batch>) override {
    co_return log::Appended::durable;
  }
};

// 64 commands wait at each turn. `posters` different members post in turn.
void decide_in_turns(benchmark::State& state) {
  const auto posters = static_cast<std::uint64_t>(state.range(0));
  constexpr std::uint64_t waiting = 64;
  Folder folder;
  const Shape shape{.accounts = posters + 1, .clubs = 1, .members = posters, .posts = 0};
  storage::Database database(options_in(folder.path()));
  Population(database).found(shape);

  runtime::Shard shard(0);
  ImmediateLog log;
  runtime::Blocking blocking(1);
  const runtime::SystemClock clock;
  // The usual rate where the posters are many; else one that lets few post much.
  const auto rate = static_cast<uint32_t>(posters >= 1'000 ? 1'000 : 1'000'000);
  log::Partitions partitions(shard, database, log, blocking, clock, [](const auto&) {},
                             {.loaded = 16, .posts_per_10s = rate});
  v1::PostMessage request;
  *request.mutable_stream() = storage::stream_of(club);
  request.set_room_id(1);
  request.set_body(std::string(body()));

  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
  auto submit = [&](std::uint64_t number) {
    const auto author = shape.member(1, number);
    log::Command command;
    command.actor = author;
    command.client_msg_id = client_msg_id(number);
    command.request_kind = v1::ClientFrame::kPostMessage;
    command.is_post = true;
    command.decide = [&request, author](const log::Deciding& now) {
      return domain::post_message(
          {.club = &now.club()}, request,
          domain::actor_in(now.club(), author, v1::SITE_ROLE_NONE, now.now_ms));
    };
    partitions.submit(club, std::move(command), [&](const domain::Result<log::Outcome>& outcome) {
      ++answered;
      if (!outcome) ++refused;
    });
  };
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < waiting; ++i) submit(++sent);
    while (answered < sent) shard.context().run_one();
  }
  if (refused > 0) state.SkipWithError("posts were refused");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(waiting));
  boost::asio::co_spawn(shard.context(), partitions.drain(), boost::asio::detached);
  shard.context().poll();
  blocking.stop();
}
BENCHMARK(decide_in_turns)->ArgName("posters")->Arg(20)->Arg(1'000)->Arg(10'000);

}  // namespace
}  // namespace amicale::bench
