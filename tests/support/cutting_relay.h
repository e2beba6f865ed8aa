// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <thread>

namespace amicale::support {

// A TCP relay on loopback that cuts its connections: at once, or after so many bytes, wherever in a
// frame that falls. Its own port stays while the server behind it comes and goes. One thread of its
// own; the public functions may be called from any other.
class CuttingRelay {
 public:
  explicit CuttingRelay(std::uint16_t target);
  ~CuttingRelay();
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;

  std::uint16_t port() const { return port_; }
  void set_target(std::uint16_t port);
  void cut();
  // From now on each new connection is cut once next() bytes went through it, both ways together.
  // next() runs on the relay's thread; an empty function cuts no more.
  void cut_each_after(std::function<std::size_t()> next);

 private:
  struct Link;
  void accept();
  void pump(std::shared_ptr<Link> link, bool from_client);

  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::uint16_t target_;
  std::function<std::size_t()> next_;
  std::set<std::shared_ptr<Link>> links_;
  std::thread thread_;
};

}  // namespace amicale::support
