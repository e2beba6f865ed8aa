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
