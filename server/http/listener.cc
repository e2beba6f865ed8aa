// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/listener.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>

#include "server/domain/limits.h"

namespace amicale::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using runtime::as_result;
using std::chrono::milliseconds;

// How long accepting pauses while the server is full, and at first while the system has nothing to give.
constexpr milliseconds kPause{50};
constexpr milliseconds kLongestPause{1000};
// What the kernel may hold for a reader that takes nothing; it doubles this for its own needs. Left to itself it takes 4 MiB for
// each, outside of every account of ours. Enough for 2 MB/s over a line of 100 ms.
constexpr int kSendBuffer = 128 * 1024;
// Lines about connections refused or held back, at most one in this time: a flood must not become a flood of the log.
constexpr std::chrono::seconds kBetweenLines{1};

// The system is out of something that comes back.
bool is_shortage(const error_code& error) {
  return error == error_code(EMFILE, boost::system::system_category()) ||
         error == error_code(ENFILE, boost::system::system_category()) ||
         error == asio::error::no_buffer_space || error == asio::error::no_memory;
}

std::string text_of(const Endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  if (endpoint.address().is_v6()) return fmt::format("[{}]:{}", address, endpoint.port());
  return fmt::format("{}:{}", address, endpoint.port());
}

}  // namespace

Listener::Listener(runtime::Shard& front, std::vector<HttpShard*> homes, Options options,
                   TlsContext tls)
    : front_(front),
      homes_(std::move(homes)),
      options_(std::move(options)),
      tls_(std::move(tls)),
      admission_(options_.caps),
      accepting_(front.executor()) {}

std::expected<void, std::string> Listener::open() {
  // OpenSSL writes without MSG_NOSIGNAL: a peer that has gone must be an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  for (const auto& endpoint : options_.plain) {
    if (auto opened = open_door(endpoint, false); !opened) return opened;
  }
  for (const auto& endpoint : options_.tls) {
    if (auto opened = open_door(endpoint, true); !opened) return opened;
  }
  return {};
}

std::expected<void, std::string> Listener::open_door(const Endpoint& endpoint, bool encrypted) {
  auto& acceptor = doors_.emplace_back(Door{Acceptor(front_.context()), encrypted}).acceptor;
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  // Inherited by what is accepted.
  if (!error) acceptor.set_option(asio::socket_base::send_buffer_size(kSendBuffer), error);
  // So that "0.0.0.0:443" and "[::]:443" may stand side by side, and each means what it says.
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return std::unexpected(
        fmt::format("cannot listen on {}: {}", text_of(endpoint), error.message()));
  return {};
}

std::vector<Endpoint> Listener::endpoints(bool encrypted) const {
  std::vector<Endpoint> all;
  for (const auto& door : doors_) {
    if (door.encrypted == encrypted) all.push_back(door.acceptor.local_endpoint());
  }
  return all;
}

std::vector<Endpoint> Listener::plain_endpoints() const { return endpoints(false); }
std::vector<Endpoint> Listener::tls_endpoints() const { return endpoints(true); }

void Listener::start() {
  front_.post([this] {
    for (auto& door : doors_) accepting_.spawn("listener", accept_all(door));
  });
}

void Listener::replace_tls(TlsContext tls) {
  front_.post([this, tls = std::move(tls)]() mutable { tls_ = std::move(tls); });
}

runtime::Task<> Listener::stop_accepting() {
  return front_.call([this] { return stop_here(); });
}

runtime::Task<> Listener::stop_here() {
  stopping_ = true;
  for (auto& door : doors_) {
    error_code ignored;
    door.acceptor.close(ignored);
  }
  accepting_.cancel();
  return accepting_.join();
}

runtime::Task<> Listener::accept_all(Door& door) {
  auto pause = kPause;
  while (!stopping_) {
    if (admission_.full()) {
      note_limit(name(Verdict::kFull));
      make_room();
      co_await rest(kPause);
      continue;
    }
    auto& home = *homes_[next_home_++ % homes_.size()];
    auto [error, socket] = co_await door.acceptor.async_accept(home.shard().executor(), as_result);
    if (stopping_) co_return;
    if (!error) {
      pause = kPause;
      admit(std::move(socket), door, home);
    } else if (is_shortage(error)) {
      note_limit(error.message());
      make_room();
      co_await rest(pause);
      pause = std::min(pause * 2, kLongestPause);
    } else {
      // The peer went before it was accepted.
      spdlog::debug("accept failed error=\"{}\"", error.message());
    }
  }
}

runtime::Task<> Listener::rest(milliseconds time) {
  asio::steady_timer timer(front_.context(), time);
  co_await timer.async_wait(as_result);
}

void Listener::make_room() {
  for (HttpShard* home : homes_) home->shard().post([home] { home->make_room(); });
}

void Listener::admit(runtime::Socket socket, const Door& door, HttpShard& home) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;
  std::optional<Address> counted = counted_address(peer.address());
  if (options_.trusted_proxies.contains(peer.address())) counted.reset();
  const auto verdict = counted ? admission_.admit(*counted) : admission_.admit_uncounted();
  if (verdict != Verdict::kAdmitted) {
    ++front_.metrics().connections_refused;
    return note_limit(name(verdict));
  }
  Ticket ticket(front_, admission_, counted);
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  auto handshake = home.settings().handshake;
  if (admission_.total() > options_.caps.total / 2)
    handshake = std::min(handshake, milliseconds(domain::limits::hurried_handshake_ms));
  Accepted accepted{next_connection_++, peer, door.encrypted ? tls_ : nullptr, handshake,
                    std::move(ticket)};
  home.shard().post([&home, socket = std::move(socket), accepted = std::move(accepted)]() mutable {
    home.serve(std::move(socket), std::move(accepted));
  });
}

void Listener::note_limit(std::string_view reason) {
  ++limits_unlogged_;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_limit_log_ < kBetweenLines) return;
  last_limit_log_ = now;
  spdlog::warn("connections limited reason=\"{}\" times={}", reason,
               std::exchange(limits_unlogged_, 0));
}

}  // namespace amicale::http
