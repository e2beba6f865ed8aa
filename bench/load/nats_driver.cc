// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/nats_driver.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

#include "bench/load/connections.h"
#include "bench/load/websocket.h"

namespace amicale::load {
namespace {

enum Stage : uint32_t { upgrading, greeting, live };

constexpr std::string_view kConnect =
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"bench\",\"version\":\"1\","
    "\"protocol\":1,\"echo\":true}\r\n";
constexpr std::string_view kStream = "bench";

std::string subject(const Plan& plan, uint32_t room) {
  // The stream takes what nobody follows, and only that: a room of W1 has no history.
  return (plan.follow ? "room." : "log.") + std::to_string(room);
}

// A blocking conversation, for the stream's making.
class Caller {
 public:
  explicit Caller(const Target& target) : fd_(dial(target)) {
    std::string upgrade;
    append_upgrade(upgrade, target.host, "/", "");
    write(upgrade);
    size_t head = 0;
    while ((head = upgrade_answer(bytes_)) == 0) read();
    bytes_.erase(0, head);
    say(kConnect);
  }
  ~Caller() { ::close(fd_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void say(std::string_view lines) {
    std::string frame;
    append_frame(frame, Opcode::binary, lines);
    write(frame);
  }

  // Everything said until `end` was heard.
  std::string hear(std::string_view end) {
    std::string heard;
    for (;;) {
      Frame frame;
      while (next_frame(bytes_, frame)) {
        heard += frame.payload;
        bytes_.erase(0, frame.size);
      }
      if (heard.find(end) != std::string::npos) return heard;
      read();
    }
  }

 private:
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("nats-server closed the connection");
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void read() {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 10'000) != 1) throw std::runtime_error("nats-server says nothing");
    char buffer[16 * 1024];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("nats-server closed the connection");
    bytes_.append(buffer, static_cast<size_t>(got));
  }

  int fd_;
  std::string bytes_;
};

}  // namespace

void NatsDriver::prepare(const Plan& plan) {
  plan_ = plan;
  halves_.assign(plan.links(), {});
  if (plan.follow) return;
  Caller caller(target_);
  const std::string wanted =
      "{\"name\":\"" + std::string(kStream) +
      "\",\"subjects\":[\"log.*\"],\"storage\":\"file\",\"retention\":\"limits\","
      "\"num_replicas\":1,\"max_msgs\":-1,\"max_bytes\":-1,\"discard\":\"old\"}";
  caller.say("SUB answer 1\r\nPUB $JS.API.STREAM.CREATE." + std::string(kStream) + " answer " +
             std::to_string(wanted.size()) + "\r\n" + wanted + "\r\n");
  const std::string answer = caller.hear("}\r\n");
  // 10058: it is there already.
  if (answer.find("\"error\"") != std::string::npos && answer.find("10058") == std::string::npos)
    throw std::runtime_error("no stream: " + answer);
}

void NatsDriver::send(Link& link, std::string_view lines) {
  append_frame(link.out, Opcode::binary, lines);
}

void NatsDriver::begin(Link& link) {
  link.stage = upgrading;
  halves_[link.index].clear();
  append_upgrade(link.out, target_.host, "/", "");
}

size_t NatsDriver::take(Link& link, std::string_view bytes, Traffic& traffic) {
  size_t used = 0;
  if (link.stage == upgrading) {
    used = upgrade_answer(bytes);
    if (used == 0) return 0;
    link.stage = greeting;
    scratch_ = kConnect;
    // Where a post is answered, or where the room's messages come.
    scratch_ +=
        "SUB " +
        (plan_.follow ? subject(plan_, link.room) : "answer." + std::to_string(link.index)) +
        " 1\r\nPING\r\n";
    send(link, scratch_);
  }
  Frame frame;
  while (next_frame(bytes.substr(used), frame)) {
    used += frame.size;
    if (frame.opcode == Opcode::ping) {
      append_frame(link.out, Opcode::pong, frame.payload);
      continue;
    }
    if (frame.opcode == Opcode::close) {
      traffic.refused(link, "nats-server closes");
      break;
    }
    // Frames are cut anywhere: a line, or a message, may end in the next one.
    std::string& half = halves_[link.index];
    if (half.empty()) {
      half = frame.payload.substr(take_lines(link, frame.payload, traffic));
    } else {
      half += frame.payload;
      half.erase(0, take_lines(link, half, traffic));
    }
  }
  return used;
}

size_t NatsDriver::take_lines(Link& link, std::string_view bytes, Traffic& traffic) {
  size_t used = 0;
  for (;;) {
    const std::string_view rest = bytes.substr(used);
    const size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return used;
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with("MSG ")) {
      // MSG subject sid [reply] size
      const std::string_view digits = line.substr(line.rfind(' ') + 1);
      size_t size = 0;
      const auto [stop, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), size);
      if (error != std::errc() || stop != digits.data() + digits.size())
        throw std::runtime_error("a message without a size");
      if (rest.size() < end + 2 + size + 2) return used;
      const std::string_view payload = rest.substr(end + 2, size);
      if (plan_.follow)
        traffic.delivered(link, payload);
      else if (payload.find("\"error\"") != std::string_view::npos)
        traffic.refused(link, payload);
      else
        traffic.accepted(link);
      used += end + 2 + size + 2;
      continue;
    }
    if (line == "PING") {
      send(link, "PONG\r\n");
    } else if (line == "PONG" && link.stage == greeting) {
      link.stage = live;
      traffic.joined(link);
    } else if (line.starts_with("-ERR")) {
      traffic.refused(link, line);
    }
    used += end + 2;
  }
}

void NatsDriver::post(Link& link, std::string_view text) {
  scratch_ = "PUB " + subject(plan_, link.room) + ' ';
  if (!plan_.follow) scratch_ += "answer." + std::to_string(link.index) + ' ';
  scratch_ += std::to_string(text.size());
  scratch_ += "\r\n";
  scratch_ += text;
  scratch_ += "\r\n";
  send(link, scratch_);
}

}  // namespace amicale::load
