// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/wire.h"

#include "server/runtime/spawn.h"

namespace amicale::simulation {

Wire::Wire(Stage& stage, Site& site, unsigned shard, uint64_t id, Path path, Device device)
    : stage_(stage), site_(site), shard_(shard), id_(id), path_(path), device_(std::move(device)) {
  stage_.ledger.opened(id_);
  session_.emplace(site_.place(shard_), *this,
                   session::Session::Peer{id_, "address-" + std::to_string(id_)});
}

Wire::~Wire() { *alive_ = false; }

// The agenda outlives wires.
template <class Function>
void Wire::later(int64_t wait_ms, Function function) {
  stage_.agenda.in(wait_ms, [alive = alive_, function = std::move(function)] {
    if (*alive) function();
  });
}

// --- Towards the server

void Wire::send(std::string frame) {
  if (!session_ || input_over_) return;
  to_server_.push_back(std::move(frame));
  if (feeding_) return;
  feeding_ = true;
  later(path_.latency_ms, [this] { feed(); });
}

void Wire::feed() {
  feeding_ = false;
  while (session_ && !input_over_ && !to_server_.empty()) {
    if (!session_->accepts_input()) {
      session_->input_stopped();
      return;
    }
    const std::string bytes = std::move(to_server_.front());
    to_server_.pop_front();
    v1::ClientFrame frame;
    if (frame.ParseFromString(bytes)) stage_.ledger.received(id_, frame);
    session_->receive(bytes);
  }
}

void Wire::resume_input() {
  if (feeding_ || to_server_.empty()) return;
  feeding_ = true;
  later(0, [this] { feed(); });
}

void Wire::hang_up() {
  if (!device_here_) return;
  device_here_ = false;
  later(path_.latency_ms, [this] {
    feed();
    end_session();
  });
}

// --- Towards the device

runtime::Writing Wire::write(session::Outgoing& message) {
  std::string bytes;
  for (const auto& buffer : message.buffers())
    bytes.append(static_cast<const char*>(buffer.data()), buffer.size());
  v1::ServerFrame frame;
  if (!frame.ParseFromString(bytes)) {
    stage_.ledger.fail("I5", "the server writes what is not a ServerFrame");
  } else {
    for (const auto& reply : frame.replies()) {
      if (reply.has_authenticate()) account = reply.authenticate().account_id();
    }
    if (stage_.mutation.server_frame) {
      stage_.mutation.server_frame(frame, account, stage_.ledger.truth);
      bytes = frame.SerializeAsString();
    }
    stage_.ledger.sent(id_, frame);
  }
  if (bytes_ == 0 || bytes_ + bytes.size() <= path_.window) {
    take(std::move(bytes));
    return runtime::Writing::kDone;
  }
  writing_ = std::move(bytes);
  return runtime::Writing::kUnderWay;
}

// The network has room for a frame, whatever becomes of it.
void Wire::take(std::string frame) {
  bytes_ += frame.size();
  to_device_.push_back(std::move(frame));
  if (!delivering_) {
    delivering_ = true;
    later(path_.latency_ms, [this] { deliver(); });
  }
}

// There is room for the frame that waited: the session's write ends.
void Wire::accept(std::string frame) {
  take(std::move(frame));
  if (session_) session_->written(true);
  if (server_closed_) end_session();
}

void Wire::deliver() {
  delivering_ = false;
  if (stage_.clock.steady_ms() < stalled_until_ms_) {
    delivering_ = true;
    return later(stalled_until_ms_ - stage_.clock.steady_ms(), [this] { deliver(); });
  }
  if (!to_device_.empty()) {
    std::string bytes = std::move(to_device_.front());
    to_device_.pop_front();
    bytes_ -= bytes.size();
    if (device_here_) {
      if (stage_.mutation.client_frame) {
        v1::ServerFrame frame;
        frame.ParseFromString(bytes);
        stage_.mutation.client_frame(frame, id_);
        bytes = frame.SerializeAsString();
      }
      device_.received(bytes);
    }
  }
  if (writing_ && (bytes_ == 0 || bytes_ + writing_->size() <= path_.window))
    accept(std::exchange(writing_, {}).value());
  if (!to_device_.empty()) {
    if (delivering_) return;
    delivering_ = true;
    return later(std::max<int64_t>(ms_per_frame_, 1), [this] { deliver(); });
  }
  if (server_closed_) end_device(close_code_);
}

void Wire::close(v1::CloseCode code) {
  if (stage_.mutation.keeps_revoked_open && code == v1::CLOSE_CODE_REVOKED) return;
  close_code_ = static_cast<uint32_t>(code);
  server_closed_ = true;
  later(0, [this] {
    if (writing_) {
      // The peer does not take what is being written: the socket is closed under it.
      writing_.reset();
      if (session_) session_->written(false);
    }
    end_session();
    if (to_device_.empty()) later(path_.latency_ms, [this] { end_device(close_code_); });
  });
}

void Wire::end_device(uint32_t close_code) {
  if (!std::exchange(device_here_, false)) return;
  device_.ended(close_code);
}

void Wire::stall(int64_t until_ms) { stalled_until_ms_ = std::max(stalled_until_ms_, until_ms); }

void Wire::heal() {
  stalled_until_ms_ = 0;
  ms_per_frame_ = 0;
  path_.window = std::max<std::size_t>(path_.window, 64 * 1024);
  if (!to_device_.empty()) later(0, [this] { deliver(); });
}

void Wire::cut(std::size_t kept) {
  std::size_t arrives = 0;
  while (arrives < to_device_.size() && to_device_[arrives].size() <= kept)
    kept -= to_device_[arrives++].size();
  while (to_device_.size() > arrives) {
    bytes_ -= to_device_.back().size();
    to_device_.pop_back();
  }
  // Of what the device sent, some arrives as well.
  const auto heard = stage_.dice.below(to_server_.size() + 1);
  to_server_.resize(heard);
  const int64_t server_learns = stage_.dice.between(0, 300);
  const int64_t device_learns = stage_.dice.between(0, 300);
  if (!server_closed_) close_code_ = 1006;
  server_closed_ = true;
  later(server_learns, [this] {
    feed();
    if (writing_) {
      writing_.reset();
      if (session_) session_->written(false);
    }
    end_session();
  });
  later(device_learns, [this] {
    stalled_until_ms_ = 0;
    while (device_here_ && !to_device_.empty()) deliver();
    end_device(close_code_);
  });
}

void Wire::lose_server() {
  to_server_.clear();
  if (!server_closed_) close_code_ = 1006;
  server_closed_ = true;
  if (writing_) {
    writing_.reset();
    if (session_) session_->written(false);
  }
  end_session();
  // What was already on its way arrives, or not.
  const std::size_t kept = stage_.dice.below(to_device_.size() + 1);
  while (to_device_.size() > kept) {
    bytes_ -= to_device_.back().size();
    to_device_.pop_back();
  }
  later(stage_.dice.between(0, 300), [this] {
    stalled_until_ms_ = 0;
    while (device_here_ && !to_device_.empty()) deliver();
    end_device(close_code_);
  });
}

// The reading coroutine of a connection ends: the session is let finish, and goes.
void Wire::end_session() {
  input_over_ = true;
  if (!session_ || finishing_) return;
  finishing_ = true;
  stage_.ledger.closed(id_);
  auto finish = [](Wire* wire, std::shared_ptr<bool> alive) -> runtime::Task<> {
    co_await wire->session_->finish();
    if (*alive) wire->session_.reset();
  };
  runtime::spawn(site_.shard(shard_).executor(), "wire", finish(this, alive_));
}

}  // namespace amicale::simulation
