// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/connection.h"

#include "server/admin/version.h"

namespace amicale::admin {

Connection::Connection(const Target& target) : authenticates_(!target.token.empty()) {
  client::Options options;
  options.url = target.url;
  options.token = target.token;
  options.ca_file = target.ca_file;
  options.verify_certificate = target.verify_certificate;
  options.client_name = std::string("amicale/") + kVersion;
  options.language = target.language;
  options.follow_account = false;
  options.signals = false;
  options.reconnect = target.reconnect;
  options.lane_window = target.lane_window;
  options.on_happening = [this](const client::Happening& happening) { on(happening); };
  client_ = std::make_unique<client::Client>(std::move(options));
}

std::optional<client::Failure> Connection::open() {
  client_->connect();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_ || failure_; });
  return ready_ ? std::nullopt : failure_;
}

void Connection::on(const client::Happening& happening) {
  std::lock_guard lock(mutex_);
  if (const auto* greeted = std::get_if<client::Greeted>(&happening)) {
    hello_ = greeted->hello;
    ready_ = ready_ || !authenticates_;
  } else if (const auto* online = std::get_if<client::Online>(&happening)) {
    hello_ = online->hello;
    me_ = online->me;
    ready_ = true;
  } else if (const auto* waiting = std::get_if<client::Waiting>(&happening)) {
    if (!ready_) failure_ = waiting->why;
  } else if (const auto* closed = std::get_if<client::Closed>(&happening)) {
    failure_ = closed->why;
  } else if (const auto* resynced = std::get_if<client::Resynced>(&happening)) {
    snapshots_.insert_or_assign(resynced->stream, resynced->snapshot);
  } else if (const auto* refused = std::get_if<client::FollowRefused>(&happening)) {
    client::Failure failure;
    failure.kind = client::Failure::Kind::Refused;
    failure.refusal = refused->refusal;
    failure.message = refused->refusal.message();
    snapshots_.insert_or_assign(refused->stream, std::unexpected(std::move(failure)));
  }
  changed_.notify_all();
}

client::Result<v1::Reply> Connection::call_frame(v1::ClientFrame frame) {
  auto promise = std::make_shared<std::promise<client::Result<v1::Reply>>>();
  auto future = promise->get_future();
  client_->call(std::move(frame),
                [promise](const client::Result<v1::Reply>& result) { promise->set_value(result); });
  return future.get();
}

client::Result<v1::Snapshot> Connection::snapshot(client::Stream stream) {
  {
    std::lock_guard lock(mutex_);
    snapshots_.erase(stream);
  }
  client_->follow(stream);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return snapshots_.contains(stream) || failure_; });
  const auto found = snapshots_.find(stream);
  if (found == snapshots_.end()) return std::unexpected(*failure_);
  auto result = std::move(found->second);
  snapshots_.erase(found);
  lock.unlock();
  client_->unfollow(stream);
  return result;
}

}  // namespace amicale::admin
