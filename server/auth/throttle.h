// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace amicale::auth {

// Counts login attempts per account and per address in fixed windows, and says when to come back. Lives on one shard (the
// site's home). Bounded: when full, the oldest windows go first.
class LoginThrottle {
 public:
  struct Bound {
    uint32_t tries;
    int64_t window_ms;
  };

  LoginThrottle(Bound per_login, Bound per_address, std::size_t most_entries)
      : per_login_(per_login), per_address_(per_address), most_entries_(most_entries) {}

  // Counts one attempt. Returns how long to wait, in ms, when it is over a bound; the attempt must then not be made.
  // `address` is the caller's IPv4 address or IPv6 /64, as text. An empty `login` (an invitation's code is what is tried)
  // counts for the address alone: everybody's codes are not one account.
  std::optional<int64_t> attempt(const std::string& login, const std::string& address,
                                 int64_t steady_ms);

  // A success clears the account's count and takes this one attempt back from the address: who mistyped is not punished,
  // a class that logs in from one address is not a flood, and wrong tries still count.
  void succeeded(const std::string& login, const std::string& address);

  // An attempt that was counted and then not made, because there was no room for it: it told nobody anything.
  void not_made(const std::string& login, const std::string& address);

 private:
  struct Window {
    int64_t started_ms;
    uint32_t tries;
  };
  std::optional<int64_t> wait(const std::string& key, Bound bound, int64_t now) const;
  void count(const std::string& key, Bound bound, int64_t now);
  void take_back(const std::string& key);

  Bound per_login_;
  Bound per_address_;
  std::size_t most_entries_;
  std::unordered_map<std::string, Window> windows_;
};

}  // namespace amicale::auth
