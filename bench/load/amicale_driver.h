// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "bench/load/driver.h"

namespace amicale::load {

class Conversation;

// Protocol v1, from docs/protocol.md. Each room of a plan is the open room of a club of its own, since a club's stream
// carries all its rooms to all its members: a hundred separate rooms are a hundred clubs. A link says Hello, Authenticate
// and Subscribe one after the other, as a client does, and comes back with a cursor.
class AmicaleDriver : public Driver {
 public:
  explicit AmicaleDriver(Target target);
  ~AmicaleDriver() override;

  void prepare(const Plan& plan) override;
  void begin(Link& link) override;
  size_t take(Link& link, std::string_view bytes, Traffic& traffic) override;
  void post(Link& link, std::string_view text) override;
  bool page(Link& link) override;
  void keep_alive(Link& link) override;

 private:
  struct Person {
    std::string login;
    std::string token;
  };
  struct Room {
    uint64_t club = 0;
    uint64_t room = 0;
    uint32_t members = 0;  // of those that the plan wants
    uint64_t history = 0;
  };
  // Rooms are made for one shape of plan: rooms, members, people, and which of them.
  using RoomKey = std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>;

  void load_state();
  void save_state() const;
  void make_rooms(const Plan& plan, Conversation& owner);
  void add_members(const Plan& plan, Conversation& owner);
  void fill(const Plan& plan, Conversation& owner);
  Room& room_of(const Plan& plan, uint32_t room);

  void take_frame(Link& link, std::string_view bytes, Traffic& traffic);
  void take_reply(Link& link, std::string_view bytes, Traffic& traffic);
  void take_batch(Link& link, std::string_view bytes, Traffic& traffic);
  void subscribed(Link& link, std::string_view bytes, Traffic& traffic);
  void count_page(Link& link, std::string_view bytes, Traffic& traffic);
  void send(Link& link, std::string_view request);

  std::map<uint32_t, Person> people_;
  std::map<RoomKey, Room> rooms_;
  std::vector<Room*> plan_rooms_;  // of the plan in force
  Plan plan_;
  std::string run_id_;  // begins every client_msg_id
  uint64_t posts_ = 0;
  uint64_t epoch_ = 0;
  std::string scratch_;
};

}  // namespace amicale::load
