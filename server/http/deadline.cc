// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/deadline.h"

namespace amicale::http {

Deadline::Deadline(runtime::Socket& socket) : state_(std::make_shared<State>(socket)) {}

Deadline::~Deadline() {
  state_->socket = nullptr;
  clear();
}

void Deadline::set(std::chrono::milliseconds time) {
  const auto set = ++state_->set;
  state_->timer.expires_after(time);
  state_->timer.async_wait([state = state_, set](boost::system::error_code error) {
    if (error || state->socket == nullptr || state->set != set) return;
    boost::system::error_code ignored;
    state->socket->close(ignored);
  });
}

void Deadline::clear() {
  ++state_->set;
  state_->timer.cancel();
}

void Deadline::close() {
  boost::system::error_code ignored;
  state_->socket->close(ignored);
}

}  // namespace amicale::http
