// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/reference/epoll_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/reference/handshake.h"

namespace amicale::reference {
namespace {

struct Client;

struct Room {
  std::vector<Client*> members;
  std::string turn;  // frames of this loop turn
};

struct Client {
  int fd = -1;
  bool upgraded = false;
  bool wants_write = false;
  Room* room = nullptr;
  std::string in;       // the beginning of a frame
  std::string held;     // to come after the next, by Fault::swap
  std::string backlog;  // what the socket did not take
  size_t taken = 0;
};

class EpollServer {
 public:
  EpollServer(Sending sending, Fault fault, const std::function<void(uint16_t)>& ready)
      : sending_(sending), fault_(fault) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 4096) != 0)
      throw std::runtime_error(std::string("listen: ") + std::strerror(errno));
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    ready(ntohs(address.sin_port));
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(1024);
    for (;;) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto* client = static_cast<Client*>(events[i].data.ptr);
        if (!client) {
          accept();
          continue;
        }
        if (client->fd < 0) continue;
        if (events[i].events & EPOLLOUT) drain(*client);
        if (client->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read(*client);
      }
      for (Room* room : fed_) {
        for (Client* member : room->members) send(*member, room->turn);
        room->turn.clear();
      }
      fed_.clear();
      for (Client* gone : gone_) bury(gone);
      gone_.clear();
    }
  }

 private:
  void accept() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto* client = new Client;
      client->fd = fd;
      epoll_event event{.events = EPOLLIN, .data = {.ptr = client}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  void read(Client& client) {
    const size_t kept = client.in.size();
    std::memcpy(buffer_, client.in.data(), kept);
    const ssize_t got = ::recv(client.fd, buffer_ + kept, sizeof buffer_ - kept, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return close(client);
    const size_t have = kept + static_cast<size_t>(got);
    size_t used = 0;
    if (!client.upgraded) {
      std::string answer;
      used = answer_upgrade({buffer_, have}, answer);
      if (used > 0) {
        client.upgraded = true;
        send(client, answer);
      }
    }
    while (client.upgraded && client.fd >= 0) {
      std::string_view payload;
      const size_t size = unmask_frame(buffer_ + used, have - used, payload);
      if (size == 0) break;
      used += size;
      take(client, payload);
    }
    client.in.assign(buffer_ + used, have - used);
  }

  void take(Client& client, std::string_view payload) {
    unsigned number = 0;
    if (is_join(payload, number)) {
      while (rooms_.size() <= number) rooms_.push_back(std::make_unique<Room>());
      client.room = rooms_[number].get();
      client.room->members.push_back(&client);
      std::string answer;
      append_frame_head(answer, 1);
      send(client, answer + "J");
      return;
    }
    if (!client.room) return close(client);
    Room& room = *client.room;
    if (sending_ == Sending::once_per_turn) {
      if (room.turn.empty()) fed_.push_back(&room);
      append_frame_head(room.turn, payload.size());
      room.turn.append(payload);
      return;
    }
    std::string frame;
    append_frame_head(frame, payload.size());
    frame.append(payload);
    for (Client* member : room.members) {
      if (fault_ == Fault::none)
        send(*member, frame);
      else
        send_wrongly(*member, frame);
    }
  }

  void send_wrongly(Client& member, const std::string& frame) {
    constexpr unsigned rarely = 97;  // a prime: it meets every member in time
    const bool now = ++sent_ % rarely == 0;
    if (now && fault_ == Fault::lose) return;
    if (now && fault_ == Fault::swap) {
      member.held = frame;
      return;
    }
    send(member, frame);
    if (now) send(member, frame);
    if (!member.held.empty()) send(member, std::exchange(member.held, {}));
  }

  void send(Client& client, std::string_view bytes) {
    if (client.fd < 0) return;
    size_t sent = 0;
    if (client.backlog.empty()) {
      const ssize_t took = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (took < 0 && errno != EAGAIN) return close(client);
      if (took > 0) sent = static_cast<size_t>(took);
    }
    if (sent == bytes.size()) return;
    client.backlog.append(bytes.substr(sent));
    watch(client, true);
  }

  void drain(Client& client) {
    const ssize_t took = ::send(client.fd, client.backlog.data() + client.taken,
                                client.backlog.size() - client.taken, MSG_NOSIGNAL);
    if (took < 0 && errno != EAGAIN) return close(client);
    if (took > 0) client.taken += static_cast<size_t>(took);
    if (client.taken < client.backlog.size()) return;
    client.backlog.clear();
    client.taken = 0;
    watch(client, false);
  }

  void watch(Client& client, bool write) {
    if (client.wants_write == write) return;
    client.wants_write = write;
    epoll_event event{.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data = {.ptr = &client}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
  }

  // The object stays until the turn ends: events and rooms still point to it.
  void close(Client& client) {
    ::close(client.fd);
    client.fd = -1;
    gone_.push_back(&client);
  }

  void bury(Client* client) {
    if (client->room) std::erase(client->room->members, client);
    delete client;
  }

  Sending sending_;
  Fault fault_;
  unsigned sent_ = 0;
  int listener_ = -1, epoll_ = -1;
  std::vector<std::unique_ptr<Room>> rooms_;
  std::vector<Room*> fed_;
  std::vector<Client*> gone_;
  char buffer_[256 * 1024];
};

}  // namespace

void run_epoll_server(Sending sending, Fault fault, const std::function<void(uint16_t)>& ready) {
  std::make_unique<EpollServer>(sending, fault, ready)->run();
}

}  // namespace amicale::reference
