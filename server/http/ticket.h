// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>

#include "server/http/admission.h"
#include "server/runtime/shard.h"

namespace amicale::http {

// A connection's place among those that are counted: gives it back when it goes out of scope. Held by the connection on its
// own shard; what it changes in the count, it posts to the listener's shard, which outlives every connection.
class Ticket {
 public:
  // `counted` is nothing for a connection from a trusted proxy.
  Ticket(runtime::Shard& front, Admission& admission, std::optional<Address> counted);
  Ticket(Ticket&& other) noexcept;
  Ticket& operator=(Ticket&&) = delete;
  ~Ticket();

  // The connection proved who it is. Later calls change nothing.
  void authenticated();

  // Whether the connection is still to be counted under the address behind a proxy.
  bool uncounted() const { return !counted_; }

  // Counts it there, or says why not. Once, and only when `uncounted`.
  runtime::Task<Verdict> claim(Address counted);

 private:
  runtime::Shard* front_;  // nothing once moved from
  Admission* admission_;
  std::optional<Address> counted_;
  bool authenticated_ = false;
};

}  // namespace amicale::http
