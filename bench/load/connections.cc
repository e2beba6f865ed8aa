// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace amicale::load {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
// One address has 28,000 ports to call from: enough for this many with as many still dying.
constexpr uint32_t kLinksPerAddress = 8'000;

sockaddr_in address_of(const Target& target) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error("not an IPv4 address: " + target.host);
  return address;
}

std::runtime_error failure(const char* what) {
  return std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

int64_t clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

int dial(const Target& target) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failure("socket");
  const auto address = address_of(target);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    throw failure("connect");
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Connections::Connections(Driver& driver, Traffic& traffic, const Plan& plan)
    : driver_(driver),
      traffic_(traffic),
      links_(plan.links()),
      sockets_(plan.links()),
      buffer_(kReadBytes * 2) {
  for (uint32_t i = 0; i < plan.links(); ++i) {
    links_[i].index = i;
    links_[i].room = i / plan.members;
    links_[i].person = i % plan.people;
  }
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) throw failure("epoll_create1");
  if (driver.target().tls) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  }
}

Connections::~Connections() {
  for (Link& link : links_) close(link, false);
  if (context_) SSL_CTX_free(context_);
  ::close(epoll_);
}

void Connections::join_all(uint32_t at_once, double patience_s) {
  const int64_t deadline = clock_ns() + static_cast<int64_t>(patience_s * 1e9);
  uint32_t started = traffic_.links_joined();
  size_t next = 0;
  while (traffic_.links_joined() < links_.size()) {
    while (next < links_.size() && started - traffic_.links_joined() < at_once) {
      if (sockets_[next].fd < 0) {
        start(links_[next]);
        ++started;
      }
      ++next;
    }
    if (traffic_.errors() > 0) throw std::runtime_error(traffic_.first_error());
    if (clock_ns() > deadline)
      throw std::runtime_error("only " + std::to_string(traffic_.links_joined()) + " of " +
                               std::to_string(links_.size()) + " connections joined in time");
    turn(clock_ns() + 100'000'000);
  }
}

void Connections::turn(int64_t until_ns) {
  // By index: a flush may end a link, which changes nothing here, and a driver may not soil others.
  for (size_t i = 0; i < dirty_.size(); ++i) flush(links_[dirty_[i]]);
  dirty_.clear();
  epoll_event events[512];
  int64_t wait = until_ns > 0 ? until_ns - clock_ns() : 0;
  if (wait < 0) wait = 0;
  const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
  const int count = ::epoll_pwait2(epoll_, events, 512, &timeout, nullptr);
  if (count < 0 && errno != EINTR) throw failure("epoll_pwait2");
  for (int i = 0; i < count; ++i) {
    Link& link = links_[events[i].data.u32];
    Socket& socket = sockets_[link.index];
    if (socket.fd < 0) continue;
    if (socket.connecting) {
      stand(link);
      continue;
    }
    if (socket.shaking) {
      shake(link);
      continue;
    }
    if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(link);
    if (socket.fd >= 0 && (events[i].events & EPOLLOUT)) soil(link);
  }
}

void Connections::start(Link& link) {
  Socket& socket = sockets_[link.index];
  socket = {};
  socket.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket.fd < 0) throw failure("socket");
  const int on = 1;
  ::setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto address = address_of(driver_.target());
  if (driver_.target().host.starts_with("127.")) {
    ::setsockopt(socket.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f000001 + link.index / kLinksPerAddress);
    if (::bind(socket.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
      throw failure("bind");
  }
  if (::connect(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS)
    throw failure("connect");
  socket.connecting = true;
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.u32 = link.index}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.fd, &event) != 0) throw failure("epoll_ctl");
  socket.wants_write = true;
}

void Connections::stand(Link& link) {
  Socket& socket = sockets_[link.index];
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(link, std::string("connect: ") + std::strerror(error));
  socket.connecting = false;
  if (!context_) return begin(link);
  socket.tls = SSL_new(context_);
  SSL_set_fd(socket.tls, socket.fd);
  SSL_set_connect_state(socket.tls);
  socket.shaking = true;
  shake(link);
}

void Connections::shake(Link& link) {
  Socket& socket = sockets_[link.index];
  const int done = SSL_do_handshake(socket.tls);
  if (done == 1) {
    socket.shaking = false;
    return begin(link);
  }
  const int error = SSL_get_error(socket.tls, done);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
    return fail(link, "the TLS handshake failed");
  watch(link, error == SSL_ERROR_WANT_WRITE);
}

void Connections::begin(Link& link) {
  watch(link, false);
  link.out.clear();
  driver_.begin(link);
  soil(link);
}

void Connections::read(Link& link) {
  Socket& socket = sockets_[link.index];
  const size_t kept = socket.carry.size();
  if (buffer_.size() < kept + kReadBytes) buffer_.resize(kept + kReadBytes);
  std::memcpy(buffer_.data(), socket.carry.data(), kept);
  ssize_t got;
  if (!socket.tls) {
    got = ::recv(socket.fd, buffer_.data() + kept, kReadBytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return fail(link, std::string("recv: ") + std::strerror(errno));
  } else {
    // A TLS record is at most 16 KiB and may wait inside OpenSSL, where epoll does not see it: read until there is no more.
    size_t total = 0;
    for (;;) {
      const int part =
          SSL_read(socket.tls, buffer_.data() + kept + total, static_cast<int>(kReadBytes - total));
      if (part > 0) {
        total += static_cast<size_t>(part);
        if (total < kReadBytes) continue;
      } else if (SSL_get_error(socket.tls, part) != SSL_ERROR_WANT_READ) {
        return fail(link, "the TLS connection ended");
      }
      break;
    }
    if (total == 0) return;
    got = static_cast<ssize_t>(total);
  }
  if (got == 0) return fail(link, "the server ended the connection");
  hand_over(link, kept + static_cast<size_t>(got));
  if (socket.tls && SSL_pending(socket.tls) > 0) read(link);
}

void Connections::hand_over(Link& link, size_t have) {
  Socket& socket = sockets_[link.index];
  traffic_.set_now(clock_ns());
  size_t used = 0;
  try {
    used = driver_.take(link, {buffer_.data(), have}, traffic_);
  } catch (const std::exception& error) {
    return fail(link, error.what());
  }
  if (used < have)
    socket.carry.assign(buffer_.data() + used, have - used);
  else
    socket.carry.clear();
  if (!link.out.empty()) soil(link);
}

void Connections::soil(Link& link) {
  Socket& socket = sockets_[link.index];
  if (socket.dirty) return;
  socket.dirty = true;
  dirty_.push_back(link.index);
}

void Connections::flush(Link& link) {
  Socket& socket = sockets_[link.index];
  socket.dirty = false;
  if (socket.fd < 0 || link.out.empty()) return;
  while (socket.written < link.out.size()) {
    const char* from = link.out.data() + socket.written;
    const size_t size = link.out.size() - socket.written;
    ssize_t sent;
    if (socket.tls) {
      sent = SSL_write(socket.tls, from, static_cast<int>(size));
      if (sent <= 0) {
        const int error = SSL_get_error(socket.tls, static_cast<int>(sent));
        if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ)
          return fail(link, "the TLS connection ended");
        return watch(link, true);
      }
    } else {
      sent = ::send(socket.fd, from, size, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN) return fail(link, std::string("send: ") + std::strerror(errno));
        return watch(link, true);
      }
    }
    socket.written += static_cast<size_t>(sent);
  }
  socket.written = 0;
  link.out.clear();
  // An idle connection should cost the generator nothing: 20,000 of them share the machine with the server.
  if (link.out.capacity() > 4096) link.out.shrink_to_fit();
  watch(link, false);
}

void Connections::watch(Link& link, bool write) {
  Socket& socket = sockets_[link.index];
  if (socket.wants_write == write) return;
  socket.wants_write = write;
  epoll_event event{.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data = {.u32 = link.index}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket.fd, &event);
}

void Connections::post(Link& link, int64_t intended_ns) {
  const auto text = traffic_.write(intended_ns);
  if (driver_.answers()) link.pending.push_back(intended_ns);
  driver_.post(link, text);
  soil(link);
}

void Connections::page(Link& link, int64_t intended_ns) {
  link.pending.push_back(intended_ns);
  if (!driver_.page(link)) throw std::runtime_error("this protocol has no history");
  soil(link);
}

void Connections::cut(uint32_t missed) {
  for (Link& link : links_) {
    close(link, true);
    traffic_.rewind(link, missed);
    link.again = true;
    link.stage = 0;
  }
}

void Connections::close(Link& link, bool reset) {
  Socket& socket = sockets_[link.index];
  if (socket.fd < 0) return;
  if (reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (socket.tls) SSL_free(socket.tls);
  ::close(socket.fd);
  socket = {};
  link.out.clear();
  traffic_.left(link);
}

void Connections::fail(Link& link, const std::string& why) {
  traffic_.refused(link, why);
  close(link, true);
}

}  // namespace amicale::load
