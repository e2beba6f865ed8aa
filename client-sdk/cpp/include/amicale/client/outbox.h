// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "amicale/v1/frame.pb.h"

namespace amicale::client {

// Keeps unanswered commands across restarts of the application. Without one they live in memory
// only. Called on the client's thread, one call at a time; keep it quick. The client_msg_id inside
// each command makes a second sending harmless.
class OutboxStore {
 public:
  virtual ~OutboxStore() = default;

  // What was put and not removed, in the order of put.
  virtual std::vector<v1::ClientFrame> load() = 0;
  // A command was accepted into the outbox.
  virtual void put(const std::string& client_msg_id, const v1::ClientFrame& command) = 0;
  // It was answered (or cancelled, or refused): forget it. Unknown ids are allowed.
  virtual void remove(const std::string& client_msg_id) = 0;
};

}  // namespace amicale::client
