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
             const Settings& settings)
    : shard_(shard),
      hub_(hub),
      lobby_(lobby),
      parts_(parts),
      settings_(settings),
      random_(std::random_device{}()),
      tasks_(shard.executor()) {}

void Place::start() {
  shard_.post([this] { tasks_.spawn("place", tick()); });
}

runtime::Task<> Place::tick() {
  runtime::asio::steady_timer timer(shard_.context());
  for (;;) {
    timer.expires_after(std::chrono::seconds(1));
    auto [error] = co_await timer.async_wait(runtime::as_result);
    if (error) co_return;
    // A session may end, and leave the set, while it is looked at.
    std::vector<Session*> all(sessions_.begin(), sessions_.end());
    for (Session* session : all) {
      if (sessions_.contains(session)) session->tick();
    }
  }
}

void Place::drain() {
  draining_ = true;
  std::vector<Session*> all(sessions_.begin(), sessions_.end());
  for (Session* session : all) {
    if (sessions_.contains(session)) session->end(v1::CLOSE_CODE_GOING_AWAY, reconnect_after_ms());
  }
}

void Place::cut() {
  std::vector<Session*> all(sessions_.begin(), sessions_.end());
  for (Session* session : all) {
    if (sessions_.contains(session)) session->cut();
  }
}

runtime::Task<> Place::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

void Place::add(Session& session) {
  sessions_.insert(&session);
  if (draining_) session.end(v1::CLOSE_CODE_GOING_AWAY, reconnect_after_ms());
}

void Place::remove(Session& session) { sessions_.erase(&session); }

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
