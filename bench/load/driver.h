// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the load generator asks of a protocol. The generator owns the sockets, the clock, the schedule and every check; a
// driver only turns "join", "post", "the last messages" into bytes, and bytes into calls of Traffic. One driver drives all
// connections of a run, on one thread; it must not block (except in prepare) and must not read the clock.
//
// A run, seen by a driver:
//   prepare(plan)                    once, blocking: accounts, rooms and their history are there afterwards; cheap when
//                                    they already are (runs are repeated on one server)
//   begin(link)                      for each connection once TCP, and TLS if asked for, stand: say what comes first
//   take(link, bytes, traffic)       whenever bytes came: use up whole messages, tell `traffic`, answer how many bytes
//   post(link, text)                 one message into the link's room
//   page(link)                       asks for the last messages of the link's room (W5)
//   begin(link) with link.again      the connection was cut and is back (W6): joined() when it is let in and has what it
//                                    missed, or the last Plan::missed messages, whichever the protocol offers
//
// A new protocol is one class, named in make_driver() (drivers.cc); peers' drivers stand in bench/peers/drivers.h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/traffic.h"

namespace amicale::load {

// What a run needs of the server. Connection i is of person i % people, in room i / members.
struct Plan {
  uint32_t rooms = 1;
  uint32_t members = 100;  // connections of each room
  uint32_t people =
      100;  // different accounts; fewer than connections where someone sits in several rooms
  uint32_t history = 0;  // messages that each room holds beforehand (at least)
  uint32_t page = 50;    // messages of one page() (W5)
  uint32_t missed = 20;  // messages of each room to catch up with after a cut (W6)
  bool follow =
      true;  // whether messages of the room are delivered to a link; without, it only posts (W3)

  uint32_t links() const { return rooms * members; }
};

// Where the server is and how to be let in.
struct Target {
  std::string host = "127.0.0.1";  // a number: names are not looked up
  uint16_t port = 0;
  bool tls = false;      // the certificate is not checked: it is the server's cost that is measured
  std::string state;     // a file in which prepare() may keep tokens for the next run; empty = none
  std::string password;  // of the server's operator, where it has one
  std::map<std::string, std::string> options;  // --option NAME=VALUE, for the driver alone
};

class Driver {
 public:
  explicit Driver(Target target) : target_(std::move(target)) {}
  virtual ~Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Throws std::runtime_error, saying why, when the server can't be brought there.
  virtual void prepare(const Plan& plan) = 0;

  // Whether all members of a room are promised one order. Where not, losses and repeats are still found, disorder is not.
  virtual bool ordered() const { return true; }
  // Whether posts are answered by Traffic::accepted; without answers they are known by their deliveries alone.
  virtual bool answers() const { return true; }

  virtual void begin(Link& link) = 0;
  virtual size_t take(Link& link, std::string_view bytes, Traffic& traffic) = 0;
  virtual void post(Link& link, std::string_view text) = 0;
  // Answers false when the protocol has no history.
  virtual bool page(Link&) { return false; }
  // Called about every ten seconds for each idle link: whatever keeps the connection alive.
  virtual void keep_alive(Link&) {}

  const Target& target() const { return target_; }

 protected:
  Target target_;
};

// By name; throws std::runtime_error with the names that there are.
std::unique_ptr<Driver> make_driver(std::string_view name, Target target);

}  // namespace amicale::load
