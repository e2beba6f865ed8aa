// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/http/address.h"
#include "server/http/deadline.h"
#include "server/http/ticket.h"
#include "server/http/tls.h"
#include "server/runtime/shard.h"
#include "server/runtime/spawn.h"
#include "server/runtime/stream.h"
#include "server/session/place.h"

namespace amicale::http {

// What HTTP needs of the configuration. Constant; shared by the shards.
struct Settings {
  v1::Language language = v1::LANGUAGE_FR;
  std::vector<std::string> origins;  // that pages may call from; public_url's own among them
  Networks trusted_proxies;
  std::string metrics_token;  // empty = loopback only
  std::chrono::milliseconds handshake{};
  std::chrono::milliseconds keep_alive{};
  std::uint32_t requests_per_second = 0;  // of one connection
  std::uint32_t request_burst = 0;
};

// What the rest of the server does for HTTP, wired by hand in server.cc. Called on the connection's shard.
struct Handlers {
  struct Call {
    std::string token;  // 32 bytes, not checked yet; empty = none came
    Address client;     // proxies seen through
    v1::ClientFrame frame;
  };
  struct Called {
    v1::Reply reply;
    bool authenticated;  // the token was good
  };
  std::function<runtime::Task<Called>(Call)> call;
  // Why the server cannot serve now ("draining", "storage"); empty = it can.
  std::function<runtime::Task<std::string>()> unready;
  // The body of /metrics.
  std::function<runtime::Task<std::string>()> metrics;
};

// A connection as the listener hands it over.
struct Accepted {
  std::uint64_t connection_id;
  Endpoint peer;
  TlsContext tls;  // nothing = plain
  std::chrono::milliseconds
      handshake;  // time for the TLS handshake, and again for the first request's header
  Ticket ticket;
};

// The connections of one shard, from the handover to their end. Lives on its shard; owned by the server; outlives its
// connections. At the end: `drain` closes the HTTP connections that only wait and lets no other go on after its answer,
// `close` closes the rest of them, `join` comes back when no connection is left, WebSocket ones included: those are ended by
// session::Place.
class HttpShard {
 public:
  HttpShard(runtime::Shard& shard, const Settings& settings, Handlers handlers,
            session::Place& sessions);

  // Serves a connection to its end. On the shard.
  void serve(runtime::Socket socket, Accepted accepted);

  // From any shard; come back when done.
  runtime::Task<> drain();
  runtime::Task<> close();
  runtime::Task<> join();

  runtime::Shard& shard() { return shard_; }
  const Settings& settings() const { return settings_; }
  session::Place& sessions() { return sessions_; }
  const Handlers& handlers() const { return handlers_; }
  bool draining() const { return draining_; }

  // A connection that speaks HTTP, for as long as it does: whether it waits for a request, and how to close it.
  void speaks(Deadline& connection, bool waits) { speaking_[&connection] = waits; }
  void left(Deadline& connection) { speaking_.erase(&connection); }

  // A connection that has not asked anything yet, until it has or is gone. `patience` is what it has at least.
  struct Newcomer {
    Deadline* connection;
    std::chrono::steady_clock::time_point until;
  };
  using NewcomerAt = std::list<Newcomer>::iterator;
  NewcomerAt arrives(Deadline& connection, std::chrono::milliseconds patience);
  void asked(NewcomerAt place) { newcomers_.erase(place); }

  // The server is full and others wait: closes the newcomers that had their time, and the sessions that came and did not
  // say who they are. On the shard.
  void make_room();

 private:
  void drain_here();
  void close_here();

  runtime::Shard& shard_;
  const Settings& settings_;
  const Handlers handlers_;
  session::Place& sessions_;
  runtime::TaskGroup connections_;
  std::unordered_map<Deadline*, bool> speaking_;
  std::list<Newcomer> newcomers_;  // oldest first
  bool draining_ = false;
};

}  // namespace amicale::http
