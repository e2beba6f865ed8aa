// SPDX-License-Identifier: AGPL-3.0-or-later
//
// One connection to a server for a verb that asks, waits and goes: the SDK's client with blocking calls. Owned by the
// console, used from its one thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "amicale/client/client.h"

namespace amicale::admin {

class Connection {
 public:
  struct Target {
    std::string url;
    std::string
        token;  // empty: only Login, Register, LookUpInvitation and AppealSiteBan may be called
    std::string ca_file;
    bool verify_certificate = true;
    v1::Language language = v1::LANGUAGE_UNSPECIFIED;
    // Long work goes on after a lost connection; a short verb fails instead.
    bool reconnect = false;
    std::size_t lane_window = 1;
  };

  explicit Connection(const Target& target);

  // Waits until the server has greeted (no token) or let us in. The failure of the first attempt is final.
  std::optional<client::Failure> open();

  template <client::Request T>
  client::Result<client::ReplyTo<T>> call(T request) {
    return client_->call(std::move(request)).get();
  }
  // Any request by its frame.
  client::Result<v1::Reply> call_frame(v1::ClientFrame frame);
  // The present state of a stream.
  client::Result<v1::Snapshot> snapshot(client::Stream stream);

  client::Client& client() { return *client_; }
  // Valid after open().
  const v1::HelloReply& hello() const { return hello_; }
  const v1::AuthenticateReply& me() const { return me_; }

 private:
  void on(const client::Happening& happening);

  bool authenticates_;
  std::mutex mutex_;  // the SDK's thread tells, the console's waits
  std::condition_variable changed_;
  bool ready_ = false;
  std::optional<client::Failure> failure_;
  v1::HelloReply hello_;
  v1::AuthenticateReply me_;
  std::map<client::Stream, client::Result<v1::Snapshot>> snapshots_;
  std::unique_ptr<client::Client> client_;  // last: its thread uses all of the above
};

}  // namespace amicale::admin
