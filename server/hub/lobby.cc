// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/hub/lobby.h"

#include <boost/asio/steady_timer.hpp>

#include "amicale/v1/frame.pb.h"
#include "server/domain/limits.h"

namespace amicale::hub {

namespace limits = domain::limits;

namespace {

constexpr auto beat = std::chrono::seconds(1);
constexpr int64_t large_room_ms =
    5'000;  // above limits::presence_list, a count and a sample at 0.2 Hz

std::shared_ptr<const std::string> framed(const v1::Signal& signal) {
  v1::ServerFrame frame;
  *frame.add_signals() = signal;
  return std::make_shared<const std::string>(frame.SerializeAsString());
}

}  // namespace

Lobby::Lobby(runtime::Shard& shard, Hub& hub, const runtime::Clock& clock, Readers readers)
    : shard_(shard),
      hub_(hub),
      clock_(clock),
      readers_(std::move(readers)),
      tasks_(shard.executor()) {}

void Lobby::start() {
  shard_.post([this] { tasks_.spawn("lobby", run()); });
}

runtime::Task<> Lobby::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

void Lobby::came(storage::PartitionId stream, unsigned home, uint64_t account) {
  Lobby* there = peers_[home];
  there->shard_.post([there, stream, account] { there->change(stream, account, true); });
}

void Lobby::went(storage::PartitionId stream, unsigned home, uint64_t account) {
  Lobby* there = peers_[home];
  there->shard_.post([there, stream, account] { there->change(stream, account, false); });
}

void Lobby::types(storage::PartitionId id, unsigned home, uint64_t room, uint64_t account) {
  Lobby* there = peers_[home];
  there->shard_.post([there, id, room, account] {
    Room& state = there->streams_[id].rooms[room];
    auto [place, fresh] =
        state.until_ms.insert_or_assign(account, there->clock_.steady_ms() + limits::typing_ms);
    state.changed |= fresh;
  });
}

void Lobby::change(storage::PartitionId id, uint64_t account, bool came) {
  Stream& stream = streams_[id];
  if (came) {
    if (++stream.present[account] == 1) stream.changes[account] = true;
    return;
  }
  auto found = stream.present.find(account);
  if (found == stream.present.end() || --found->second > 0) return;
  stream.present.erase(found);
  stream.changes[account] = false;
}

runtime::Task<> Lobby::run() {
  runtime::asio::steady_timer timer(shard_.context());
  for (;;) {
    timer.expires_after(beat);
    auto [error] = co_await timer.async_wait(runtime::as_result);
    if (error) co_return;
    tell();
  }
}

void Lobby::tell() {
  const int64_t now = clock_.steady_ms();
  for (auto it = streams_.begin(); it != streams_.end();) {
    Stream& stream = it->second;
    tell_presence(it->first, stream, now);
    tell_typing(it->first, stream, now);
    // Nobody is there and nothing is left to tell.
    it = stream.present.empty() && stream.changes.empty() && stream.rooms.empty()
             ? streams_.erase(it)
             : std::next(it);
  }
}

void Lobby::tell_presence(storage::PartitionId id, Stream& stream, int64_t now_ms) {
  if (stream.changes.empty()) return;
  const bool large = stream.present.size() > limits::presence_list;
  if (large && now_ms - stream.told_ms < large_room_ms) return;

  v1::Signal whole;
  auto* presence = whole.mutable_presence();
  *presence->mutable_stream() = storage::stream_of(id);
  presence->set_count(static_cast<uint32_t>(stream.present.size()));
  presence->set_whole(!large);
  std::size_t listed = 0;
  for (const auto& [account, connections] : stream.present) {
    if (large && listed++ >= limits::presence_sample) break;
    presence->add_came(account);
  }

  PresenceNews news{.version = ++version_,
                    .before = stream.told_version,
                    .change = nullptr,
                    .whole = framed(whole)};
  if (!large && stream.changes.size() < stream.present.size()) {
    v1::Signal change;
    auto* delta = change.mutable_presence();
    *delta->mutable_stream() = presence->stream();
    delta->set_count(presence->count());
    for (const auto& [account, came] : stream.changes) {
      if (came) {
        delta->add_came(account);
      } else {
        delta->add_went(account);
      }
    }
    news.change = framed(change);
  }
  stream.changes.clear();
  stream.told_version = news.version;
  stream.told_ms = now_ms;
  hub_.publish(id, std::move(news));
}

void Lobby::tell_typing(storage::PartitionId id, Stream& stream, int64_t now_ms) {
  for (auto it = stream.rooms.begin(); it != stream.rooms.end();) {
    Room& room = it->second;
    room.changed |=
        std::erase_if(room.until_ms, [&](const auto& entry) { return entry.second <= now_ms; }) > 0;
    if (room.changed) {
      v1::Signal signal;
      auto* typing = signal.mutable_typing();
      *typing->mutable_stream() = storage::stream_of(id);
      typing->set_room_id(it->first);
      for (const auto& [account, until] : room.until_ms) {
        if (typing->accounts_size() < static_cast<int>(limits::typing_list)) {
          typing->add_accounts(account);
        } else {
          typing->set_others(typing->others() + 1);
        }
      }
      room.changed = false;
      hub_.publish(
          id, it->first,
          TypingNews{
              .version = ++version_, .roles = readers_(id, it->first), .whole = framed(signal)});
    }
    it = room.until_ms.empty() ? stream.rooms.erase(it) : std::next(it);
  }
}

}  // namespace amicale::hub
