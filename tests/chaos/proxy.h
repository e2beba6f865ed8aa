// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <thread>

namespace amicale::chaos {

// What happens to one connection on its way.
struct Fate {
  std::size_t cut_after = SIZE_MAX;    // bytes, both ways together
  std::size_t stall_after = SIZE_MAX;  // bytes; from then on nothing passes, and nobody is told…
  std::chrono::milliseconds stall{0};  // …until it is cut after this
  std::chrono::milliseconds delay{0};  // of each piece
  std::size_t piece = 16 * 1024;       // largest write: a small one splits frames and records
  double drop = 0;                     // chance at each piece that the line is cut there
  bool reset = false;                  // cut by RST rather than by FIN
};

// A TCP proxy on loopback that does to connections what networks do; TLS or not is all bytes to it. One thread of its own;
// the public functions may be called from any other. A line is asynchronous both ways, so that a reader that takes nothing
// stalls itself alone.
class Proxy {
 public:
  // `fate` is asked on the proxy's thread for each new connection.
  explicit Proxy(std::uint16_t target, std::function<Fate()> fate = [] { return Fate{}; });
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const { return port_; }
  void set_fate(std::function<Fate()> fate);
  // All lines at once, in one turn of the proxy's loop.
  void cut_all();
  // From now on nothing passes on the lines that are there, nor is anybody told.
  void black_hole_all();
  // Lines that were cut so far, by fate or by cut_all.
  std::uint64_t cuts() const { return cuts_; }
  std::uint64_t lines() const { return lines_; }

 private:
  struct Line;
  void accept();
  void pump(const std::shared_ptr<Line>& line, bool from_client);
  void pass(const std::shared_ptr<Line>& line, bool from_client, std::size_t from, std::size_t to);
  void cut(const std::shared_ptr<Line>& line);
  void end(const std::shared_ptr<Line>& line);

  boost::asio::io_context context_{1};
  boost::asio::ip::tcp::acceptor acceptor_;
  const std::uint16_t port_;
  const std::uint16_t target_;
  std::function<Fate()> fate_;
  std::set<std::shared_ptr<Line>> open_;
  std::mt19937_64 random_;
  std::atomic<std::uint64_t> cuts_ = 0;
  std::atomic<std::uint64_t> lines_ = 0;
  std::thread thread_;
};

}  // namespace amicale::chaos
