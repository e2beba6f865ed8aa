// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "amicale/v1/frame.pb.h"

namespace amicale::support {

// Where a stream stands for one client, by the arithmetic of frame.proto and nothing else.
struct Followed {
  uint64_t cursor = 0;
  uint64_t epoch = 0;
  bool ended = false;
  std::vector<v1::Event> events;  // every one received, in order
};

// The connection ended while something was still awaited on it.
class Lost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Protocol v1 over a blocking WebSocket, written apart from the SDK so that the server is not tested against the SDK's own
// idea of it. It checks every batch against its cursor: a hole, a repeat or a disorder fails the test at once. Each wait is
// bounded by ten seconds; the end of the connection is thrown as Lost to whoever waits for more.
class WireClient {
 public:
  // `certificate`: the one to trust, for TLS; empty = plain text.
  explicit WireClient(uint16_t port, std::string certificate = "");
  ~WireClient();
  WireClient(WireClient&&) noexcept;
  WireClient& operator=(WireClient&&) noexcept;

  // Hello and Authenticate. `token` empty: Hello alone.
  void enter(const std::string& token);

  // Sends a request (request_id is set here) and reads until its reply.
  v1::Reply call(v1::ClientFrame frame);
  // Sends without waiting; the id under which `reply` finds the answer.
  uint32_t send(v1::ClientFrame frame);
  v1::Reply reply(uint32_t id);
  void send_bytes(const std::string& bytes, bool binary = true);

  // Follows from a snapshot, or from what was held before.
  v1::SubscribeReply follow(v1::StreamId stream);
  v1::SubscribeReply resume(v1::StreamId stream, const Followed& from);

  // Reads one message, whatever it brings; false when the connection has ended.
  bool read_frame();
  // Reads until the stream's cursor is at `seq` or beyond.
  const Followed& wait_for(v1::StreamId stream, uint64_t seq);
  // Reads until the server says that the stream has ended for this reader.
  const Followed& wait_for_end(v1::StreamId stream);
  const Followed& at(v1::StreamId stream) { return streams_[key(stream)]; }
  // Reads until a signal that `wanted` accepts.
  v1::Signal wait_for_signal(bool (*wanted)(const v1::Signal&));
  const std::deque<v1::Signal>& signals() const { return signals_; }

  // Reads to the end of the connection; its close code, 0 when there was none.
  uint16_t wait_for_close();
  const std::optional<v1::Goodbye>& goodbye() const { return goodbye_; }

  // Ends without a word, as a lost network does.
  void cut();
  // How much the system keeps for this reader: little makes it a slow one.
  void set_window(int bytes);

 private:
  static std::pair<int, uint64_t> key(const v1::StreamId& stream) {
    return {stream.kind(), stream.id()};
  }
  void take(const v1::StreamBatch& batch);

  struct Socket;
  std::unique_ptr<Socket> socket_;
  uint32_t next_id_ = 1;
  std::map<uint32_t, v1::Reply> replies_;
  std::map<std::pair<int, uint64_t>, Followed> streams_;
  std::deque<v1::Signal> signals_;
  std::optional<v1::Goodbye> goodbye_;
  uint16_t close_code_ = 0;
};

v1::StreamId club_stream(uint64_t id);
v1::StreamId account_stream(uint64_t id);
v1::StreamId direct_stream(uint64_t id);
// 16 bytes, different each time.
std::string message_id();

}  // namespace amicale::support
