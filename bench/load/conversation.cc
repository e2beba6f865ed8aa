// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/conversation.h"

#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include "bench/load/connections.h"
#include "bench/load/websocket.h"

namespace amicale::load {
namespace {

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("the server ended the connection");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

bool is_worth_waiting(const v1::Refusal& refusal) {
  return refusal.code() == v1::REFUSAL_CODE_RATE_LIMITED ||
         refusal.code() == v1::REFUSAL_CODE_OVERLOADED;
}

}  // namespace

std::string fresh_message_id() {
  std::string id(16, '\0');
  if (::getrandom(id.data(), id.size(), 0) != 16) throw std::runtime_error("no random bytes");
  return id;
}

Conversation::Conversation(const Target& target, const std::string& token) : fd_(dial(target)) {
  std::string out;
  append_upgrade(out, target.host, "/v1/ws", "amicale.v1");
  send_all(fd_, out);
  size_t used = 0;
  while ((used = upgrade_answer(more())) == 0) continue;
  buffer_.erase(0, used);
  v1::ClientFrame hello;
  hello.mutable_hello()->set_protocol_min(1);
  hello.mutable_hello()->set_protocol_max(1);
  hello.mutable_hello()->set_client_name("bench");
  hello.mutable_hello()->set_language(v1::LANGUAGE_EN);
  call(hello);
  if (token.empty()) return;
  v1::ClientFrame authenticate;
  authenticate.mutable_authenticate()->set_token(token);
  call(authenticate);
}

Conversation::~Conversation() { ::close(fd_); }

v1::Reply Conversation::call(v1::ClientFrame frame) {
  std::vector<v1::ClientFrame> one;
  one.push_back(std::move(frame));
  return std::move(call_all(std::move(one), 1).front());
}

std::vector<v1::Reply> Conversation::call_all(std::vector<v1::ClientFrame> frames, size_t at_once) {
  std::vector<v1::Reply> answers(frames.size());
  std::map<uint32_t, size_t> open;  // request id → place
  std::vector<size_t> waiting;      // to be sent (again), last first
  for (size_t i = frames.size(); i > 0; --i) waiting.push_back(i - 1);
  while (!waiting.empty() || !open.empty()) {
    while (!waiting.empty() && open.size() < at_once) {
      const size_t place = waiting.back();
      waiting.pop_back();
      frames[place].set_request_id(next_id_);
      open[next_id_++] = place;
      send(frames[place]);
    }
    v1::ServerFrame frame = receive();
    uint32_t pause_ms = 0;
    for (auto& reply : *frame.mutable_replies()) {
      auto found = open.find(reply.request_id());
      if (found == open.end()) throw std::runtime_error("an answer to nothing");
      const size_t place = found->second;
      open.erase(found);
      if (!reply.has_refusal()) {
        answers[place] = std::move(reply);
      } else if (is_worth_waiting(reply.refusal())) {
        waiting.push_back(place);
        pause_ms = std::max(pause_ms, std::max(1u, reply.refusal().retry_after_ms()));
      } else {
        throw std::runtime_error("refused: " + reply.refusal().ShortDebugString() +
                                 " for request " + std::to_string(frames[place].body_case()));
      }
    }
    if (frame.has_goodbye()) throw std::runtime_error("goodbye: " + frame.goodbye().message());
    if (pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  }
  return answers;
}

void Conversation::send(const v1::ClientFrame& frame) {
  std::string out;
  append_frame(out, Opcode::binary, frame.SerializeAsString());
  send_all(fd_, out);
}

v1::ServerFrame Conversation::receive() {
  Frame frame;
  while (!next_frame(buffer_, frame)) more();
  if (frame.opcode != Opcode::binary) throw std::runtime_error("the server closed the connection");
  v1::ServerFrame parsed;
  if (!parsed.ParseFromArray(frame.payload.data(), static_cast<int>(frame.payload.size())))
    throw std::runtime_error("not a ServerFrame");
  buffer_.erase(0, frame.size);
  return parsed;
}

std::string_view Conversation::more() {
  char bytes[64 * 1024];
  const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
  if (got <= 0) throw std::runtime_error("the server ended the connection");
  buffer_.append(bytes, static_cast<size_t>(got));
  return buffer_;
}

}  // namespace amicale::load
