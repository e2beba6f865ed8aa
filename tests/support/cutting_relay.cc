// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/cutting_relay.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace amicale::support {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct CuttingRelay::Link {
  tcp::socket client;
  tcp::socket server;
  std::size_t left;
  std::array<char, 4096> up{}, down{};

  void close() {
    error_code ignored;
    client.close(ignored);
    server.close(ignored);
  }
};

CuttingRelay::CuttingRelay(std::uint16_t target)
    : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
      port_(acceptor_.local_endpoint().port()),
      target_(target) {
  accept();
  thread_ = std::thread([this] { context_.run(); });
}

CuttingRelay::~CuttingRelay() {
  asio::post(context_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& link : links_) link->close();
  });
  thread_.join();
}

void CuttingRelay::set_target(std::uint16_t port) {
  asio::post(context_, [this, port] { target_ = port; });
}

void CuttingRelay::cut() {
  asio::post(context_, [this] {
    for (const auto& link : links_) link->close();
  });
}

void CuttingRelay::cut_each_after(std::function<std::size_t()> next) {
  asio::post(context_, [this, next = std::move(next)]() mutable { next_ = std::move(next); });
}

void CuttingRelay::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket client) {
    if (error) return;
    auto link = std::make_shared<Link>(std::move(client), tcp::socket(context_),
                                       next_ ? next_() : SIZE_MAX);
    error_code refused;
    link->server.connect({asio::ip::address_v4::loopback(), target_}, refused);
    if (refused) {
      link->close();
    } else {
      error_code ignored;
      link->client.set_option(tcp::no_delay(true), ignored);
      link->server.set_option(tcp::no_delay(true), ignored);
      links_.insert(link);
      pump(link, true);
      pump(link, false);
    }
    accept();
  });
}

void CuttingRelay::pump(std::shared_ptr<Link> link, bool from_client) {
  auto& from = from_client ? link->client : link->server;
  auto& buffer = from_client ? link->up : link->down;
  from.async_read_some(asio::buffer(buffer),
                       [this, link, from_client](error_code error, std::size_t size) {
                         const std::size_t passed = std::min(size, link->left);
                         link->left -= passed;
                         auto& to = from_client ? link->server : link->client;
                         auto& bytes = from_client ? link->up : link->down;
                         // Synchronous: a relay of a test has nothing better to do.
                         if (!error) asio::write(to, asio::buffer(bytes.data(), passed), error);
                         if (error || link->left == 0) {
                           link->close();
                           links_.erase(link);
                           return;
                         }
                         pump(link, from_client);
                       });
}

}  // namespace amicale::support
