// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Typing and presence. Never stored, and cheap by construction: the home shard of a stream collects what happened and tells
// the shards that follow it at most once a second; there, each session holds a version number, as it holds a cursor for
// events, and takes the newest when it has nothing better to write. Nothing queues, so a flapping client costs its own shard
// one map entry a second and everybody else one small signal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/hub/hub.h"
#include "server/runtime/clock.h"
#include "server/runtime/spawn.h"

namespace amicale::hub {

// Signals of the streams whose home is one shard. Lives on that shard; owned by the server.
class Lobby {
 public:
  // The roles that read a room now (bit 0: everybody). Asked when something is told, since a room may have been closed meanwhile.
  using Readers = std::function<uint16_t(storage::PartitionId stream, uint64_t room)>;

  Lobby(runtime::Shard& shard, Hub& hub, const runtime::Clock& clock, Readers readers);

  // Tells each lobby of the others, one per shard by index; before any shard runs.
  void connect(std::vector<Lobby*> peers) { peers_ = std::move(peers); }
  void start();
  // The once-a-second telling. Without `start` the owner asks for it, as the simulation does.
  void tell();
  runtime::Task<> stop();

  // From any shard: a session of `account` follows a stream, or no longer does.
  void came(storage::PartitionId stream, unsigned home, uint64_t account);
  void went(storage::PartitionId stream, unsigned home, uint64_t account);
  // From any shard: `account` types in a room.
  void types(storage::PartitionId stream, unsigned home, uint64_t room, uint64_t account);

 private:
  struct Room {
    std::unordered_map<uint64_t, int64_t> until_ms;  // by account, steady time
    bool changed = false;
  };
  struct Stream {
    std::unordered_map<uint64_t, uint32_t> present;  // connections by account
    std::unordered_map<uint64_t, bool> changes;      // since the last telling: true = came
    uint64_t told_version = 0;
    int64_t told_ms = 0;
    std::unordered_map<uint64_t, Room> rooms;
  };

  runtime::Task<> run();
  void tell_presence(storage::PartitionId id, Stream& stream, int64_t now_ms);
  void tell_typing(storage::PartitionId id, Stream& stream, int64_t now_ms);
  void change(storage::PartitionId stream, uint64_t account, bool came);

  runtime::Shard& shard_;
  Hub& hub_;
  const runtime::Clock& clock_;
  Readers readers_;
  std::vector<Lobby*> peers_;
  std::unordered_map<storage::PartitionId, Stream> streams_;
  uint64_t version_ = 0;  // over all streams, so that none is ever used twice
  runtime::TaskGroup tasks_;
};

}  // namespace amicale::hub
