// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/proxy.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "tests/chaos/trial.h"

namespace amicale::chaos {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

struct Proxy::Line {
  Line(asio::io_context& context, Fate fate)
      : client(context), server(context), stall(context), up_delay(context), down_delay(context) {
    this->fate = fate;
  }

  tcp::socket client;
  tcp::socket server;
  asio::steady_timer stall;
  asio::steady_timer up_delay, down_delay;
  Fate fate;
  std::size_t passed = 0;
  bool silent = false;  // stalled: what comes is neither passed nor read
  std::array<char, 4096> up{}, down{};

  void close(bool reset) {
    error_code ignored;
    if (reset && client.is_open()) client.set_option(asio::socket_base::linger(true, 0), ignored);
    if (reset && server.is_open()) server.set_option(asio::socket_base::linger(true, 0), ignored);
    client.close(ignored);
    server.close(ignored);
    stall.cancel();
    up_delay.cancel();
    down_delay.cancel();
  }
};

Proxy::Proxy(std::uint16_t target, std::function<Fate()> fate)
    : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
      port_(acceptor_.local_endpoint().port()),
      target_(target),
      fate_(std::move(fate)),
      random_(seed()) {
  accept();
  thread_ = std::thread([this] { context_.run(); });
}

Proxy::~Proxy() {
  asio::post(context_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& line : open_) line->close(false);
    open_.clear();
  });
  thread_.join();
}

void Proxy::set_fate(std::function<Fate()> fate) {
  asio::post(context_, [this, fate = std::move(fate)]() mutable { fate_ = std::move(fate); });
}

void Proxy::cut_all() {
  asio::post(context_, [this] {
    for (const auto& line : std::exchange(open_, {})) {
      ++cuts_;
      line->close(true);
    }
  });
}

void Proxy::black_hole_all() {
  asio::post(context_, [this] {
    for (const auto& line : open_) line->silent = true;
  });
}

void Proxy::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket client) {
    if (!acceptor_.is_open()) return;
    if (error) return accept();
    ++lines_;
    auto line = std::make_shared<Line>(context_, fate_());
    line->client = std::move(client);
    error_code refused;
    // Loopback answers at once, or not at all.
    line->server.connect({asio::ip::address_v4::loopback(), target_}, refused);
    if (refused) {
      line->close(false);
    } else {
      error_code ignored;
      line->client.set_option(tcp::no_delay(true), ignored);
      line->server.set_option(tcp::no_delay(true), ignored);
      open_.insert(line);
      pump(line, true);
      pump(line, false);
    }
    accept();
  });
}

void Proxy::end(const std::shared_ptr<Line>& line) {
  line->close(false);
  open_.erase(line);
}

void Proxy::cut(const std::shared_ptr<Line>& line) {
  if (open_.erase(line) == 0) return;
  ++cuts_;
  line->close(line->fate.reset);
}

void Proxy::pump(const std::shared_ptr<Line>& line, bool from_client) {
  if (line->silent) return;
  auto& from = from_client ? line->client : line->server;
  auto& buffer = from_client ? line->up : line->down;
  from.async_read_some(asio::buffer(buffer),
                       [this, line, from_client](error_code error, std::size_t size) {
                         if (!open_.contains(line)) return;
                         if (error) return end(line);
                         pass(line, from_client, 0, size);
                       });
}

void Proxy::pass(const std::shared_ptr<Line>& line, bool from_client, std::size_t from,
                 std::size_t to) {
  if (!open_.contains(line) || line->silent) return;
  if (from == to) return pump(line, from_client);
  Fate& fate = line->fate;
  if (line->passed >= fate.cut_after) return cut(line);
  if (line->passed >= fate.stall_after) {
    line->silent = true;
    line->stall.expires_after(fate.stall);
    line->stall.async_wait([this, line](error_code cancelled) {
      if (!cancelled) cut(line);
    });
    return;
  }
  if (fate.drop > 0 && std::uniform_real_distribution<>(0, 1)(random_) < fate.drop)
    return cut(line);
  const std::size_t most = std::min({to - from, fate.piece, fate.cut_after - line->passed});
  line->passed += most;
  const auto write = [this, line, from_client, from, to, most] {
    auto& into = from_client ? line->server : line->client;
    const auto& bytes = from_client ? line->up : line->down;
    asio::async_write(into, asio::buffer(bytes.data() + from, most),
                      [this, line, from_client, from, to, most](error_code error, std::size_t) {
                        if (!open_.contains(line)) return;
                        if (error) return end(line);
                        if (line->passed >= line->fate.cut_after) return cut(line);
                        pass(line, from_client, from + most, to);
                      });
  };
  if (fate.delay.count() == 0) return write();
  auto& timer = from_client ? line->up_delay : line->down_delay;
  timer.expires_after(fate.delay);
  timer.async_wait([this, line, write](error_code cancelled) {
    if (!cancelled && open_.contains(line)) write();
  });
}

}  // namespace amicale::chaos
