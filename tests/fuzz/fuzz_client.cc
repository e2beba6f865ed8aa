// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The C++ SDK fed by a server that means harm: any ServerFrames at any time, cuts, silence, and an application that calls and
// follows meanwhile. Input: steps of one byte for what happens, two for a length, and so many bytes. Whatever comes, what is told to
// the application keeps the promise of the cursor: events of a stream rise, each once, and nothing lies beyond its batch.
#include <google/protobuf/stubs/logging.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/client/model.h"
#include "amicale/client/session_core.h"
#include "tests/fuzz/protobuf_mutator.h"

namespace {
using namespace amicale;
using client::Time;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

struct Step {
  std::uint8_t what = 0;
  std::string bytes;
};

std::vector<Step> steps_of(const std::uint8_t* data, std::size_t size) {
  std::vector<Step> steps;
  for (std::size_t at = 0; at + 3 <= size && steps.size() < 200;) {
    const std::size_t length =
        std::min<std::size_t>(data[at + 1] | data[at + 2] << 8, size - at - 3);
    steps.push_back({data[at], std::string(reinterpret_cast<const char*>(data + at + 3), length)});
    at += 3 + length;
  }
  return steps;
}

std::string bytes_of(const std::vector<Step>& steps) {
  std::string bytes;
  for (const auto& step : steps) {
    bytes += static_cast<char>(step.what);
    bytes += static_cast<char>(step.bytes.size());
    bytes += static_cast<char>(step.bytes.size() >> 8);
    bytes += step.bytes;
  }
  return bytes;
}

// The steps' numbers; those from kReceived on are messages, so that most are.
enum : std::uint8_t {
  kCut,
  kWait,
  kCall,
  kFollow,
  kUnfollow,
  kClose,
  kConnect,
  kGreeted,
  kReceived,
  kSteps = 24
};

class Application {
 public:
  Application() : core_(settings(), Time{}) {}

  void take(const Step& step) {
    switch (step.what % kSteps) {
      case kCut: core_.disconnected({number(step) % 5000, {}, number(step) % 7 == 0}, now_); break;
      case kWait:
        now_ += client::Milliseconds(1 + number(step) % 100'000);
        core_.tick(now_);
        break;
      case kCall: {
        v1::ClientFrame frame;
        if (frame.ParsePartialFromString(step.bytes)) core_.call(++calls_, std::move(frame), now_);
        break;
      }
      case kFollow: follow(step); break;
      case kUnfollow:
        core_.unfollow(stream(step), now_);
        seen_.erase(stream(step));
        break;
      case kClose: core_.close(now_); break;
      case kConnect: core_.connect(now_); break;
      case kGreeted: greet(); break;
      default: core_.received(step.bytes, now_); break;
    }
    drain();
  }

 private:
  static client::Settings settings() {
    client::Settings settings;
    settings.token = std::string(32, 't');
    return settings;
  }
  static std::uint32_t number(const Step& step) {
    std::uint32_t value = 0;
    std::memcpy(&value, step.bytes.data(), std::min(sizeof value, step.bytes.size()));
    return value;
  }
  static client::Stream stream(const Step& step) {
    return {static_cast<v1::StreamKind>(number(step) % 5), number(step) / 5 % 4};
  }
  void follow(const Step& step) {
    const auto position = client::Position{.epoch = 1, .seq = number(step) % 3};
    const bool from = number(step) % 2 == 0;
    core_.follow(stream(step), from ? std::optional(position) : std::nullopt, now_);
  }
  // What an honest server says first, so that the rest is reached.
  void greet() {
    v1::ServerFrame frame;
    auto& hello = *frame.add_replies();
    hello.set_request_id(1);
    hello.mutable_hello()->set_protocol(1);
    hello.mutable_hello()->set_epoch(1);
    core_.received(frame.SerializeAsString(), now_);
    drain();
    frame.Clear();
    auto& me = *frame.add_replies();
    me.set_request_id(2);
    me.mutable_authenticate()->set_account_id(1);
    core_.received(frame.SerializeAsString(), now_);
  }
  void drain() {
    for (int most = 0; auto action = core_.next_action();) {
      check(++most < 10'000, "what is to be done ends");
      if (std::holds_alternative<client::Connect>(*action)) core_.connected(now_);
      if (const auto* send = std::get_if<client::Send>(&*action)) {
        v1::ClientFrame frame;
        check(frame.ParseFromString(send->bytes) && frame.request_id() != 0,
              "what is sent is a ClientFrame");
      }
    }
    for (int most = 0; auto happening = core_.next_happening();) {
      check(++most < 10'000, "what has happened ends");
      if (const auto* batch = std::get_if<client::Batch>(&*happening)) told(*batch);
      if (const auto* anew = std::get_if<client::Resynced>(&*happening))
        seen_[anew->stream] = anew->at.seq;
      if (const auto* resumed = std::get_if<client::Resumed>(&*happening))
        seen_[resumed->stream] = resumed->at.seq;
      model_.apply(*happening, now_);
    }
    for (const auto& [id, club] : model_.clubs()) {
      for (const auto& [room, state] : club.rooms) (void)state.timeline.last_rows(50);
    }
  }
  void told(const client::Batch& batch) {
    auto& last = seen_[batch.stream];
    for (const auto& event : batch.events) {
      check(event.seq() > last, "an event is told once, in order");
      last = event.seq();
    }
    check(batch.through.seq >= last, "a batch reaches its events");
    last = batch.through.seq;
  }

  Time now_{};
  client::SessionCore core_;
  client::Model model_;
  client::CallId calls_ = 0;
  std::map<client::Stream, std::uint64_t> seen_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max, unsigned seed) {
  fuzz::Random random(seed);
  auto steps = steps_of(data, size);
  if (steps.empty()) steps = {{kConnect, ""}, {kGreeted, ""}};
  if (random() % 20 == 0) return LLVMFuzzerMutate(data, size, max);
  if (random() % 4 == 0) {
    steps.insert(steps.begin() + static_cast<std::ptrdiff_t>(random() % (steps.size() + 1)),
                 {static_cast<std::uint8_t>(random() % kSteps),
                  std::string(4, static_cast<char>(random()))});
  }
  Step& step = steps[random() % steps.size()];
  if (step.what % kSteps >= kReceived) {
    v1::ServerFrame frame;
    if (!frame.ParsePartialFromString(step.bytes)) frame.Clear();
    for (auto times = 1 + random() % 4; times > 0; --times) fuzz::mutate(frame, random);
    step.bytes = frame.SerializePartialAsString();
  } else if (step.what % kSteps == kCall) {
    v1::ClientFrame frame;
    if (!frame.ParsePartialFromString(step.bytes)) frame.Clear();
    fuzz::mutate(frame, random);
    step.bytes = frame.SerializePartialAsString();
  } else {
    step.bytes = std::string(4, static_cast<char>(random()));
  }
  if (step.bytes.size() > 0xffff) step.bytes.resize(0xffff);
  const auto bytes = bytes_of(steps);
  if (bytes.size() > max) return size;
  std::copy(bytes.begin(), bytes.end(), data);
  return bytes.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Application application;
  for (const auto& step : steps_of(data, size)) application.take(step);
  return 0;
}
