// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "amicale/client/model.h"
#include "amicale/client/session_core.h"
#include "tests/simulation/stage.h"
#include "tests/simulation/wire.h"

namespace amicale::simulation {

// What a device keeps of commands that were not answered, over its own restarts.
class Outbox final : public client::OutboxStore {
 public:
  std::vector<v1::ClientFrame> load() override;
  void put(const std::string& client_msg_id, const v1::ClientFrame& command) override;
  void remove(const std::string& client_msg_id) override;

 private:
  std::vector<std::pair<std::string, v1::ClientFrame>> kept_;
};

// What was pinned of the provable logs: kept like the outbox, whatever else the application forgets.
class Pins final : public client::AuditStore {
 public:
  std::string load_key() override { return key_; }
  void save_key(const std::string& public_key) override { key_ = public_key; }
  std::optional<v1::AuditHead> load(Stream stream) override {
    const auto found = heads_.find(stream);
    return found == heads_.end() ? std::nullopt : std::optional(found->second);
  }
  void save(const v1::AuditHead& head) override { heads_[Stream::from(head.stream())] = head; }

 private:
  std::string key_;
  std::map<Stream, v1::AuditHead> heads_;
};

// Somebody's secrets: an account may be on several devices.
struct Account {
  uint64_t id = 0;
  std::string login;
  std::vector<std::string> passwords;  // one of them is right
};

// One device of a person: the C++ SDK's core and model, with a disk of its own, on a wire of the world's.
class Device {
 public:
  // Opens a connection; the device is told by `connected` or `unreachable`.
  using Dial = std::function<void(Device&)>;

  Device(Stage& stage, unsigned number, Account& account, std::string token, Dial dial);

  // The application starts: from its disk (`resume`), or knowing nothing but its token.
  void start(bool resume);
  void follow(Stream stream);
  void unfollow(Stream stream);
  void call(v1::ClientFrame request);
  // Sends a command again that was answered long ago.
  void repeat_something();
  // Forgets up to `back` events of a stream, as an application does that crashed before saving its cursor.
  void go_back(Stream stream, uint64_t back);

  // The wire's doing.
  void connected(std::shared_ptr<Wire> wire);
  void unreachable();
  Wire::Device ears();
  uint64_t dial_number() const { return dials_; }  // of the newest attempt

  bool online() const { return core_->state() == client::SessionCore::State::Online; }
  bool at_rest() const;
  // In words, for a world that does not come to rest.
  std::string condition() const;
  unsigned number() const { return number_; }
  Account& account() { return account_; }
  const std::string& token() const { return token_; }
  Wire* wire() { return wire_.get(); }
  const Ledger::Told& told() const { return told_; }
  const client::Model& model() const { return model_; }
  const std::set<Stream>& refused() const { return refused_; }
  client::SessionCore& core() { return *core_; }
  std::set<Stream> wanted;  // what the application shows

 private:
  client::Time now() const {
    return client::Time{} + client::Milliseconds{stage_.clock.steady_ms()};
  }
  void carry_out();
  void hear(const client::Happening& happening);
  void answered(const client::Answered& answer);
  void plan_tick();
  void log_in_later();

  Stage& stage_;
  const unsigned number_;
  Account& account_;
  std::string token_;
  Dial dial_;
  Dice dice_;
  Outbox outbox_;
  Pins pins_;
  std::map<Stream, client::Position> saved_;
  std::set<Stream> refused_;
  std::vector<v1::ClientFrame> done_;
  std::size_t password_ = 0;
  client::CallId last_call_ = 0;

  std::unique_ptr<client::SessionCore> core_;
  client::Model model_;
  Ledger::Told told_;
  std::shared_ptr<Wire> wire_;
  uint64_t life_ = 0;  // counts starts
  uint64_t dials_ = 0;
  bool carrying_out_ = false;
  std::optional<int64_t> tick_planned_ms_;
};

}  // namespace amicale::simulation
