// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The front door. All connections are accepted on one shard and handed to the shards in turn. The alternative, a listening
// socket per shard with SO_REUSEPORT, was not taken: the kernel spreads by hash, so that a room's members crowd one shard by
// chance; caps by address would need counting across shards; and closing one of several sockets at the drain resets whoever
// waits in its queue. Accepting costs microseconds and happens once in a connection's long life.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <expected>
#include <string>
#include <vector>

#include "server/http/admission.h"
#include "server/http/http_shard.h"
#include "server/http/tls.h"
#include "server/runtime/shard.h"
#include "server/runtime/spawn.h"

namespace amicale::http {

// Accepts, counts, and hands over. Lives on the front shard, the first one; owned by the server, and outlives every
// connection. A peer over a cap is closed at once; when the server itself is full, or out of descriptors, accepting pauses
// and the peers wait in the kernel's queue, so that neither costs processor time; connections that have not asked anything are
// then closed early, oldest first, so that who waits honestly behind a flood gets its turn.
class Listener {
 public:
  struct Options {
    std::vector<Endpoint> plain;
    std::vector<Endpoint> tls;
    Admission::Caps caps;
    Networks trusted_proxies;
  };

  // `homes` are the shards' ends, in their order; they outlive the listener. `tls` may be nothing when Options::tls is empty.
  Listener(runtime::Shard& front, std::vector<HttpShard*> homes, Options options, TlsContext tls);

  // Binds and listens, before the shards start. The error names the address.
  std::expected<void, std::string> open();

  // Where it listens, ports chosen by the system included; in the order of the options. After open().
  std::vector<Endpoint> plain_endpoints() const;
  std::vector<Endpoint> tls_endpoints() const;

  // Starts accepting. Any thread; once, after open().
  void start();

  // The certificate for connections from now on. Any thread.
  void replace_tls(TlsContext tls);

  // Closes the listening sockets: new connections are refused by the system. Connections go on. Any thread; awaited, it
  // comes back when no connection can be accepted any more.
  runtime::Task<> stop_accepting();

 private:
  using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                      boost::asio::io_context::executor_type>;
  struct Door {
    Acceptor acceptor;
    bool encrypted;
  };

  std::expected<void, std::string> open_door(const Endpoint& endpoint, bool encrypted);
  std::vector<Endpoint> endpoints(bool encrypted) const;
  runtime::Task<> accept_all(Door& door);
  runtime::Task<> rest(std::chrono::milliseconds time);
  void make_room();
  void admit(runtime::Socket socket, const Door& door, HttpShard& home);
  void note_limit(std::string_view reason);
  runtime::Task<> stop_here();

  runtime::Shard& front_;
  std::vector<HttpShard*> homes_;
  const Options options_;
  TlsContext tls_;
  Admission admission_;
  std::deque<Door> doors_;
  runtime::TaskGroup accepting_;
  std::size_t next_home_ = 0;
  std::uint64_t next_connection_ = 1;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point last_limit_log_{};
  std::uint64_t limits_unlogged_ = 0;
};

}  // namespace amicale::http
