// SPDX-License-Identifier: AGPL-3.0-or-later
//
// I19. Connections that never become anything: half-open ones, headers that come a byte at a time, TLS handshakes that stop in
// the middle, and more of them than the process may have descriptors. Whoever wants in honestly still gets in, and a server
// that has no descriptor left rests instead of spinning.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "tests/chaos/crowd.h"
#include "tests/chaos/requests.h"
#include "tests/chaos/server_process.h"

namespace amicale::chaos {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr rlim_t kDescriptors = 256;

// The first bytes of a TLS 1.2 ClientHello that says it is longer than it is.
constexpr std::string_view kHalfHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello", 16);
constexpr std::string_view kUpgrade =
    "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: amicale.v1\r\n\r\n";
constexpr std::string_view kHeader = "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ";

enum class Kind : std::uint8_t { half_open, slow_loris, half_hello, silent };

std::string name(Kind kind) {
  switch (kind) {
    case Kind::half_open: return "half-open";
    case Kind::slow_loris: return "slow-loris";
    case Kind::half_hello: return "TLS half-hello";
    case Kind::silent: return "upgraded and silent";
  }
  return "";
}

// One that holds a connection for as long as it is let, and takes another when it is thrown out.
class Nuisance {
 public:
  Nuisance(Crowd& crowd, Kind kind, std::uint16_t port, std::string from)
      : kind_(kind),
        port_(port),
        from_(std::move(from)),
        socket_(crowd.context()),
        timer_(crowd.context()) {
    come();
  }
  ~Nuisance() { stop(); }
  Nuisance(const Nuisance&) = delete;
  Nuisance& operator=(const Nuisance&) = delete;

  void stop() {
    stopped_ = true;
    error_code ignored;
    timer_.cancel();
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }
  std::uint64_t comings() const { return comings_; }

 private:
  void come() {
    if (stopped_) return;
    ++comings_;
    error_code error;
    socket_ = tcp::socket(timer_.get_executor());
    socket_.open(tcp::v4(), error);
    if (!error) socket_.bind({asio::ip::make_address(from_), 0}, error);
    if (error) return come_later();
    socket_.async_connect({asio::ip::address_v4::loopback(), port_}, [this](error_code failed) {
      if (stopped_) return;
      if (failed) return come_later();
      if (kind_ == Kind::slow_loris) dribble(0);
      if (kind_ == Kind::half_hello) write(kHalfHello);
      if (kind_ == Kind::silent) write(kUpgrade);
      wait_for_end();
    });
  }

  void come_later() {
    timer_.expires_after(milliseconds(20));
    timer_.async_wait([this](error_code error) {
      if (!error) come();
    });
  }

  void write(std::string_view bytes) {
    asio::async_write(socket_, asio::buffer(bytes), [](error_code, std::size_t) {});
  }

  void dribble(std::size_t at) {
    if (stopped_) return;
    write(at < kHeader.size() ? kHeader.substr(at, 1) : "x");
    timer_.expires_after(milliseconds(200));
    timer_.async_wait([this, at](error_code error) {
      if (!error) dribble(at + 1);
    });
  }

  void wait_for_end() {
    socket_.async_read_some(asio::buffer(byte_), [this](error_code error, std::size_t) {
      if (stopped_) return;
      if (!error) return wait_for_end();
      timer_.cancel();
      come_later();
    });
  }

  const Kind kind_;
  const std::uint16_t port_;
  const std::string from_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  char byte_[256] = {};
  std::uint64_t comings_ = 0;
  bool stopped_ = false;
};

// Sanitized, everything takes several times as long.
const seconds patience(sanitized() ? 120 : 30);

// An honest login from an address of its own: TCP, upgrade, Hello, Login. Answers how long it took. It tries again when it is
// cut, or asked to come back, as a client does.
double log_in(Crowd& crowd, const ServerProcess& server, seconds at_most) {
  const auto start = Clock::now();
  auto& visitor =
      crowd.add({.port = server.port(), .token = "", .follow = {}, .from = "127.9.9.9"});
  auto state = std::make_shared<std::pair<bool, bool>>(false, false);
  bool& asked = state->first;
  bool& done = state->second;
  visitor.on_lost = [&] {
    asked = false;
    crowd.later(milliseconds(50), [&visitor] {
      if (!visitor.connected() && visitor.on_lost) visitor.connect();
    });
  };
  visitor.connect();
  const bool in = crowd.run_until(
      [&] {
        if (visitor.greeted() && !asked) {
          asked = true;
          visitor.send(login(ServerProcess::kLogin, ServerProcess::kPassword),
                       [&](const v1::Reply& reply) {
                         done = reply.has_login();
                         const auto code = reply.refusal().code();
                         const bool later = code == v1::REFUSAL_CODE_UNAVAILABLE ||
                                            code == v1::REFUSAL_CODE_NO_SPACE ||
                                            code == v1::REFUSAL_CODE_OVERLOADED;
                         CHECK_MESSAGE((done || later), reply.ShortDebugString());
                         if (!done)
                           crowd.later(milliseconds(200), [state] { state->first = false; });
                       });
        }
        return done;
      },
      at_most);
  visitor.on_lost = nullptr;
  visitor.cut();
  CHECK(in);
  return ms_since(start);
}

void flood(Kind kind, std::size_t count) {
  CAPTURE(name(kind));
  const int logins = figure(2, 25);
  ServerProcess server({.settings = {{"limits.sockets_per_address", "64"},
                                     {"limits.sockets_per_address_unauthenticated", "16"}},
                        .descriptors = kDescriptors});
  Crowd crowd;
  const double quiet = log_in(crowd, server, patience);
  std::vector<std::unique_ptr<Nuisance>> nuisances;
  const std::uint16_t port = kind == Kind::half_hello ? server.tls_port() : server.port();
  for (std::size_t i = 0; i < count; ++i) {
    // Fifteen from each address: below the cap of those who have not proved who they are.
    const auto from =
        "127.1." + std::to_string(1 + i / 15 / 200) + "." + std::to_string(1 + i / 15 % 200);
    nuisances.push_back(std::make_unique<Nuisance>(crowd, kind, port, from));
  }
  crowd.run_for(figure(milliseconds(400), milliseconds(2'000)));
  const double processor = server.cpu_seconds();
  const auto start = Clock::now();
  crowd.run_for(figure(milliseconds(500), milliseconds(5'000)));
  const double share = (server.cpu_seconds() - processor) / (ms_since(start) / 1'000);
  std::vector<double> times;
  for (int i = 0; i < logins; ++i) times.push_back(log_in(crowd, server, patience));
  CHECK(server.running());
  const double median = quantile(times, 0.5);
  const double worst = quantile(times, 0.99);
  std::uint64_t comings = 0;
  for (const auto& nuisance : nuisances) comings += nuisance->comings();
  for (auto& nuisance : nuisances) nuisance->stop();
  // When they are gone it is as it was.
  const double after = log_in(crowd, server, patience);
  CHECK(server.running());
  if (long_trial() && !sanitized()) {
    CHECK(worst <= 2'000);
    CHECK(share < 0.2);
  }
  say("I19: " + std::to_string(count) + " " + name(kind) + " (" + std::to_string(comings) +
      " comings), " + std::to_string(kDescriptors) + " descriptors: a login takes " +
      std::to_string(static_cast<int>(median)) + " ms median, " +
      std::to_string(static_cast<int>(worst)) + " worst (" +
      std::to_string(static_cast<int>(quiet)) + " before, " +
      std::to_string(static_cast<int>(after)) + " after), processor " +
      std::to_string(share * 100) + " % of a core");
}

TEST_CASE("I19 half-open connections beyond the descriptors do not keep an honest login out") {
  CAPTURE(seed());
  flood(Kind::half_open, figure<std::size_t>(400, 1'000));
}

TEST_CASE("I19 headers that come a byte at a time do not keep an honest login out") {
  CAPTURE(seed());
  flood(Kind::slow_loris, figure<std::size_t>(400, 1'000));
}

TEST_CASE("I19 WebSockets that say nothing do not keep an honest login out") {
  CAPTURE(seed());
  flood(Kind::silent, figure<std::size_t>(300, 600));
}

TEST_CASE("I19 a server with five descriptors left rests, lets an honest login in, and recovers") {
  CAPTURE(seed());
  ServerProcess server({.settings = {{"limits.sockets_per_address_unauthenticated", "16"}}});
  Crowd crowd;
  log_in(crowd, server, patience);
  rlimit usual{};
  REQUIRE(::prlimit(server.pid(), RLIMIT_NOFILE, nullptr, &usual) == 0);
  const rlim_t left = server.open_files() + 5;
  const rlimit few{left, usual.rlim_max};
  REQUIRE(::prlimit(server.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  std::vector<std::unique_ptr<Nuisance>> nuisances;
  const std::size_t count = figure<std::size_t>(40, 100);
  for (std::size_t i = 0; i < count; ++i) {
    nuisances.push_back(std::make_unique<Nuisance>(crowd, Kind::half_open, server.port(),
                                                   "127.2.0." + std::to_string(1 + i / 10)));
  }
  crowd.run_for(figure(milliseconds(400), milliseconds(2'000)));
  const double processor = server.cpu_seconds();
  const auto start = Clock::now();
  crowd.run_for(figure(milliseconds(500), milliseconds(5'000)));
  const double share = (server.cpu_seconds() - processor) / (ms_since(start) / 1'000);
  std::vector<double> times;
  for (int i = 0; i < figure(2, 25); ++i) times.push_back(log_in(crowd, server, patience));
  for (auto& nuisance : nuisances) nuisance->stop();
  REQUIRE(::prlimit(server.pid(), RLIMIT_NOFILE, &usual, nullptr) == 0);
  const double after = log_in(crowd, server, patience);
  CHECK(server.running());
  if (long_trial() && !sanitized()) {
    CHECK(quantile(times, 0.99) <= 2'000);
    CHECK(share < 0.2);
  }
  say("I19: 5 descriptors left, " + std::to_string(count) + " half-open: a login takes " +
      std::to_string(static_cast<int>(quantile(times, 0.5))) + " ms median, " +
      std::to_string(static_cast<int>(quantile(times, 0.99))) + " worst (" +
      std::to_string(static_cast<int>(after)) + " after), processor " +
      std::to_string(share * 100) + " % of a core");
}

TEST_CASE("I19 half TLS handshakes do not keep an honest login out") {
  CAPTURE(seed());
  flood(Kind::half_hello, figure<std::size_t>(400, 1'000));
}

}  // namespace
}  // namespace amicale::chaos
