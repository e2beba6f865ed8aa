// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/lapses.h"

#include <boost/asio/steady_timer.hpp>

#include "server/commands/moderation.h"

namespace amicale::commands {
namespace {

// At one look; the rest has the next one.
constexpr std::size_t most_at_once = 256;

}  // namespace

Lapses::Lapses(runtime::Shard& shard, Gate& gate, runtime::Blocking& blocking)
    : shard_(shard), gate_(gate), blocking_(blocking), tasks_(shard.executor()) {}

void Lapses::start() {
  shard_.post([this] { tasks_.spawn("lapses", tick()); });
}

runtime::Task<> Lapses::tick() {
  runtime::asio::steady_timer timer(shard_.context());
  for (;;) {
    timer.expires_after(std::chrono::seconds(1));
    auto [error] = co_await timer.async_wait(runtime::as_result);
    if (error) co_return;
    look();
  }
}

void Lapses::look() {
  if (looking_) return;
  looking_ = true;
  tasks_.spawn_whole("lapse", say_what_is_over());
}

runtime::Task<> Lapses::say_what_is_over() {
  struct Done {
    bool& looking;
    ~Done() { looking = false; }
  } done{looking_};
  auto read = [this] { return gate_.view().due_sanctions(gate_.clock.now_ms(), most_at_once); };
  const auto due = co_await blocking_.run(std::move(read));
  for (const auto& one : due) {
    auto lapsed = co_await lapse_sanctions(gate_, one.partition.id, one.account_id);
    if (!lapsed) co_return;
  }
  auto read_measures = [this] {
    return gate_.view().due_measures(gate_.clock.now_ms(), most_at_once);
  };
  const auto measures = co_await blocking_.run(std::move(read_measures));
  for (const auto& one : measures) {
    auto lapsed = co_await lapse_measure(gate_, one.club_id, one.room_id);
    if (!lapsed) co_return;
  }
}

runtime::Task<> Lapses::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

}  // namespace amicale::commands
