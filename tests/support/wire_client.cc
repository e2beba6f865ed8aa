// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/support/wire_client.h"

#include <doctest/doctest.h>
#include <openssl/rand.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <variant>

namespace amicale::support {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using Tcp = asio::ip::tcp;
using Plain = websocket::stream<Tcp::socket, false>;
using Encrypted = websocket::stream<asio::ssl::stream<Tcp::socket>, false>;

constexpr int wait_seconds = 10;

}  // namespace

struct WireClient::Socket {
  asio::io_context context;
  asio::ssl::context settings{asio::ssl::context::tls_client};
  std::variant<std::monostate, Plain, Encrypted> ws;

  Tcp::socket& tcp() {
    if (auto* plain = std::get_if<Plain>(&ws)) return plain->next_layer();
    return std::get<Encrypted>(ws).next_layer().next_layer();
  }
  template <class Function>
  auto with(Function function) {
    if (auto* plain = std::get_if<Plain>(&ws)) return function(*plain);
    return function(std::get<Encrypted>(ws));
  }
};

WireClient::WireClient(uint16_t port, std::string certificate)
    : socket_(std::make_unique<Socket>()) {
  Socket& s = *socket_;
  if (certificate.empty()) {
    s.ws.emplace<Plain>(s.context);
  } else {
    s.settings.load_verify_file(certificate);
    s.settings.set_verify_mode(asio::ssl::verify_peer);
    s.ws.emplace<Encrypted>(s.context, s.settings);
  }
  s.tcp().connect({asio::ip::make_address("127.0.0.1"), port});
  // Or each message of two segments would wait for an acknowledgement that is in no hurry.
  s.tcp().set_option(asio::ip::tcp::no_delay(true));
  timeval wait{wait_seconds, 0};
  setsockopt(s.tcp().native_handle(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  if (auto* encrypted = std::get_if<Encrypted>(&s.ws)) {
    encrypted->next_layer().handshake(asio::ssl::stream_base::client);
  }
  s.with([port](auto& ws) {
    ws.binary(true);
    ws.read_message_max(8 << 20);
    ws.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(beast::http::field::sec_websocket_protocol, "amicale.v1");
    }));
    ws.handshake("127.0.0.1:" + std::to_string(port), "/v1/ws");
  });
}

WireClient::~WireClient() = default;
WireClient::WireClient(WireClient&&) noexcept = default;
WireClient& WireClient::operator=(WireClient&&) noexcept = default;

void WireClient::enter(const std::string& token) {
  v1::ClientFrame hello;
  hello.mutable_hello()->set_protocol_min(1);
  hello.mutable_hello()->set_protocol_max(1);
  hello.mutable_hello()->set_capabilities(1);
  hello.mutable_hello()->set_client_name("test");
  hello.mutable_hello()->set_language(v1::LANGUAGE_EN);
  v1::Reply reply = call(hello);
  REQUIRE_MESSAGE(!reply.has_refusal(), reply.refusal().message());
  if (token.empty()) return;
  v1::ClientFrame authenticate;
  authenticate.mutable_authenticate()->set_token(token);
  reply = call(authenticate);
  REQUIRE_MESSAGE(!reply.has_refusal(), reply.refusal().message());
}

uint32_t WireClient::send(v1::ClientFrame frame) {
  frame.set_request_id(next_id_++);
  send_bytes(frame.SerializeAsString());
  return frame.request_id();
}

void WireClient::send_bytes(const std::string& bytes, bool binary) {
  socket_->with([&](auto& ws) {
    ws.binary(binary);
    beast::error_code error;
    ws.write(asio::buffer(bytes), error);
  });
}

v1::Reply WireClient::reply(uint32_t id) {
  while (!replies_.contains(id)) {
    if (read_frame()) continue;
    throw Lost("closed before reply " + std::to_string(id) + ", code " +
               std::to_string(close_code_));
  }
  v1::Reply reply = std::move(replies_[id]);
  replies_.erase(id);
  return reply;
}

v1::Reply WireClient::call(v1::ClientFrame frame) { return reply(send(std::move(frame))); }

bool WireClient::read_frame() {
  beast::flat_buffer buffer;
  beast::error_code error;
  socket_->with([&](auto& ws) {
    ws.read(buffer, error);
    // Set by a close frame, however the socket itself then ended.
    if (error) close_code_ = ws.reason().code;
  });
  REQUIRE_MESSAGE(error != asio::error::would_block, "nothing came for ", wait_seconds, " s");
  if (error) return false;
  v1::ServerFrame frame;
  REQUIRE(frame.ParseFromArray(buffer.data().data(), static_cast<int>(buffer.size())));
  for (const auto& reply : frame.replies()) {
    // The state that a stream is followed from is in force before the first batch behind it.
    if (reply.has_subscribe() && reply.subscribe().has_snapshot()) {
      for (auto& [where, followed] : streams_) {
        if (followed.epoch == 0) {
          followed.cursor = reply.subscribe().snapshot().seq();
          followed.epoch = reply.subscribe().epoch();
        }
      }
    }
    replies_[reply.request_id()] = reply;
  }
  for (const auto& batch : frame.batches()) take(batch);
  for (const auto& signal : frame.signals()) signals_.push_back(signal);
  if (frame.has_goodbye()) goodbye_ = frame.goodbye();
  return true;
}

void WireClient::take(const v1::StreamBatch& batch) {
  auto found = streams_.find(key(batch.stream()));
  REQUIRE_MESSAGE(found != streams_.end(), "a batch of a stream that is not followed");
  Followed& followed = found->second;
  REQUIRE_MESSAGE(!followed.ended, "a batch after the end");
  REQUIRE(batch.after_seq() == followed.cursor);
  uint64_t last = followed.cursor;
  for (const auto& event : batch.events()) {
    REQUIRE(event.seq() > last);
    last = event.seq();
    followed.events.push_back(event);
  }
  REQUIRE(batch.through_seq() >= last);
  followed.cursor = batch.through_seq();
  followed.ended = batch.ended();
}

v1::SubscribeReply WireClient::follow(v1::StreamId stream) {
  streams_[key(stream)] = {};
  v1::ClientFrame frame;
  *frame.mutable_subscribe()->mutable_stream() = stream;
  v1::Reply answer = call(frame);
  if (answer.has_refusal()) streams_.erase(key(stream));
  REQUIRE_MESSAGE(!answer.has_refusal(), answer.refusal().message());
  return answer.subscribe();
}

v1::SubscribeReply WireClient::resume(v1::StreamId stream, const Followed& from) {
  streams_[key(stream)] = from;
  v1::ClientFrame frame;
  *frame.mutable_subscribe()->mutable_stream() = stream;
  frame.mutable_subscribe()->set_epoch(from.epoch);
  frame.mutable_subscribe()->set_after_seq(from.cursor);
  v1::Reply answer = call(frame);
  REQUIRE_MESSAGE(!answer.has_refusal(), answer.refusal().message());
  return answer.subscribe();
}

const Followed& WireClient::wait_for(v1::StreamId stream, uint64_t seq) {
  Followed& followed = streams_[key(stream)];
  while (followed.cursor < seq) {
    if (read_frame()) continue;
    throw Lost("closed at " + std::to_string(followed.cursor) + " of " + std::to_string(seq));
  }
  return followed;
}

const Followed& WireClient::wait_for_end(v1::StreamId stream) {
  Followed& followed = streams_[key(stream)];
  while (!followed.ended) REQUIRE(read_frame());
  return followed;
}

v1::Signal WireClient::wait_for_signal(bool (*wanted)(const v1::Signal&)) {
  for (;;) {
    while (!signals_.empty()) {
      v1::Signal signal = std::move(signals_.front());
      signals_.pop_front();
      if (wanted(signal)) return signal;
    }
    REQUIRE(read_frame());
  }
}

uint16_t WireClient::wait_for_close() {
  while (read_frame()) {
  }
  return close_code_;
}

void WireClient::cut() {
  socket_->tcp().set_option(asio::socket_base::linger(true, 0));
  beast::error_code ignored;
  socket_->tcp().close(ignored);
}

void WireClient::set_window(int bytes) {
  socket_->tcp().set_option(asio::socket_base::receive_buffer_size(bytes));
}

v1::StreamId club_stream(uint64_t id) {
  v1::StreamId stream;
  stream.set_kind(v1::STREAM_KIND_CLUB);
  stream.set_id(id);
  return stream;
}

v1::StreamId account_stream(uint64_t id) {
  v1::StreamId stream;
  stream.set_kind(v1::STREAM_KIND_ACCOUNT);
  stream.set_id(id);
  return stream;
}

v1::StreamId direct_stream(uint64_t id) {
  v1::StreamId stream;
  stream.set_kind(v1::STREAM_KIND_DIRECT);
  stream.set_id(id);
  return stream;
}

std::string message_id() {
  std::string id(16, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(id.data()), static_cast<int>(id.size()));
  return id;
}

}  // namespace amicale::support
