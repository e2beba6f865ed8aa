// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/auth/password.h"
#include "server/auth/throttle.h"
#include "server/commands/gate.h"
#include "server/commands/lapses.h"
#include "server/config.h"
#include "server/domain/antispam/shield.h"
#include "server/hub/hub.h"
#include "server/hub/lobby.h"
#include "server/log/embedded_log.h"
#include "server/log/partition.h"
#include "server/runtime/blocking.h"
#include "server/runtime/clock.h"
#include "server/runtime/shard.h"
#include "server/session/place.h"
#include "storage/database.h"
#include "storage/signing_key.h"

namespace amicale {

// Everything of a server but its sockets, wired by hand: the data, the shards, and on each of them a log, a hub, its
// partitions and its sessions. The server adds listeners; the operator's offline commands use it as it is.
// Throws storage::Error when the data folder can't be trusted.
class Core {
 public:
  Core(const Config& config, const runtime::Clock& clock);
  ~Core();

  // Starts the shards and their clocks.
  void start();

  // Takes nothing new into partitions, waits for what is under way, stops the clocks. After the sessions are gone.
  runtime::Task<> drain();

  // Ends the threads. After drain; nothing may run on the shards any more.
  void stop();

  unsigned shard_count() const { return static_cast<unsigned>(shards_.size()); }
  runtime::Shard& shard(unsigned index) { return *shards_[index]; }
  session::Place& place(unsigned index) { return *places_[index]; }
  storage::Database& database() { return database_; }
  runtime::Blocking& blocking() { return blocking_; }
  commands::Gate& gate() { return gate_; }
  const session::Parts& parts() const { return parts_; }
  const runtime::Clock& clock() const { return clock_; }
  // How GetStats is answered: set by the server before start.
  void answer_stats(std::function<runtime::Task<v1::GetStatsReply>()> stats) {
    parts_.stats = std::move(stats);
  }

  // All shards' counters, added up. From any executor.
  runtime::Task<runtime::Metrics> metrics();

 private:
  // What lives on one shard below the sessions.
  struct Home {
    Home(runtime::Shard& shard, Core& core, const Config& config);
    log::EmbeddedLog log;
    hub::Hub hub;
    log::Partitions partitions;
    hub::Lobby lobby;
  };

  std::vector<std::unique_ptr<Home>> make_homes(const Config& config);
  void tell(const domain::antispam::Sketch& sketch, domain::antispam::RecentTexts::Said said);

  const runtime::Clock& clock_;
  storage::Database database_;
  storage::SigningKey audit_key_;
  std::vector<std::unique_ptr<runtime::Shard>> shards_;
  runtime::Blocking blocking_;
  auth::Passwords passwords_;
  auth::LoginThrottle throttle_;
  std::unordered_map<std::string, uint32_t> registering_;
  std::unique_ptr<const domain::antispam::Shield> shield_;  // null: messages are not judged
  std::vector<std::unique_ptr<Home>> homes_;
  log::Site site_;
  commands::Gate gate_;
  session::Parts parts_;
  session::Settings settings_;
  std::vector<std::unique_ptr<session::Place>> places_;
  commands::Lapses lapses_;
};

// The version of this build, "0.1.0".
std::string_view version();

}  // namespace amicale
