// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <vector>

#include "server/auth/password.h"
#include "server/auth/throttle.h"
#include "server/commands/gate.h"
#include "server/commands/lapses.h"
#include "server/hub/hub.h"
#include "server/hub/lobby.h"
#include "server/log/partition.h"
#include "server/runtime/blocking.h"
#include "server/session/place.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/stage.h"

namespace amicale::simulation {

// How a server is configured. Small bounds, so that they are met.
struct Shape {
  unsigned shards = 2;
  std::size_t ring_entries = 16;
  std::size_t partitions_loaded = 8;
};

// One incarnation of the server: everything of server::Core, wired in the same order, with shards that run when the world says
// so and a log on the world's disk. Nothing of it may be under way when it is destroyed: see World::stop_server.
class Site {
 public:
  Site(Stage& stage, Disk& disk, const Shape& shape);

  // Runs one handler of a shard, or one job of the blocking threads (index shard_count()); false: there is none.
  bool run_one(unsigned index);
  unsigned shard_count() const { return static_cast<unsigned>(shards_.size()); }

  // What the server does by itself each second.
  void look();
  // Nobody new comes in; sessions are told to come back later.
  void drain();

  session::Place& place(unsigned shard) { return *places_[shard]; }
  commands::Gate& gate() { return gate_; }
  const session::Parts& parts() const { return parts_; }
  runtime::Shard& shard(unsigned index) { return *shards_[index]; }

 private:
  struct Home {
    Home(Site& site, unsigned index, Disk& disk, const Shape& shape);
    SimulatedLog log;
    hub::Hub hub;
    log::Partitions partitions;
    hub::Lobby lobby;
  };
  std::vector<std::unique_ptr<runtime::Shard>> make_shards(unsigned count);
  std::vector<std::unique_ptr<Home>> make_homes(Disk& disk, const Shape& shape);
  log::Site make_site();

  Stage& stage_;
  std::vector<std::unique_ptr<runtime::Shard>> shards_;
  boost::asio::io_context elsewhere_{1};  // what would run on blocking threads
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  runtime::Blocking blocking_;
  storage::SigningKey audit_key_;
  auth::Passwords passwords_;
  auth::LoginThrottle throttle_;
  std::unordered_map<std::string, uint32_t> registering_;
  std::vector<std::unique_ptr<Home>> homes_;
  log::Site site_;
  commands::Gate gate_;
  session::Parts parts_;
  session::Settings settings_;
  std::vector<std::unique_ptr<session::Place>> places_;
  commands::Lapses lapses_;
};

}  // namespace amicale::simulation
