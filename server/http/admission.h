// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "server/http/address.h"

namespace amicale::http {

// Why a connection is turned away, or that it is not.
enum class Verdict : std::uint8_t { kAdmitted, kFull, kAddressFull, kAddressUnauthenticated };

std::string_view name(Verdict verdict);

// Counts the open connections, in all and by address. Lives on the listener's shard and is touched only there, so that its
// caps are exact over all shards. Memory: one entry per address with a connection, so at most one per connection.
class Admission {
 public:
  struct Caps {
    std::uint64_t total;
    std::uint64_t per_address;
    std::uint64_t unauthenticated_per_address;
  };

  explicit Admission(Caps caps) : caps_(caps) {}

  // Counts a new connection when all the caps allow it. One from a trusted proxy is counted in all only: its address says
  // nothing of who is behind it.
  Verdict admit(const Address& counted);
  Verdict admit_uncounted();

  // Counts an admitted, uncounted connection under the address that turned out to be behind it.
  Verdict claim(const Address& counted);

  // The connection proved who it is.
  void authenticated(const Address& counted);

  // The connection ended; it had been admitted, and counted under its address.
  void ended(const Address& counted, bool was_authenticated);
  void ended_uncounted();

  bool full() const { return total_ >= caps_.total; }
  std::uint64_t total() const { return total_; }

 private:
  struct Count {
    std::uint64_t all = 0;
    std::uint64_t unauthenticated = 0;
  };
  const Caps caps_;
  std::uint64_t total_ = 0;
  std::unordered_map<Address, Count> by_address_;
};

}  // namespace amicale::http
