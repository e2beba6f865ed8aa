// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/http_session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "server/auth/token.h"
#include "server/domain/limits.h"
#include "server/http/call.h"
#include "server/http/head.h"
#include "server/http/http_routes.h"
#include "server/session/routes.h"
#include "server/session/websocket.h"

namespace amicale::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
namespace limits = domain::limits;
using runtime::as_result;
using runtime::Task;

// After an answer to a request that was not read whole: how long the peer may go on sending, so that it reads the answer
// instead of a reset.
constexpr auto kLinger = std::chrono::seconds(1);
// What a new connection has at least for its first request while the server is full. A client sends it with its first packet
// after the handshake of TCP, and has usually waited in the kernel's queue by then; TLS needs a turn there and back before.
constexpr std::chrono::milliseconds kPatience{100};
constexpr std::chrono::milliseconds kTlsPatience{300};
// Header and what was read beyond it.
constexpr std::size_t kReadBuffer = 2 * limits::http_header_bytes;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

runtime::Socket& socket_of(runtime::Socket& stream) { return stream; }
runtime::Socket& socket_of(runtime::TlsStream& stream) { return stream.next_layer(); }

void shut(runtime::Socket& stream) {
  beast::error_code ignored;
  stream.shutdown(runtime::Socket::shutdown_send, ignored);
}
void shut(runtime::TlsStream& stream) { stream.close(); }

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Method method_of(wire::verb verb) {
  switch (verb) {
    case wire::verb::get: return Method::kGet;
    case wire::verb::head: return Method::kHead;
    case wire::verb::post: return Method::kPost;
    default: return Method::kOther;
  }
}

// A field's values from all of its lines, in order, as one list.
std::string joined(const wire::fields& fields, beast::string_view name) {
  std::string all;
  const auto [begin, end] = fields.equal_range(name);
  for (auto it = begin; it != end; ++it) {
    if (!all.empty()) all += ", ";
    all += view(it->value());
  }
  return all;
}

std::string new_incident() { return auth::to_base64url(auth::random_bytes(9)); }

// The requests of one connection, until it ends or becomes a WebSocket. Lives in the coroutine of its connection and is freed
// at the upgrade, so that an idle session does not keep it.
template <class Stream>
class HttpPhase {
 public:
  HttpPhase(HttpShard& home, Stream& stream, Accepted& accepted)
      : home_(home),
        stream_(stream),
        accepted_(accepted),
        deadline_(socket_of(stream)),
        buffer_(kReadBuffer),
        tokens_(home.settings().requests_per_second, 1000, home.settings().request_burst),
        newcomer_(home.arrives(deadline_, accepted.tls ? kTlsPatience : kPatience)) {}
  ~HttpPhase() {
    asked();
    home_.left(deadline_);
  }
  HttpPhase(const HttpPhase&) = delete;
  HttpPhase& operator=(const HttpPhase&) = delete;

  // Where the last request came from, proxies seen through.
  const Address& client() const { return client_; }

  // The request to upgrade, when there was one that may be granted; nothing when the connection is at its end.
  Task<std::optional<session::UpgradeRequest>> run() {
    home_.speaks(deadline_, false);
    if (!co_await shake_hands()) co_return std::nullopt;
    for (bool first = true;; first = false) {
      if (!co_await wait_for_request(first)) co_return std::nullopt;
      parser_.emplace();
      head_ = false;
      parser_->header_limit(limits::http_header_bytes);
      parser_->body_limit(limits::http_body_bytes);
      if (!first) deadline_.set(home_.settings().handshake);
      if (!co_await read_head()) co_return std::nullopt;
      auto [error, size] = co_await wire::async_read_header(stream_, buffer_, *parser_, as_result);
      if (error) {
        co_await refuse_unreadable(error);
        co_return std::nullopt;
      }
      asked();
      switch (co_await answer_request()) {
        case Next::kRequest: break;
        case Next::kEnd: co_return std::nullopt;
        case Next::kUpgrade: co_return parser_->release();
      }
    }
  }

 private:
  enum class Next : std::uint8_t { kRequest, kEnd, kUpgrade };
  using Extra = std::vector<std::pair<std::string_view, std::string>>;

  Task<bool> shake_hands() {
    if constexpr (std::is_same_v<Stream, runtime::TlsStream>) {
      deadline_.set(accepted_.handshake);
      auto [error] = co_await stream_.async_handshake(as_result);
      if (error) {
        spdlog::debug("tls handshake failed connection={} error=\"{}\"", accepted_.connection_id,
                      error.message());
        co_return false;
      }
    }
    co_return true;
  }

  // It has asked something: it is no newcomer any more.
  void asked() {
    if (newcomer_) home_.asked(*std::exchange(newcomer_, std::nullopt));
  }

  // The first byte of a request. The first request has the handshake's time for all of its header, later ones may be waited
  // for longer.
  Task<bool> wait_for_request(bool first) {
    deadline_.set(first ? accepted_.handshake : home_.settings().keep_alive);
    if (buffer_.size() > 0) co_return true;
    if (home_.draining()) co_return false;
    home_.speaks(deadline_, true);
    auto [error, size] = co_await stream_.async_read_some(buffer_.prepare(1024), as_result);
    home_.speaks(deadline_, false);
    buffer_.commit(size);
    co_return !error;
  }

  // All of a head into the buffer, from where the parser takes it; false when it was none, and has had its answer.
  Task<bool> read_head() {
    for (std::size_t searched = 0;;) {
      const std::string_view received(static_cast<const char*>(buffer_.cdata().data()),
                                      buffer_.size());
      if (const std::size_t size = head_size(received, searched); size > 0) {
        if (is_plain_head(received.substr(0, size))) co_return true;
        co_await send_error(400, v1::REFUSAL_CODE_BAD_REQUEST);
        break;
      }
      if (received.size() >= limits::http_header_bytes) {
        co_await send_error(431, v1::REFUSAL_CODE_TOO_LARGE);
        break;
      }
      searched = received.size();
      auto [error, size] = co_await stream_.async_read_some(
          buffer_.prepare(limits::http_header_bytes - searched), as_result);
      buffer_.commit(size);
      if (error) co_return false;
    }
    co_await linger();
    co_return false;
  }

  Task<> refuse_unreadable(beast::error_code error) {
    if (error == wire::error::end_of_stream || error == wire::error::partial_message) co_return;
    const bool too_large =
        error == wire::error::header_limit || error == wire::error::buffer_overflow;
    if (too_large)
      co_await send_error(431, v1::REFUSAL_CODE_TOO_LARGE);
    else if (error == wire::error::body_limit)
      co_await send_error(413, v1::REFUSAL_CODE_TOO_LARGE);
    else if (error.category() == wire::make_error_code(wire::error::bad_version).category())
      co_await send_error(400, v1::REFUSAL_CODE_BAD_REQUEST);
    else
      co_return;
    co_await linger();
  }

  Task<Next> answer_request() {
    const auto& request = parser_->get();
    keep_alive_ = request.keep_alive() && !home_.draining();
    head_ = request.method() == wire::verb::head;
    client_ = unmapped(accepted_.peer.address());
    if (home_.settings().trusted_proxies.contains(client_))
      client_ = client_address(client_, joined(request, "X-Forwarded-For"),
                               home_.settings().trusted_proxies);

    const auto routed = route(method_of(request.method()), view(request.target()));
    if (!routed.resource) {
      Extra allow;
      if (!routed.error.allow.empty()) allow.emplace_back("Allow", routed.error.allow);
      co_return co_await end_with(routed.error.status, routed.error.code, std::move(allow));
    }
    if (*routed.resource == Resource::kCall) co_return co_await answer_call();
    if (!parser_->is_done()) co_return co_await end_with(400, v1::REFUSAL_CODE_BAD_REQUEST);
    switch (*routed.resource) {
      case Resource::kWebSocket: co_return co_await upgrade();
      case Resource::kHealth: co_return co_await send(200, kJson, "{\"status\":\"up\"}\n");
      case Resource::kReadiness: co_return co_await answer_readiness();
      case Resource::kMetrics: co_return co_await answer_metrics();
      default:
        co_return co_await send(
            200, kHtml, invitation_page(home_.sessions().site_name(), home_.settings().language));
    }
  }

  Task<Next> answer_readiness() {
    const auto reason = co_await home_.handlers().unready();
    if (reason.empty()) co_return co_await send(200, kJson, "{\"status\":\"ready\"}\n");
    co_return co_await send(503, kJson, fmt::format("{{\"status\":\"{}\"}}\n", reason));
  }

  // Loopback may read the metrics, unless a proxy speaks for somebody else; so may whoever has the token. Nobody else learns
  // that there are any.
  Task<Next> answer_metrics() {
    const auto& request = parser_->get();
    const auto& token = home_.settings().metrics_token;
    const bool proxied = request.count("X-Forwarded-For") > 0 || request.count("Forwarded") > 0;
    const bool local = unmapped(accepted_.peer.address()).is_loopback() && !proxied;
    const auto credentials = bearer_credentials(view(request[wire::field::authorization]));
    const bool proved = !token.empty() && credentials && equal_secrets(*credentials, token);
    if (!local && !proved) co_return co_await end_with(404, v1::REFUSAL_CODE_NOT_FOUND);
    accepted_.ticket.authenticated();
    co_return co_await send(200, kPrometheus, co_await home_.handlers().metrics());
  }

  Task<Next> upgrade() {
    const auto& request = parser_->get();
    if (!beast::websocket::is_upgrade(request))
      co_return co_await end_with(426, v1::REFUSAL_CODE_UNSUPPORTED, {{"Upgrade", "websocket"}});
    const auto origin = joined(request, "Origin");
    const auto subprotocols = joined(request, "Sec-WebSocket-Protocol");
    UpgradeRequest asked;
    if (request.count(wire::field::origin) > 0) asked.origin = origin;
    asked.subprotocols = subprotocols;
    asked.key = view(request[wire::field::sec_websocket_key]);
    if (const auto error = check_upgrade(asked, home_.settings().origins))
      co_return co_await end_with(error->status, error->code);
    // Frames before the answer break RFC 6455, and a proxy between us may take them for another request.
    if (buffer_.size() > 0) {
      keep_alive_ = false;
      co_return co_await end_with(400, v1::REFUSAL_CODE_BAD_REQUEST);
    }
    if (accepted_.ticket.uncounted()) {
      const auto verdict = co_await accepted_.ticket.claim(counted_address(client_));
      if (verdict != Verdict::kAdmitted) {
        ++home_.shard().metrics().connections_refused;
        co_return co_await end_with(429, v1::REFUSAL_CODE_RATE_LIMITED, {{"Retry-After", "5"}});
      }
    }
    deadline_.clear();
    co_return Next::kUpgrade;
  }

  Task<Next> answer_call() {
    const auto origin = joined(parser_->get(), "Origin");
    if (parser_->get().count(wire::field::origin) > 0 && !allows_origin(origin))
      co_return co_await end_with(403, v1::REFUSAL_CODE_FORBIDDEN);
    if (!co_await read_body()) co_return Next::kEnd;
    auto frame = read_call(parser_->get().body());
    if (!frame) co_return co_await send_refusal(frame.error());

    const auto* row = session::find_route(frame->body_case());
    const auto cost = row == nullptr ? 1 : row->cost;
    if (!tokens_.take(home_.sessions().clock().steady_ms(), cost))
      co_return co_await send_refusal(
          domain::rate_limited("rate.requests", tokens_.retry_after_ms(cost)).error());

    Handlers::Call call{{}, client_, std::move(*frame)};
    if (parser_->get().count(wire::field::authorization) > 0) {
      auto token = bearer_token(view(parser_->get()[wire::field::authorization]));
      if (!token)
        co_return co_await send_refusal(domain::refuse(v1::REFUSAL_CODE_UNAUTHENTICATED).error());
      call.token = std::move(*token);
    }
    auto called = co_await home_.handlers().call(std::move(call));
    if (called.authenticated) accepted_.ticket.authenticated();
    co_return co_await send_reply(std::move(called.reply));
  }

  bool allows_origin(std::string_view origin) const {
    return std::ranges::find(home_.settings().origins, origin) != home_.settings().origins.end();
  }

  // The body, within its limit and its time; otherwise the connection has had its answer.
  Task<bool> read_body() {
    if (parser_->is_done()) co_return true;
    deadline_.set(std::chrono::milliseconds(limits::http_body_ms));
    if (beast::iequals(parser_->get()[wire::field::expect], "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      auto [error, size] = co_await asio::async_write(stream_, asio::buffer(kContinue), as_result);
      if (error) co_return false;
    }
    auto [error, size] = co_await wire::async_read(stream_, buffer_, *parser_, as_result);
    if (!error) co_return true;
    co_await refuse_unreadable(error);
    co_return false;
  }

  Task<Next> send_refusal(const domain::Refusal& refusal) {
    v1::Reply reply;
    session::refuse(reply, refusal, home_.settings().language);
    return send_reply(std::move(reply));
  }

  Task<Next> send_reply(v1::Reply reply) {
    if (!reply.has_refusal()) co_return co_await send(200, kJson, write_reply(reply));
    const auto& refusal = reply.refusal();
    auto& refusals = home_.shard().metrics().refusals;
    if (const auto code = static_cast<std::size_t>(refusal.code()); code < refusals.size())
      ++refusals[code];
    Extra extra;
    if (refusal.retry_after_ms() > 0)
      extra.emplace_back("Retry-After", std::to_string((refusal.retry_after_ms() + 999) / 1000));
    if (refusal.code() == v1::REFUSAL_CODE_UNAUTHENTICATED)
      extra.emplace_back("WWW-Authenticate", "Bearer");
    co_return co_await send(http_status(refusal.code()), kJson, write_reply(reply),
                            std::move(extra));
  }

  // An answer to a request that is not looked at further: the connection goes on only when all of it was read.
  Task<Next> end_with(unsigned status, v1::RefusalCode code, Extra extra = {}) {
    const bool whole = parser_->is_done();
    if (!whole) keep_alive_ = false;
    const auto next = co_await send_error(status, code, std::move(extra));
    if (!whole) co_await linger();
    co_return next;
  }

  Task<Next> send_error(unsigned status, v1::RefusalCode code, Extra extra = {}) {
    const auto incident = new_incident();
    spdlog::debug("request refused connection={} status={} incident={}", accepted_.connection_id,
                  status, incident);
    if (!parser_->is_header_done()) keep_alive_ = false;
    return send(status, kJson, error_body(code, incident), std::move(extra));
  }

  Task<Next> send(unsigned status, std::string_view type, std::string body, Extra extra = {}) {
    wire::response<wire::string_body> response{static_cast<wire::status>(status), 11};
    for (const auto& [name, value] : security_headers(std::is_same_v<Stream, runtime::TlsStream>))
      response.set(beast::string_view(name.data(), name.size()),
                   beast::string_view(value.data(), value.size()));
    for (const auto& [name, value] : extra)
      response.set(beast::string_view(name.data(), name.size()), value);
    response.set(wire::field::content_type, beast::string_view(type.data(), type.size()));
    response.content_length(body.size());
    response.keep_alive(keep_alive_);
    if (!head_) response.body() = std::move(body);
    deadline_.set(home_.settings().handshake);
    auto [error, size] = co_await wire::async_write(stream_, response, as_result);
    co_return error || !keep_alive_ ? Next::kEnd : Next::kRequest;
  }

  // Reads and drops what the peer still sends, for a moment.
  Task<> linger() {
    shut(stream_);
    deadline_.set(kLinger);
    char dropped[4096];
    for (;;) {
      auto [error, size] =
          co_await socket_of(stream_).async_read_some(asio::buffer(dropped), as_result);
      if (error) co_return;
    }
  }

  HttpShard& home_;
  Stream& stream_;
  Accepted& accepted_;
  Deadline deadline_;
  beast::flat_buffer buffer_;
  std::optional<wire::request_parser<wire::string_body>> parser_;
  domain::TokenBucket tokens_;
  std::optional<HttpShard::NewcomerAt> newcomer_;
  Address client_;
  bool keep_alive_ = false;
  bool head_ = false;
};

// Counts a connection as open for as long as it lives.
class Open {
 public:
  explicit Open(runtime::Shard& shard) : shard_(shard) { ++shard_.metrics().connections; }
  ~Open() { --shard_.metrics().connections; }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;

 private:
  runtime::Shard& shard_;
};

template <class Stream>
Task<> serve(HttpShard& home, Stream stream, Accepted accepted) {
  const Open open(home.shard());
  auto phase = std::make_unique<HttpPhase<Stream>>(home, stream, accepted);
  auto request = co_await phase->run();
  auto client = phase->client();
  phase.reset();
  if (!request) {
    shut(stream);
    co_return;
  }
  session::Arrival arrival;
  arrival.request = std::move(*request);
  arrival.peer = {accepted.connection_id, counted_address(client).to_string()};
  arrival.authenticated = [&accepted] { accepted.ticket.authenticated(); };
  request.reset();
  co_await session::serve_websocket(std::move(stream), home.sessions(), std::move(arrival));
}

}  // namespace

Task<> serve_connection(HttpShard& home, runtime::Socket socket, Accepted accepted) {
  if (!accepted.tls) {
    co_await serve(home, std::move(socket), std::move(accepted));
  } else {
    runtime::TlsStream stream(std::move(socket), accepted.tls->native_handle());
    co_await serve(home, std::move(stream), std::move(accepted));
  }
}

}  // namespace amicale::http
