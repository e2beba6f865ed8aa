// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>

#include "server/runtime/stream.h"

namespace amicale::http {

// Closes a socket when its peer takes too long, which ends whatever waits on it. Lives on the socket's shard, beside the
// socket, and never beyond it. One timer per connection, set again for each step.
class Deadline {
 public:
  explicit Deadline(runtime::Socket& socket);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // From now on the peer has `time`; whatever was set before no longer counts.
  void set(std::chrono::milliseconds time);
  void clear();

  // Closes the socket now.
  void close();

 private:
  // Outlives the deadline for as long as the timer's handler is queued.
  struct State {
    explicit State(runtime::Socket& s) : socket(&s), timer(s.get_executor()) {}
    runtime::Socket* socket;  // nothing once the deadline is gone
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>,
                                      runtime::Socket::executor_type>
        timer;
    std::uint64_t set = 0;  // which setting is in force
  };
  std::shared_ptr<State> state_;
};

}  // namespace amicale::http
