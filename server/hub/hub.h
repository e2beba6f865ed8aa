// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Fan-out. A commit leaves its partition's home shard once per shard that has readers, and is laid in that shard's ring; readers
// hold cursors into the ring and fetch for themselves. Nothing is queued per reader, so a slow one costs nothing.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "server/hub/ring.h"
#include "server/log/published.h"
#include "server/runtime/shard.h"
#include "server/runtime/task.h"
#include "storage/database.h"

namespace amicale::hub {

class Hub;

// Something that wants to write when there is news. `flush` runs once per loop turn, however much news there was: after all
// input that was ready has been taken (corking). It lives on one shard and may die at any time.
class Writer {
 public:
  explicit Writer(Hub& hub) : hub_(hub) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  virtual ~Writer();

  // Asks for one `flush` at the end of this turn.
  void wake();

 private:
  friend class Hub;
  virtual void flush() = 0;

  Hub& hub_;
  bool woken_ = false;
};

// Who is present in a stream, as last told: serialised signals, shared by every session that sends them.
struct PresenceNews {
  uint64_t version = 0;                       // grows; 0 = nothing was told yet
  uint64_t before = 0;                        // the version that `change` starts from
  std::shared_ptr<const std::string> change;  // ServerFrame.signals; null = only the whole will do
  std::shared_ptr<const std::string>
      whole;  // ServerFrame.signals: for whoever held another version
};

// Who types in a room, as last told.
struct TypingNews {
  uint64_t version = 0;                      // grows over all rooms of the stream
  uint16_t roles = 0;                        // who may know: the room's readers; bit 0 = everybody
  std::shared_ptr<const std::string> whole;  // ServerFrame.signals
};

// The newest signed head of the stream's provable log.
struct AuditNews {
  uint64_t size = 0;  // records; grows; 0 = none came since this shard follows
  std::shared_ptr<const std::string> head;  // ServerFrame.audit_heads
};

// A stream that this shard follows, with its readers.
struct Followed {
  Followed(storage::PartitionId which, uint64_t head, std::size_t max_bytes,
           std::size_t max_entries)
      : id(which), ring(head, max_bytes, max_entries) {}

  storage::PartitionId id;
  Ring ring;
  uint64_t redactions =
      0;  // grows when words leave the log: pages of it that were read before are out of date
  std::vector<Writer*> readers;  // woken on every commit
  PresenceNews presence;
  std::unordered_map<uint64_t, TypingNews> typing;  // by room
  uint64_t typing_version = 0;
  AuditNews audit;
  unsigned registrations = 0;  // with the home shard, to be taken back when the last reader leaves
};

// The fan-out of one shard: lives on it, owned by the server for its whole life.
class Hub {
 public:
  struct Bounds {
    std::size_t ring_bytes;
    std::size_t ring_entries;
  };

  Hub(runtime::Shard& shard, storage::Database& database, Bounds bounds);

  // Tells each hub of the others, one per shard by index; before any shard runs.
  void connect(std::vector<Hub*> peers) { peers_ = std::move(peers); }

  runtime::Shard& shard() { return shard_; }

  // Starts to follow a stream for a reader. The ring that comes back starts at or before the head of the log, and gets every
  // later commit. It stays valid until `leave`. A failed read of the log's head is thrown.
  runtime::Task<Followed*> follow(storage::PartitionId id, unsigned home, Writer& reader);
  void leave(Followed& followed, unsigned home, Writer& reader);

  // A commit of a partition whose home is this shard: passes it to every shard that follows.
  void publish(std::shared_ptr<const log::Published> published);

  // The same for signals of a stream whose home is this shard.
  void publish(storage::PartitionId id, PresenceNews news);
  void publish(storage::PartitionId id, uint64_t room, TypingNews news);
  void publish(storage::PartitionId id, AuditNews news);

  // Whether any shard follows a partition whose home is this shard.
  bool is_followed(storage::PartitionId id) const { return followers_.contains(id); }

  std::size_t followed_count() const { return followed_.size(); }

 private:
  friend class Writer;

  void deliver(const log::Published& published);
  template <class Function>
  void tell_followers(storage::PartitionId id, Function function);
  void schedule(Writer& writer);
  void flush_woken();
  uint64_t add_follower(storage::PartitionId id, unsigned shard);
  void remove_follower(storage::PartitionId id, unsigned shard, unsigned registrations);

  runtime::Shard& shard_;
  storage::Database& database_;
  const Bounds bounds_;
  std::vector<Hub*> peers_;
  std::unordered_map<storage::PartitionId, std::unique_ptr<Followed>> followed_;
  // Of partitions homed here: how often each shard, by index, has registered.
  std::unordered_map<storage::PartitionId, std::vector<unsigned>> followers_;
  std::vector<Writer*> woken_;
  std::vector<Writer*> flushing_;
};

}  // namespace amicale::hub
