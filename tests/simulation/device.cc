// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/device.h"

#include <algorithm>

namespace amicale::simulation {

using client::SessionCore;

std::vector<v1::ClientFrame> Outbox::load() {
  std::vector<v1::ClientFrame> all;
  for (const auto& [id, command] : kept_) all.push_back(command);
  return all;
}

void Outbox::put(const std::string& client_msg_id, const v1::ClientFrame& command) {
  kept_.emplace_back(client_msg_id, command);
}

void Outbox::remove(const std::string& client_msg_id) {
  std::erase_if(kept_, [&](const auto& one) { return one.first == client_msg_id; });
}

Device::Device(Stage& stage, unsigned number, Account& account, std::string token, Dial dial)
    : stage_(stage),
      number_(number),
      account_(account),
      token_(std::move(token)),
      dial_(std::move(dial)),
      dice_(stage.dice.fork()) {}

void Device::start(bool resume) {
  stage_.say("device {} of account {} starts{}", number_, account_.id,
             resume ? "" : ", knowing nothing");
  if (wire_) wire_->hang_up();
  wire_ = nullptr;
  ++life_;
  tick_planned_ms_.reset();
  client::Settings settings;
  settings.client_name = "simulation";
  settings.token = token_;
  settings.signals = dice_.chance(50);
  settings.seed = dice_.next();
  settings.lane_window = 1 + dice_.below(3);
  settings.first_wait = client::Milliseconds{50};
  settings.longest_wait = client::Milliseconds{2'000};
  settings.new_message_id = [this] { return dice_.bytes(16); };
  settings.outbox_store = &outbox_;
  settings.audit_store = &pins_;
  settings.unix_ms_at_start = stage_.clock.now_ms();
  core_ = std::make_unique<SessionCore>(std::move(settings), now());
  model_ = {};
  refused_.clear();
  told_ = {account_.id, {}, {}};
  if (!resume) saved_.clear();
  for (const Stream stream : wanted) {
    const auto saved = saved_.find(stream);
    if (saved == saved_.end()) {
      core_->follow(stream, std::nullopt, now());
    } else {
      told_.cursors[stream] = saved->second.seq;
      core_->follow(stream, saved->second, now());
    }
  }
  core_->connect(now());
  carry_out();
}

void Device::follow(Stream stream) {
  wanted.insert(stream);
  refused_.erase(stream);
  core_->follow(stream, std::nullopt, now());
  carry_out();
}

void Device::unfollow(Stream stream) {
  wanted.erase(stream);
  saved_.erase(stream);
  told_.cursors.erase(stream);
  told_.snapshots.erase(stream);
  core_->unfollow(stream, now());
  carry_out();
}

void Device::go_back(Stream stream, uint64_t back) {
  const auto saved = saved_.find(stream);
  if (saved == saved_.end()) return;
  saved->second.seq -= std::min(saved->second.seq, back);
}

void Device::call(v1::ClientFrame request) {
  core_->call(++last_call_, std::move(request), now());
  carry_out();
}

void Device::repeat_something() {
  if (done_.empty()) return;
  stage_.say("device {} repeats a command", number_);
  call(dice_.pick(done_));
}

// --- The connection

void Device::connected(std::shared_ptr<Wire> wire) {
  wire_ = std::move(wire);
  core_->connected(now());
  carry_out();
}

void Device::unreachable() {
  core_->disconnected({0, {client::Failure::Kind::Network, {}, 0, "unreachable"}, false}, now());
  carry_out();
}

Wire::Device Device::ears() {
  // A wire of an earlier life, or one that was given up, is not listened to.
  const uint64_t dial = ++dials_;
  return {[this, dial](std::string_view frame) {
            if (dial != dials_ || !wire_) return;
            core_->received(frame, now());
            carry_out();
          },
          [this, dial](uint32_t close_code) {
            if (dial != dials_ || !wire_) return;
            wire_ = nullptr;
            core_->disconnected({close_code == 1006 ? 0 : close_code,
                                 {client::Failure::Kind::ClosedByServer, {}, close_code, "cut"},
                                 false},
                                now());
            carry_out();
          }};
}

void Device::carry_out() {
  if (carrying_out_) return;  // whoever began goes on until nothing is left
  carrying_out_ = true;
  for (bool any = true; any;) {
    any = false;
    while (auto action = core_->next_action()) {
      any = true;
      if (std::holds_alternative<client::Connect>(*action)) {
        dial_(*this);
      } else if (auto* send = std::get_if<client::Send>(&*action)) {
        if (wire_) wire_->send(std::move(send->bytes));
      } else {
        ++dials_;
        if (wire_) std::exchange(wire_, nullptr)->hang_up();
      }
    }
    while (auto happening = core_->next_happening()) {
      any = true;
      hear(*happening);
    }
  }
  carrying_out_ = false;
  plan_tick();
}

void Device::plan_tick() {
  const auto deadline = core_->next_deadline();
  if (!deadline) return;
  const int64_t due =
      std::chrono::duration_cast<client::Milliseconds>(deadline->time_since_epoch()).count() + 1;
  if (tick_planned_ms_ && *tick_planned_ms_ <= due) return;
  tick_planned_ms_ = due;
  stage_.agenda.in(due - stage_.clock.steady_ms(), [this, due, life = life_] {
    if (life != life_ || tick_planned_ms_ != due) return;
    tick_planned_ms_.reset();
    core_->tick(now());
    carry_out();
  });
}

// --- What the SDK says

void Device::hear(const client::Happening& happening) {
  stage_.ledger.heard(told_, happening);
  model_.apply(happening, now());
  if (const auto* resynced = std::get_if<client::Resynced>(&happening)) {
    stage_.say("device {} has {} at {}", number_, name(resynced->stream), resynced->at.seq);
    saved_[resynced->stream] = resynced->at;
  } else if (const auto* resumed = std::get_if<client::Resumed>(&happening)) {
    stage_.say("device {} resumes {} at {}", number_, name(resumed->stream), resumed->at.seq);
  } else if (const auto* batch = std::get_if<client::Batch>(&happening)) {
    stage_.say("device {} has {} events of {} through {}", number_, batch->events.size(),
               name(batch->stream), batch->through.seq);
    if (dice_.chance(80)) saved_[batch->stream] = batch->through;
  } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
    stage_.say("device {}: {} has ended", number_, name(ended->stream));
    saved_.erase(ended->stream);
    refused_.insert(ended->stream);
  } else if (const auto* refused = std::get_if<client::FollowRefused>(&happening)) {
    stage_.say("device {} may not follow {}", number_, name(refused->stream));
    saved_.erase(refused->stream);
    told_.cursors.erase(refused->stream);
    refused_.insert(refused->stream);
  } else if (const auto* alarm = std::get_if<client::AuditAlarm>(&happening)) {
    stage_.ledger.fail("I13", "device " + std::to_string(number_) + ": the provable log of " +
                                  name(alarm->stream) + " is " +
                                  std::string(client::word_for(alarm->fault)));
  } else if (std::holds_alternative<client::Greeted>(happening)) {
    // No token: the person types a password.
    v1::ClientFrame frame;
    frame.mutable_login()->set_login(account_.login);
    frame.mutable_login()->set_password(account_.passwords[password_ % account_.passwords.size()]);
    frame.mutable_login()->set_device_name("device " + std::to_string(number_));
    core_->call(++last_call_, std::move(frame), now());
  } else if (const auto* closed = std::get_if<client::Closed>(&happening)) {
    stage_.say("device {} is closed with {}", number_, closed->code);
    token_.clear();
    log_in_later();
  } else if (const auto* answer = std::get_if<client::Answered>(&happening)) {
    answered(*answer);
  }
}

void Device::log_in_later() {
  stage_.agenda.in(stage_.calm ? 10 : dice_.between(100, 3'000), [this, life = life_] {
    if (life == life_) start(/*resume=*/true);
  });
}

void Device::answered(const client::Answered& answer) {
  if (answer.request.has_login()) {
    if (answer.result) {
      token_ = answer.result->login().token();
    } else {
      ++password_;
      if (core_->state() != SessionCore::State::Closed) log_in_later();
    }
    return;
  }
  if (!answer.result) return;
  if (answer.request.has_logout()) {
    // The application forgets the token that it gave back.
    token_.clear();
    log_in_later();
    return;
  }
  // What may be asked again, word for word.
  switch (answer.request.body_case()) {
    case v1::ClientFrame::kPostMessage:
    case v1::ClientFrame::kEditMessage:
    case v1::ClientFrame::kDeleteMessage:
    case v1::ClientFrame::kReact:
    case v1::ClientFrame::kSetRole:
    case v1::ClientFrame::kSetMemberStatus:
    case v1::ClientFrame::kChangeRoom:
    case v1::ClientFrame::kMarkRead: done_.push_back(answer.request); break;
    default: break;
  }
}

bool Device::at_rest() const {
  if (!online() || core_->unanswered() > 0) return false;
  return std::ranges::all_of(wanted, [this](Stream stream) {
    if (refused_.contains(stream)) return true;
    const auto at = core_->position(stream);
    return at && stage_.ledger.truth.nothing_to_see(stream, account_.id, at->seq);
  });
}

std::string Device::condition() const {
  std::string text = "device " + std::to_string(number_) + " of account " +
                     std::to_string(account_.id) + ": state " +
                     std::to_string(static_cast<int>(core_->state())) + ", " +
                     std::to_string(core_->unanswered()) + " unanswered";
  for (const Stream stream : wanted) {
    const auto at = core_->position(stream);
    text += ", " + name(stream) + " " +
            (refused_.contains(stream) ? "refused"
             : at                      ? std::to_string(at->seq)
                                       : "-") +
            "/" + std::to_string(stage_.ledger.truth.head(stream));
  }
  return text;
}

}  // namespace amicale::simulation
