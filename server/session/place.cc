// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/place.h"

#include <boost/asio/steady_timer.hpp>

#include "server/domain/limits.h"
#include "server/session/session.h"

namespace amicale::session {

namespace limits = domain::limits;

namespace {

constexpr std::size_t most_free_messages = 64;

}  // namespace

Place::Place(runtime::Shard& shard, hub::Hub& hub, hub::Lobby& lobby, const Parts& parts,
             const Settings& settings, uint32_t seed)
    : shard_(shard),
      hub_(hub),
      lobby_(lobby),
      parts_(parts),
      settings_(settings),
      random_(seed),
      tasks_(shard.executor()) {}

std::string Place::site_name() const {
  std::string name = parts_.gate.view().site().name();
  return name.empty() ? settings_.site_name : name;
}

void Place::start() {
  shard_.post([this] { tasks_.spawn("place", tick()); });
}

runtime::Task<> Place::tick() {
  runtime::asio::steady_timer timer(shard_.context());
  for (;;) {
    timer.expires_after(std::chrono::seconds(1));
    auto [error] = co_await timer.async_wait(runtime::as_result);
    if (error) co_return;
    look();
  }
}

// A session may leave while the others are told something: who tells them looks each up again.
std::vector<uint64_t> Place::connections() const {
  std::vector<uint64_t> all;
  all.reserve(sessions_.size());
  for (const auto& [connection, session] : sessions_) all.push_back(connection);
  return all;
}

void Place::look() {
  for (const uint64_t connection : connections()) {
    if (auto found = sessions_.find(connection); found != sessions_.end()) found->second->tick();
  }
}

void Place::drain() {
  draining_ = true;
  for (const uint64_t connection : connections()) {
    if (auto found = sessions_.find(connection); found != sessions_.end())
      found->second->end(v1::CLOSE_CODE_GOING_AWAY, reconnect_after_ms());
  }
}

void Place::cut() {
  for (const uint64_t connection : connections()) {
    if (auto found = sessions_.find(connection); found != sessions_.end()) found->second->cut();
  }
}

void Place::make_room() {
  for (const uint64_t connection : connections()) {
    if (auto found = sessions_.find(connection); found != sessions_.end())
      found->second->yield_place();
  }
}

runtime::Task<> Place::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

void Place::add(Session& session) {
  sessions_.emplace(session.connection_id(), &session);
  if (draining_) session.end(v1::CLOSE_CODE_GOING_AWAY, reconnect_after_ms());
}

void Place::remove(Session& session) { sessions_.erase(session.connection_id()); }

runtime::Task<bool> Place::enter(uint64_t account) {
  Place* home = peers_[home_of(storage::PartitionId::account(account))];
  auto count = [home, account] {
    uint32_t& sockets = home->sockets_[account];
    if (sockets >= home->settings_.limits.sockets_per_account()) return false;
    ++sockets;
    return true;
  };
  return home->shard_.call(std::move(count));
}

void Place::leave(uint64_t account) {
  Place* home = peers_[home_of(storage::PartitionId::account(account))];
  home->shard_.post([home, account] {
    auto found = home->sockets_.find(account);
    if (found != home->sockets_.end() && --found->second == 0) home->sockets_.erase(found);
  });
}

uint32_t Place::reconnect_after_ms() {
  return std::uniform_int_distribution<uint32_t>(limits::reconnect_min_ms,
                                                 limits::reconnect_max_ms)(random_);
}

std::unique_ptr<Outgoing> Place::borrow() {
  if (free_.empty()) return std::make_unique<Outgoing>();
  auto message = std::move(free_.back());
  free_.pop_back();
  return message;
}

void Place::give_back(std::unique_ptr<Outgoing> message) {
  message->clear();
  if (free_.size() < most_free_messages) free_.push_back(std::move(message));
}

}  // namespace amicale::session
