// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/http_shard.h"

#include "server/http/http_session.h"

namespace amicale::http {

HttpShard::HttpShard(runtime::Shard& shard, const Settings& settings, Handlers handlers,
                     session::Place& sessions)
    : shard_(shard),
      settings_(settings),
      handlers_(std::move(handlers)),
      sessions_(sessions),
      connections_(shard.executor()) {}

void HttpShard::serve(runtime::Socket socket, Accepted accepted) {
  ++shard_.metrics().connections_total;
  connections_.spawn("connection", serve_connection(*this, std::move(socket), std::move(accepted)));
}

HttpShard::NewcomerAt HttpShard::arrives(Deadline& connection, std::chrono::milliseconds patience) {
  return newcomers_.insert(newcomers_.end(),
                           {&connection, std::chrono::steady_clock::now() + patience});
}

void HttpShard::make_room() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& newcomer : newcomers_) {
    if (newcomer.until <= now) newcomer.connection->close();
  }
  sessions_.make_room();
}

runtime::Task<> HttpShard::drain() {
  return shard_.call([this] { drain_here(); });
}

runtime::Task<> HttpShard::close() {
  return shard_.call([this] { close_here(); });
}

runtime::Task<> HttpShard::join() {
  return shard_.call([this] { return connections_.join(); });
}

void HttpShard::drain_here() {
  draining_ = true;
  for (const auto& [connection, waits] : speaking_) {
    if (waits) connection->close();
  }
}

void HttpShard::close_here() {
  drain_here();
  for (const auto& [connection, waits] : speaking_) connection->close();
}

}  // namespace amicale::http
