// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/load/driver.h"

namespace amicale::load {

// Nanoseconds of the monotonic clock.
int64_t clock_ns();

// A connected blocking TCP socket for drivers' prepare(). Throws std::runtime_error.
int dial(const Target& target);

// All sockets of a run, non-blocking, on one epoll and one thread. A turn writes what drivers have left in Link::out, waits,
// reads each ready socket once and hands the bytes to the driver. A connection that ends unasked is an error of the run.
class Connections {
 public:
  Connections(Driver& driver, Traffic& traffic, const Plan& plan);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Connects every link that is not connected, at most `at_once` on their way in at a time, and runs until all have joined.
  // Throws when they have not within `patience_s`.
  void join_all(uint32_t at_once, double patience_s);

  // One turn that waits until `until_ns` at most. 0 = without waiting.
  void turn(int64_t until_ns);

  // Sends the room's next message from `link`; meant for `intended_ns`.
  void post(Link& link, int64_t intended_ns);
  // Asks for the last messages of the link's room.
  void page(Link& link, int64_t intended_ns);
  // Ends every connection at once, without a word. Each will be given the last `missed` messages again when it is back.
  void cut(uint32_t missed);

  std::vector<Link>& links() { return links_; }

 private:
  struct Socket {
    int fd = -1;
    SSL* tls = nullptr;
    bool connecting = false;
    bool shaking = false;  // the TLS handshake is under way
    bool begun = false;
    bool wants_write = false;
    bool dirty = false;
    std::string carry;  // the beginning of a message
    size_t written = 0;
  };

  void start(Link& link);
  void stand(Link& link);
  void shake(Link& link);
  void begin(Link& link);
  void read(Link& link);
  void hand_over(Link& link, size_t have);
  void flush(Link& link);
  void soil(Link& link);
  void watch(Link& link, bool write);
  void close(Link& link, bool reset);
  void fail(Link& link, const std::string& why);

  Driver& driver_;
  Traffic& traffic_;
  std::vector<Link> links_;
  std::vector<Socket> sockets_;
  std::vector<uint32_t> dirty_;
  std::vector<char> buffer_;
  SSL_CTX* context_ = nullptr;
  int epoll_ = -1;
};

}  // namespace amicale::load
