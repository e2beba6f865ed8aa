// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "bench/load/driver.h"

namespace amicale::load {

// One blocking connection on which a site is made ready for a run. Every refusal but "too fast" or "too much" ends the
// program: a site that is half ready measures nothing.
class Conversation {
 public:
  // Connects and says Hello; with a token also Authenticate.
  Conversation(const Target& target, const std::string& token);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  v1::Reply call(v1::ClientFrame frame);
  // Sends all, `at_once` under way at a time; the answers in the order of the requests.
  std::vector<v1::Reply> call_all(std::vector<v1::ClientFrame> frames, size_t at_once);

 private:
  void send(const v1::ClientFrame& frame);
  v1::ServerFrame receive();
  std::string_view more();

  int fd_;
  uint32_t next_id_ = 1;
  std::string buffer_;
};

// 16 bytes, different each time.
std::string fresh_message_id();

}  // namespace amicale::load
