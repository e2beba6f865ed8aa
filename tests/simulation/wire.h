// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "server/session/session.h"
#include "tests/simulation/site.h"
#include "tests/simulation/stage.h"

namespace amicale::simulation {

// One connection: a session at one end, a device at the other, and between them two queues of bytes that are late, stall, and
// are cut in the middle of a frame. A frame of which a byte is missing never arrives. Each end learns of the end by itself.
// Owned by the world; forgotten when both ends have gone.
class Wire final : public session::Transport {
 public:
  // What the device's end is told.
  struct Device {
    std::function<void(std::string_view frame)> received;
    std::function<void(uint32_t close_code)> ended;  // at most once
  };
  struct Path {
    std::size_t window = 64 * 1024;  // bytes that fit between the two
    int64_t latency_ms = 5;
  };

  Wire(Stage& stage, Site& site, unsigned shard, uint64_t id, Path path, Device device);
  ~Wire() override;

  // The device's end.
  void send(std::string frame);
  void hang_up();  // the device closes: what it sent still arrives

  // The network's doing. `kept` bytes of what is under way towards the device, and all else is lost.
  void cut(std::size_t kept);
  void stall(int64_t until_ms);  // nothing arrives at the device until then
  void slow(int64_t ms_per_frame) { ms_per_frame_ = ms_per_frame; }
  void heal();
  // The server's machine is off.
  void lose_server();

  bool over() const { return !session_ && !device_here_; }
  bool server_here() const { return session_.has_value(); }
  bool device_here() const { return device_here_; }
  std::size_t under_way() const { return bytes_; }
  uint64_t id() const { return id_; }
  uint64_t account = 0;  // whose, for mutations; 0 until known

  // session::Transport
  runtime::Writing write(session::Outgoing& message) override;
  void close(v1::CloseCode code) override;
  void resume_input() override;
  void authenticated() override {}

 private:
  void take(std::string frame);
  void accept(std::string frame);
  void deliver();
  void feed();
  void end_session();
  void end_device(uint32_t close_code);
  template <class Function>
  void later(int64_t wait_ms, Function function);

  Stage& stage_;
  Site& site_;
  const unsigned shard_;
  const uint64_t id_;
  Path path_;
  Device device_;
  std::optional<session::Session> session_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  std::deque<std::string> to_server_;
  bool feeding_ = false;
  bool input_over_ = false;  // the server reads nothing more
  bool finishing_ = false;

  std::deque<std::string> to_device_;
  std::size_t bytes_ = 0;  // in to_device_
  std::optional<std::string> writing_;
  bool delivering_ = false;
  bool device_here_ = true;
  int64_t stalled_until_ms_ = 0;
  int64_t ms_per_frame_ = 0;
  uint32_t close_code_ = 0;
  bool server_closed_ = false;
};

}  // namespace amicale::simulation
