// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "amicale/v1/message.pb.h"
#include "server/domain/antispam/shield.h"
#include "server/domain/decision.h"
#include "server/domain/raid.h"
#include "server/domain/refusal.h"
#include "server/domain/state.h"
#include "server/domain/token_bucket.h"
#include "server/log/log.h"
#include "server/log/published.h"
#include "server/runtime/blocking.h"
#include "server/runtime/clock.h"
#include "server/runtime/shard.h"
#include "server/runtime/spawn.h"
#include "storage/database.h"
#include "storage/view.h"

namespace amicale::log {

// What the rules of one partition look at.
using State =
    std::variant<domain::SiteState, domain::AccountState, domain::ClubState, domain::DirectState>;

// All that a decision may depend on. `facts` reads the database through what this turn has already decided.
struct Deciding {
  const State& state;
  const storage::View& facts;
  int64_t now_ms;
  const domain::antispam::Memory* memory = nullptr;     // of a club, where messages are judged
  const domain::antispam::RecentTexts* said = nullptr;  // in all clubs, as far as this shard heard
  domain::Watch watch{};

  const domain::SiteState& site() const { return std::get<domain::SiteState>(state); }
  const domain::AccountState& account() const { return std::get<domain::AccountState>(state); }
  const domain::ClubState& club() const { return std::get<domain::ClubState>(state); }
  const domain::DirectState& direct() const { return std::get<domain::DirectState>(state); }
};

// One command on its way into a partition.
struct Command {
  uint64_t actor = 0;         // account id; 0 = the operator's console
  std::string client_msg_id;  // 16 bytes, or empty: then a repeat is not recognised
  int request_kind = 0;       // v1::ClientFrame body case
  bool is_post = false;       // counts against the actor's posts
  std::function<domain::Result<domain::Decision>(const Deciding&)> decide;
};

// What a command led to, once durable.
struct Outcome {
  v1::Committed committed;
  std::vector<uint64_t> numbers;  // ImportMessages
};

// Hears what became of a command, on the partition's home shard.
using Done = std::move_only_function<void(domain::Result<Outcome>)>;

// One ordered log and the state that its rules need. Lives on its home shard; owned by Partitions.
//
// Commands wait in a bounded queue. A turn takes all that wait, decides each in order, and makes one commit of what they
// decided; what arrives meanwhile joins the next turn. Answers and events leave only after the commit is durable. A failed
// write answers UNAVAILABLE to the turn and drops the state: the next turn loads it from the log.
class Partition {
 public:
  struct Parts {
    runtime::Shard& shard;
    storage::Database& database;
    Log& log;
    runtime::Blocking& blocking;
    const runtime::Clock& clock;
    const Publisher& publisher;
    runtime::TaskGroup& tasks;
    uint32_t posts_per_10s;
    int64_t gather_us;
    const domain::antispam::Shield* shield;
    const domain::antispam::RecentTexts& said;
    const std::function<void(const domain::antispam::Sketch&, domain::antispam::RecentTexts::Said)>&
        tell;
    domain::Watch watch;
  };

  Partition(storage::PartitionId id, Parts parts);

  storage::PartitionId id() const { return id_; }

  // Decides a command and tells `done` once it is durable. OVERLOADED, at once, when the queue is full.
  void submit(Command command, Done done);

  bool idle() const { return !running_ && queue_.empty(); }
  int64_t last_used_ms() const { return last_used_ms_; }

 private:
  struct Waiting {
    Command command;
    Done done;
    domain::Result<Outcome> result;
  };

  runtime::Task<> run();
  static std::unique_ptr<State> load(const storage::Database& database, storage::PartitionId id,
                                     store::HeadRow& head, int64_t now_ms);
  runtime::Task<> gather();
  // The last hours of a club's log, folded for judging.
  static std::unique_ptr<domain::antispam::Memory> load_memory(
      const storage::Database& database, storage::PartitionId id,
      const domain::antispam::Shield* shield);
  runtime::Task<> turn();
  // What one turn makes.
  struct Turn {
    std::unique_ptr<storage::Batch> batch;
    store::HeadRow head;
    std::shared_ptr<Published> published;
    int64_t now_ms = 0;
    v1::RefusalCode closed = v1::REFUSAL_CODE_UNSPECIFIED;  // why nothing new may be written
  };
  domain::Result<Outcome> decide(const Command& command, Turn& turn);
  std::optional<domain::Refusal> check_rate(const Command& command);

  const storage::PartitionId id_;
  Parts parts_;
  std::deque<Waiting> queue_;
  bool running_ = false;
  std::size_t crowd_ = 0;               // commands that were under way when the last turn ended
  boost::asio::steady_timer gathered_;  // runs while the crowd is waited for
  std::optional<std::size_t> awaited_;  // how many end that wait early
  std::unique_ptr<State> state_;        // empty: load before the next turn
  std::unique_ptr<domain::antispam::Memory> memory_;  // a club's, loaded with its state
  store::HeadRow head_;                               // of what is durable
  int64_t last_used_ms_ = 0;
  std::unordered_map<uint64_t, domain::TokenBucket> posts_;  // by member; forgotten when full again
  static constexpr std::size_t least_posts_kept = 256;
  std::size_t posts_kept_ = least_posts_kept;  // above it, those that are full again are looked for
};

// The partitions whose home is one shard. Lives on that shard; owned by the server.
class Partitions {
 public:
  struct Bounds {
    std::size_t loaded;      // partitions kept in memory while idle
    uint32_t posts_per_10s;  // messages by one member
    int64_t gather_us = 0;   // how long a busy partition waits for its crowd; 0 = never
    const domain::antispam::Shield* shield = nullptr;  // null: messages are not judged
    // Tells every shard of a text that others may say in other clubs. Empty: nobody is told.
    std::function<void(const domain::antispam::Sketch&, domain::antispam::RecentTexts::Said)>
        tell{};
    domain::Watch watch{};
  };

  Partitions(runtime::Shard& shard, storage::Database& database, Log& log,
             runtime::Blocking& blocking, const runtime::Clock& clock, Publisher publisher,
             Bounds bounds);

  // Decides a command in a partition. On this shard only.
  void submit(storage::PartitionId id, Command command, Done done);

  // A text that was said in some club. On this shard only.
  void heard(const domain::antispam::Sketch& sketch, domain::antispam::RecentTexts::Said said);

  // Refuses new commands from now on and waits for what is under way.
  runtime::Task<> drain();

  std::size_t size() const { return loaded_.size(); }

 private:
  void forget_idle();

  runtime::Shard& shard_;
  storage::Database& database_;
  Log& log_;
  runtime::Blocking& blocking_;
  const runtime::Clock& clock_;
  const Publisher publisher_;
  const Bounds bounds_;
  runtime::TaskGroup tasks_;
  bool draining_ = false;
  domain::antispam::RecentTexts said_;  // in all clubs, lately
  std::unordered_map<storage::PartitionId, std::unique_ptr<Partition>> loaded_;
};

// Every partition of the site, from any shard: knows which shard is home.
class Site {
 public:
  explicit Site(std::vector<Partitions*> by_shard, std::vector<runtime::Shard*> shards)
      : by_shard_(std::move(by_shard)), shards_(std::move(shards)) {}

  unsigned home_of(storage::PartitionId id) const {
    // The upper half: the lower bits of this hash follow the kind alone.
    return static_cast<unsigned>((std::hash<storage::PartitionId>{}(id) >> 32) % shards_.size());
  }

  // Decides a command in its partition, wherever that lives; `done` hears of it on `back`, the shard that this is called on.
  void submit(storage::PartitionId id, Command command, runtime::Executor back, Done done);

  // The same for a coroutine, which resumes on its own shard.
  runtime::Task<domain::Result<Outcome>> submit(storage::PartitionId id, Command command);

  // Waits until every shard has acted on what was committed before.
  runtime::Task<> settled();

  const std::vector<runtime::Shard*>& shards() const { return shards_; }

 private:
  std::vector<Partitions*> by_shard_;
  std::vector<runtime::Shard*> shards_;
};

}  // namespace amicale::log
