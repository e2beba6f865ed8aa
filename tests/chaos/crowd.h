// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Thousands of clients in one thread: the protocol over sockets that cost little, written from docs/protocol.md apart from the
// SDK and from WireClient, with nothing below it but TCP. A visitor counts what must not happen instead of stopping at it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "tests/chaos/trial.h"

namespace amicale::chaos {

class Crowd;

// Where a stream stands for one visitor, and what was wrong with it on the way.
struct Followed {
  std::uint64_t cursor = 0;
  std::uint64_t epoch = 0;
  bool started = false;  // a snapshot was taken, or a cursor given
  bool live = false;     // subscribed on this connection
  bool ended = false;    // by the server: not for this reader any more
  std::uint64_t events = 0;
  std::uint64_t hash = 0;    // rolling, of (seq, client_msg_id)
  std::uint64_t faults = 0;  // gaps, repeats, disorder, batches after the end
};

// One client. Owned by its crowd; every call and every callback is on the thread that runs the crowd.
class Visitor {
 public:
  struct Options {
    std::uint16_t port = 0;
    std::string token = {};  // empty: says Hello and no more
    std::vector<v1::StreamId> follow = {};
    bool signals = false;
    int receive_buffer = 0;  // SO_RCVBUF; 0 = the system's
    std::string from = {};   // own address, as "127.0.0.9"; empty = the system's choice
    bool capture = false;    // keep every byte of every message
  };

  Visitor(Crowd& crowd, Options options);

  // Connects and gets as far as `options` say; streams resume from their cursors.
  void connect();
  // Ends without a word.
  void cut();
  // Takes nothing more from the socket, or goes on.
  void set_reading(bool reading);
  void set_token(std::string token) { options_.token = std::move(token); }
  void set_port(std::uint16_t port) { options_.port = port; }
  // Follows from the cursor that is held, else from a snapshot.
  void follow(const v1::StreamId& stream);
  // Holds nothing any more: the next connection starts from snapshots.
  void forget();
  using Answer = std::function<void(const v1::Reply&)>;
  void send(v1::ClientFrame frame, Answer answer = {});

  bool connected() const { return line_ != nullptr; }
  bool greeted() const { return greeted_; }
  bool authenticated() const { return authenticated_; }
  // Every stream that it wants is followed on this connection.
  bool live() const;
  Followed& at(const v1::StreamId& stream) { return streams_[{stream.kind(), stream.id()}]; }

  // What happened last: the end of a connection, its close code, why a request was refused.
  std::uint64_t losses() const { return losses_; }
  std::uint16_t close_code() const { return close_code_; }
  std::optional<v1::Refusal> refused_entry() const { return refused_entry_; }
  Clock::time_point lost_at() const { return lost_at_; }
  std::uint64_t signals() const { return signals_; }
  std::uint64_t bytes() const { return bytes_; }
  const std::string& captured() const { return captured_; }

  std::function<void(const v1::StreamId&, const v1::Event&)> on_event;
  std::function<void(const v1::Signal&)> on_signal;
  std::function<void(const v1::ServerFrame&)> on_frame;
  std::function<void()> on_lost;

 private:
  friend class Crowd;
  struct Line;

  void write(const std::shared_ptr<Line>& line, std::string bytes);
  void pump_out(const std::shared_ptr<Line>& line);
  void wait_input(const std::shared_ptr<Line>& line);
  bool take_input(Line& line);
  void frame(int opcode, std::string_view payload);
  void greet();
  void authenticate();
  void subscribe(std::pair<int, std::uint64_t> key);
  void take(const v1::StreamBatch& batch);
  void lost();
  void beat();

  Crowd& crowd_;
  Options options_;
  std::shared_ptr<Line> line_;
  bool reading_ = true;
  bool greeted_ = false;
  bool authenticated_ = false;
  std::uint32_t next_id_ = 1;
  std::map<std::uint32_t, Answer> waiting_;
  std::map<std::pair<int, std::uint64_t>, Followed> streams_;
  std::uint64_t losses_ = 0;
  std::uint16_t close_code_ = 0;
  std::optional<v1::Refusal> refused_entry_;
  Clock::time_point lost_at_;
  std::uint64_t signals_ = 0;
  std::uint64_t bytes_ = 0;
  std::string captured_;
};

// Owns visitors and runs them, on the thread that calls. No thread of its own.
class Crowd {
 public:
  Crowd();
  ~Crowd();
  Visitor& add(Visitor::Options options);
  Visitor& at(std::size_t index) { return *visitors_.at(index); }
  std::size_t size() const { return visitors_.size(); }

  // Runs until `so`, looked at after everything that happens. False: not within `most`.
  bool run_until(const std::function<bool()>& so, seconds most = seconds(60));
  void run_for(milliseconds time);
  // Calls `step` on this thread after `wait`, while the crowd runs.
  void later(milliseconds wait, std::function<void()> step);

  boost::asio::io_context& context() { return context_; }

 private:
  friend class Visitor;
  void beat_all();

  boost::asio::io_context context_{1};
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::vector<char> scratch_;  // what is read into: one buffer for all
  v1::ServerFrame frame_;      // parsed into: keeps its memory
  Clock::time_point next_beat_;
};

}  // namespace amicale::chaos
