// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/auth/throttle.h"

#include <algorithm>

namespace amicale::auth {
namespace {

// One map for both kinds: a login can't hold a space.
std::string login_key(const std::string& login) { return "login " + login; }
std::string address_key(const std::string& address) { return "address " + address; }

}  // namespace

std::optional<int64_t> LoginThrottle::wait(const std::string& key, Bound bound, int64_t now) const {
  auto found = windows_.find(key);
  if (found == windows_.end()) return std::nullopt;
  int64_t ends = found->second.started_ms + bound.window_ms;
  if (now >= ends || found->second.tries < bound.tries) return std::nullopt;
  return ends - now;
}

void LoginThrottle::count(const std::string& key, Bound bound, int64_t now) {
  auto [place, fresh] = windows_.try_emplace(key, Window{now, 0});
  if (!fresh && now >= place->second.started_ms + bound.window_ms) place->second = {now, 0};
  ++place->second.tries;
}

std::optional<int64_t> LoginThrottle::attempt(const std::string& login, const std::string& address,
                                              int64_t now) {
  auto by_login = login.empty() ? std::nullopt : wait(login_key(login), per_login_, now);
  auto by_address = wait(address_key(address), per_address_, now);
  if (by_login || by_address) return std::max(by_login.value_or(0), by_address.value_or(0));
  if (windows_.size() + 2 > most_entries_) {
    std::erase_if(windows_, [&](const auto& entry) {
      return now >=
             entry.second.started_ms + std::max(per_login_.window_ms, per_address_.window_ms);
    });
  }
  if (windows_.size() + 2 > most_entries_) {
    auto oldest = std::ranges::min_element(
        windows_, {}, [](const auto& entry) { return entry.second.started_ms; });
    windows_.erase(oldest);
  }
  if (!login.empty()) count(login_key(login), per_login_, now);
  count(address_key(address), per_address_, now);
  return std::nullopt;
}

void LoginThrottle::succeeded(const std::string& login, const std::string& address) {
  if (!login.empty()) windows_.erase(login_key(login));
  take_back(address_key(address));
}

void LoginThrottle::not_made(const std::string& login, const std::string& address) {
  if (!login.empty()) take_back(login_key(login));
  take_back(address_key(address));
}

void LoginThrottle::take_back(const std::string& key) {
  auto found = windows_.find(key);
  if (found != windows_.end() && found->second.tries > 0) --found->second.tries;
}

}  // namespace amicale::auth
