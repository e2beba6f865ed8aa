// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <map>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "amicale/v1/session.pb.h"
#include "server/hub/hub.h"
#include "server/hub/lobby.h"
#include "server/runtime/spawn.h"
#include "server/session/outgoing.h"
#include "server/session/routes.h"

namespace amicale::session {

class Session;

// What sessions are told by the configuration. Constant; shared by all shards.
struct Settings {
  std::string server_name;  // "amicale/0.1.0"
  std::string site_name;
  v1::Language language = v1::LANGUAGE_FR;
  v1::Limits limits;
  uint32_t authenticate_ms;
  uint32_t heartbeat_ms;
  uint32_t dead_ms;
  uint32_t no_progress_ms;
};

// The sessions of one shard, and what they share. Lives on its shard; owned by the server; outlives its sessions.
class Place {
 public:
  // `seed` is of the jitter in what reconnecting clients are told.
  Place(runtime::Shard& shard, hub::Hub& hub, hub::Lobby& lobby, const Parts& parts,
        const Settings& settings, uint32_t seed = std::random_device{}());

  // Tells each place of the others, one per shard by index; before any shard runs.
  void connect(std::vector<Place*> peers) { peers_ = std::move(peers); }
  // Starts the once-a-second look at deadlines.
  void start();
  // That look. Without `start` the owner asks for it, as the simulation does.
  void look();

  // Ends every session in good order: each is told to come back after a jittered while.
  void drain();
  bool draining() const { return draining_; }
  // The server is full and others wait: cuts the sessions that came a while ago and did not ask to be let in.
  void make_room();
  // Cuts the sessions that are still there: their peers take nothing any more.
  void cut();
  // Stops the clock; after drain.
  runtime::Task<> stop();

  runtime::Shard& shard() { return shard_; }
  hub::Hub& hub() { return hub_; }
  hub::Lobby& lobby() { return lobby_; }
  const Parts& parts() const { return parts_; }
  const Settings& settings() const { return settings_; }
  // The name that the site was made with; the configuration's until there is one.
  std::string site_name() const;
  const runtime::Clock& clock() const { return parts_.gate.clock; }
  unsigned home_of(storage::PartitionId id) const { return parts_.gate.site.home_of(id); }

  void add(Session& session);
  void remove(Session& session);

  // One more live connection of an account, wherever it is; false when that is one too many.
  runtime::Task<bool> enter(uint64_t account);
  void leave(uint64_t account);

  // A random wait in the server's range for reconnections.
  uint32_t reconnect_after_ms();

  // Messages being put together are lent out, so that a quiet session holds none.
  std::unique_ptr<Outgoing> borrow();
  void give_back(std::unique_ptr<Outgoing> message);

 private:
  runtime::Task<> tick();
  std::vector<uint64_t> connections() const;

  runtime::Shard& shard_;
  hub::Hub& hub_;
  hub::Lobby& lobby_;
  const Parts& parts_;
  const Settings& settings_;
  std::vector<Place*> peers_;
  std::map<uint64_t, Session*>
      sessions_;  // by connection: in one order, so that a run can be repeated
  std::unordered_map<uint64_t, uint32_t> sockets_;  // of accounts whose home is this shard
  std::vector<std::unique_ptr<Outgoing>> free_;
  std::minstd_rand random_;
  runtime::TaskGroup tasks_;
  bool draining_ = false;
};

}  // namespace amicale::session
