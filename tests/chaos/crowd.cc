// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/crowd.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace amicale::chaos {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kScratch = 256 * 1024;
constexpr seconds kBetweenBeats{15};
constexpr int kBinary = 2;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

// One message as RFC 6455 frames it. The mask is there because a client's must be; of zeros, because there is no proxy here
// that it would protect.
std::string framed(int opcode, std::string_view payload) {
  std::string out(1, static_cast<char>(0x80 | opcode));
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65'536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> shift);
  }
  out.append(4, '\0');
  out += payload;
  return out;
}

}  // namespace

struct Visitor::Line {
  explicit Line(asio::io_context& context) : socket(context) {}
  tcp::socket socket;
  bool upgraded = false;
  bool writing = false;
  bool waiting = false;
  std::string in;
  std::string out;      // to be written next
  std::string sending;  // being written
};

Visitor::Visitor(Crowd& crowd, Options options) : crowd_(crowd), options_(std::move(options)) {
  for (const auto& stream : options_.follow) at(stream);
}

bool Visitor::live() const {
  return authenticated_ && std::ranges::all_of(streams_, [](const auto& entry) {
           return entry.second.live || entry.second.ended;
         });
}

void Visitor::connect() {
  cut();
  line_ = std::make_shared<Line>(crowd_.context_);
  auto line = line_;
  close_code_ = 0;
  refused_entry_.reset();
  error_code error;
  line->socket.open(tcp::v4(), error);
  if (!error && options_.receive_buffer > 0)
    line->socket.set_option(asio::socket_base::receive_buffer_size(options_.receive_buffer), error);
  if (!error && !options_.from.empty())
    line->socket.bind({asio::ip::make_address(options_.from), 0}, error);
  if (error)
    return asio::post(crowd_.context_, [this, line] {
      if (line == line_) lost();
    });
  line->socket.async_connect({asio::ip::address_v4::loopback(), options_.port}, [this,
                                                                                 line](error_code
                                                                                           failed) {
    if (line != line_) return;
    if (failed) return lost();
    error_code ignored;
    line->socket.set_option(tcp::no_delay(true), ignored);
    line->socket.non_blocking(true, ignored);
    write(line,
          "GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Protocol: amicale.v1\r\n\r\n");
    wait_input(line);
  });
}

void Visitor::cut() {
  if (!line_) return;
  auto line = std::exchange(line_, nullptr);
  error_code ignored;
  line->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  line->socket.close(ignored);
  greeted_ = authenticated_ = false;
  waiting_.clear();
  for (auto& [key, followed] : streams_) followed.live = false;
}

void Visitor::lost() {
  cut();
  ++losses_;
  lost_at_ = Clock::now();
  if (on_lost) on_lost();
}

void Visitor::forget() {
  cut();
  reading_ = true;
  captured_.clear();
  for (auto& [key, followed] : streams_) followed = {};
}

void Visitor::set_reading(bool reading) {
  reading_ = reading;
  if (reading && line_) {
    if (options_.receive_buffer > 0) {
      error_code ignored;
      line_->socket.set_option(asio::socket_base::receive_buffer_size(256 * 1024), ignored);
    }
    wait_input(line_);
  }
}

void Visitor::write(const std::shared_ptr<Line>& line, std::string bytes) {
  line->out += bytes;
  if (!line->writing) pump_out(line);
}

void Visitor::pump_out(const std::shared_ptr<Line>& line) {
  if (line->out.empty()) return;
  line->writing = true;
  line->sending = std::exchange(line->out, {});
  asio::async_write(line->socket, asio::buffer(line->sending),
                    [this, line](error_code error, std::size_t) {
                      line->writing = false;
                      if (line != line_) return;
                      // What the peer said before it closed is still to be read: the read finds the end.
                      if (!error) pump_out(line);
                    });
}

void Visitor::wait_input(const std::shared_ptr<Line>& line) {
  if (!reading_ || line->waiting) return;
  line->waiting = true;
  line->socket.async_wait(tcp::socket::wait_read, [this, line](error_code error) {
    line->waiting = false;
    if (line != line_) return;
    if (error) return lost();
    if (!reading_) return;
    const std::size_t size = line->socket.read_some(asio::buffer(crowd_.scratch_), error);
    if (error == asio::error::would_block) return wait_input(line);
    if (error) return lost();
    bytes_ += size;
    line->in.append(crowd_.scratch_.data(), size);
    if (!take_input(*line)) {
      if (line == line_) lost();
      return;
    }
    if (line == line_) wait_input(line);
  });
}

// Takes what is whole out of the input. False: what came is not the protocol, or it is the end.
bool Visitor::take_input(Line& line) {
  std::size_t at = 0;
  if (!line.upgraded) {
    const auto end = line.in.find("\r\n\r\n");
    if (end == std::string::npos) return line.in.size() < 16 * 1024;
    if (!line.in.starts_with("HTTP/1.1 101")) return false;
    line.upgraded = true;
    at = end + 4;
    greet();
  }
  const auto byte = [&line](std::size_t index) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(line.in[index]));
  };
  bool ended = false;
  const auto* mine = &line;
  while (!ended && line_.get() == mine && line.in.size() - at >= 2) {
    const int opcode = static_cast<int>(byte(at) & 0x0f);
    std::uint64_t size = byte(at + 1) & 0x7f;
    std::size_t head = 2;
    if (size == 126) head = 4;
    if (size == 127) head = 10;
    if (line.in.size() - at < head) break;
    if (head > 2) {
      size = 0;
      for (std::size_t i = 2; i < head; ++i) size = size << 8 | byte(at + i);
    }
    if (line.in.size() - at - head < size) break;
    const std::string_view payload(line.in.data() + at + head, size);
    if (opcode == kClose) {
      if (payload.size() >= 2)
        close_code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1]));
      ended = true;
    } else {
      frame(opcode, payload);
    }
    at += head + size;
  }
  line.in.erase(0, at);
  if (line.in.capacity() > 64 * 1024 && line.in.size() < 4'096) line.in.shrink_to_fit();
  return !ended;
}

void Visitor::frame(int opcode, std::string_view payload) {
  if (opcode == kPing) return write(line_, framed(kPong, payload));
  if (opcode != kBinary) return;
  if (options_.capture) captured_ += payload;
  auto& message = crowd_.frame_;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return lost();
  const auto line = line_;
  for (const auto& reply : message.replies()) {
    auto found = waiting_.find(reply.request_id());
    if (found == waiting_.end()) continue;
    auto answer = std::move(found->second);
    waiting_.erase(found);
    if (answer) answer(reply);
    if (line != line_) return;
  }
  for (const auto& batch : message.batches()) {
    take(batch);
    if (line != line_) return;
  }
  for (const auto& signal : message.signals()) {
    ++signals_;
    if (on_signal) on_signal(signal);
  }
  if (on_frame) on_frame(message);
}

void Visitor::send(v1::ClientFrame frame, Answer answer) {
  if (!line_) return;
  frame.set_request_id(next_id_++);
  waiting_[frame.request_id()] = std::move(answer);
  write(line_, framed(kBinary, frame.SerializeAsString()));
}

void Visitor::greet() {
  v1::ClientFrame frame;
  frame.mutable_hello()->set_protocol_min(1);
  frame.mutable_hello()->set_protocol_max(1);
  frame.mutable_hello()->set_capabilities(options_.signals ? 1 : 0);
  frame.mutable_hello()->set_client_name("crowd");
  send(frame, [this](const v1::Reply& reply) {
    if (reply.has_refusal()) {
      refused_entry_ = reply.refusal();
      return;
    }
    greeted_ = true;
    if (!options_.token.empty()) authenticate();
  });
}

void Visitor::authenticate() {
  v1::ClientFrame frame;
  frame.mutable_authenticate()->set_token(options_.token);
  send(frame, [this](const v1::Reply& reply) {
    if (reply.has_refusal()) {
      refused_entry_ = reply.refusal();
      return;
    }
    authenticated_ = true;
    for (const auto& [key, followed] : streams_) {
      if (!followed.ended) subscribe(key);
    }
  });
}

void Visitor::follow(const v1::StreamId& stream) {
  at(stream);
  if (authenticated_) subscribe({stream.kind(), stream.id()});
}

void Visitor::subscribe(std::pair<int, std::uint64_t> key) {
  const Followed& held = streams_[key];
  v1::ClientFrame frame;
  frame.mutable_subscribe()->mutable_stream()->set_kind(static_cast<v1::StreamKind>(key.first));
  frame.mutable_subscribe()->mutable_stream()->set_id(key.second);
  if (held.started) {
    frame.mutable_subscribe()->set_epoch(held.epoch);
    frame.mutable_subscribe()->set_after_seq(held.cursor);
  }
  send(frame, [this, key](const v1::Reply& reply) {
    Followed& followed = streams_[key];
    if (reply.has_refusal()) {
      refused_entry_ = reply.refusal();
      return;
    }
    const auto& answer = reply.subscribe();
    if (answer.outcome() == v1::SUBSCRIBE_OUTCOME_GAP) {
      ++followed.faults;
      return;
    }
    if (answer.has_snapshot()) {
      followed.cursor = answer.snapshot().seq();
      followed.started = true;
    }
    followed.epoch = answer.epoch();
    followed.live = true;
  });
}

void Visitor::take(const v1::StreamBatch& batch) {
  Followed& followed = streams_[{batch.stream().kind(), batch.stream().id()}];
  if (!followed.live || followed.ended || batch.after_seq() != followed.cursor) ++followed.faults;
  std::uint64_t last = followed.cursor;
  for (const auto& event : batch.events()) {
    if (event.seq() <= last) {
      ++followed.faults;
      continue;
    }
    last = event.seq();
    ++followed.events;
    std::uint64_t mixed = followed.hash ^ event.seq();
    for (const char c : event.client_msg_id())
      mixed = (mixed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    followed.hash = mixed * 0x9e3779b97f4a7c15 + 1;
    if (on_event) on_event(batch.stream(), event);
  }
  if (batch.through_seq() < last) ++followed.faults;
  followed.cursor = batch.through_seq();
  followed.ended = batch.ended();
  if (followed.ended) followed.live = false;
}

void Visitor::beat() {
  if (!authenticated_) return;
  v1::ClientFrame frame;
  frame.mutable_heartbeat();
  send(frame);
}

Crowd::Crowd() : scratch_(kScratch), next_beat_(Clock::now() + kBetweenBeats) {}

Crowd::~Crowd() {
  for (auto& visitor : visitors_) visitor->cut();
}

Visitor& Crowd::add(Visitor::Options options) {
  return *visitors_.emplace_back(std::make_unique<Visitor>(*this, std::move(options)));
}

void Crowd::beat_all() {
  if (Clock::now() < next_beat_) return;
  next_beat_ = Clock::now() + kBetweenBeats;
  for (auto& visitor : visitors_) visitor->beat();
}

bool Crowd::run_until(const std::function<bool()>& so, seconds most) {
  const auto deadline = Clock::now() + most;
  while (!so()) {
    if (Clock::now() > deadline) return false;
    context_.restart();
    // One wait, then whatever else is ready, up to a bound: `so` may be dear to look at.
    context_.run_one_for(milliseconds(10));
    for (int i = 0; i < 256 && context_.poll_one() > 0; ++i) {
    }
    beat_all();
  }
  return true;
}

void Crowd::run_for(milliseconds time) {
  const auto deadline = Clock::now() + time;
  while (Clock::now() < deadline) {
    context_.restart();
    context_.run_one_until(deadline);
    beat_all();
  }
}

void Crowd::later(milliseconds wait, std::function<void()> step) {
  auto timer = std::make_shared<asio::steady_timer>(context_, wait);
  timer->async_wait([timer, step = std::move(step)](error_code error) {
    if (!error) step();
  });
}

}  // namespace amicale::chaos
