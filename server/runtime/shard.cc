// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/runtime/shard.h"

#include <pthread.h>

#include <string>

namespace amicale::runtime {

void Shard::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(index_)).c_str());
    context_.run();
  });
}

void Shard::stop() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace amicale::runtime
