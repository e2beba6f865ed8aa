// SPDX-License-Identifier: AGPL-3.0-or-later
//
// One world: a server, its disk, its people and everything that can go wrong between them, in one thread, in virtual time, from
// one seed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/device.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/site.h"
#include "tests/simulation/stage.h"

namespace amicale::simulation {

class World {
 public:
  struct Plan {
    uint64_t seed = 1;
    bool trace = false;
    Mutation mutation;
  };
  // What a run was made of.
  struct Count {
    uint64_t handlers = 0, commands = 0, faults = 0, crashes = 0, checks = 0, events = 0;
    Count& operator+=(const Count& other);
  };

  World(Plan plan, Folders& folders);
  ~World();

  // Makes the world, lets it happen, brings it to rest, and looks at what is left.
  std::optional<Violation> run();
  const Count& count() const { return count_; }

 private:
  // Time
  void settle();  // everything that can happen at this instant
  void keep_busy(unsigned runner, int64_t ms);
  void pass(int64_t ms);
  bool ended() const { return stage_.ledger.violation().has_value(); }
  void every_second();

  // The server
  void start_server();
  void stop_server(bool crash);
  void restart_server(bool crash);
  void dial(Device& device);

  // How it begins and ends
  void make();
  v1::Reply perform(commands::Caller caller, v1::ClientFrame frame);
  void come_to_rest();
  void check_rows();
  void check_rest();

  // What people do (actions.cc)
  void plan_actions();
  void act();
  void moderate(Device& device, Stream club);
  void talk_directly(Device& device);
  void manage_devices(Device& device);
  void handle_streams(Device& device);
  Stream some_club();
  uint64_t some_room(Stream club);
  uint64_t some_message(Stream stream, uint64_t room);
  std::string some_words();

  // What goes wrong (faults.cc)
  void plan_faults();
  void fault();
  void cut_somebody();

  Stage stage_;
  Folders::Pair databases_;
  Disk disk_;
  Shape shape_;
  std::unique_ptr<Site> site_;
  bool starting_ = false;
  // Until when what runs in the site does nothing, by index as in Site::run_one: a machine with other things to do.
  std::vector<int64_t> busy_until_ms_ = std::vector<int64_t>(8);

  std::vector<std::unique_ptr<Account>> accounts_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<Stream> clubs_;
  std::map<Stream, std::string> invitations_;
  uint64_t owner_ = 0;
  uint64_t next_connection_ = 1;
  uint64_t words_ = 0;
  Count count_;
};

}  // namespace amicale::simulation
