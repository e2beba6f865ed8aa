// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "server/runtime/clock.h"

namespace amicale::simulation {

// Virtual time. Steady time moves only when the agenda says so; the wall clock is steady time plus an offset that may jump.
class VirtualClock final : public runtime::Clock {
 public:
  int64_t now_ms() const override { return steady_ms_ + wall_offset_ms_; }
  int64_t steady_ms() const override { return steady_ms_; }

  void advance_to(int64_t steady_ms) { steady_ms_ = std::max(steady_ms_, steady_ms); }
  void set_wall(int64_t unix_ms) {
    latest_ms_ = std::max(latest_ms_, now_ms());
    wall_offset_ms_ = unix_ms - steady_ms_;
  }
  // No earlier than it ever was: a club's time, which never goes back, goes on.
  void catch_up() { set_wall(std::max(now_ms(), latest_ms_)); }

 private:
  int64_t steady_ms_ = 1'000'000;
  int64_t wall_offset_ms_ = 1'790'000'000'000;
  int64_t latest_ms_ = 0;
};

// What is to happen when: one thing at a time, in the order of time; what is due at the same instant, in the order in which it
// was planned.
class Agenda {
 public:
  explicit Agenda(VirtualClock& clock) : clock_(clock) {}

  void in(int64_t wait_ms, std::function<void()> what) {
    planned_.push({clock_.steady_ms() + std::max<int64_t>(wait_ms, 0), next_++, std::move(what)});
  }
  bool empty() const { return planned_.empty(); }
  int64_t next_ms() const { return planned_.top().due_ms; }
  // Moves time to the next thing, and does it.
  void take() {
    auto what = std::move(const_cast<Planned&>(planned_.top()));
    planned_.pop();
    clock_.advance_to(what.due_ms);
    what.act();
  }

 private:
  struct Planned {
    int64_t due_ms;
    uint64_t order;
    std::function<void()> act;
    bool operator<(const Planned& other) const {  // a max-heap: the last is on top
      return std::pair(due_ms, order) > std::pair(other.due_ms, other.order);
    }
  };

  VirtualClock& clock_;
  std::priority_queue<Planned> planned_;
  uint64_t next_ = 0;
};

}  // namespace amicale::simulation
