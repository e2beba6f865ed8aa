// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <google/protobuf/arena.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/token_bucket.h"
#include "server/hub/hub.h"
#include "server/runtime/writing.h"
#include "server/session/outgoing.h"
#include "server/session/place.h"
#include "server/session/subscription.h"

namespace amicale::session {

// What a session needs of the socket under it. `write` makes one gathering write: done or failed at once, or under way and
// answered by Session::written. `close` ends the connection with a WebSocket close code. Neither is called from within the other.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual runtime::Writing write(Outgoing& message) = 0;
  virtual void close(v1::CloseCode code) = 0;
  // Room for input again, after accepts_input() was false.
  virtual void resume_input() = 0;
  // The peer proved who it is.
  virtual void authenticated() = 0;
};

// One connection's conversation, without its socket: frames in, one message at a time out. Lives on one shard, as a local of
// the coroutine that reads the socket. On failure of anything here the connection ends and the client resumes elsewhere:
// nothing that matters lives in a session.
class Session final : public hub::Writer {
 public:
  struct Peer {
    uint64_t connection_id;
    std::string address;  // what throttles count by
  };

  Session(Place& place, Transport& transport, Peer peer);
  ~Session() override;

  // One binary message from the client.
  void receive(std::string_view frame);
  // False while too many requests are under way: leave the rest in the socket.
  bool accepts_input() const;
  // The reader waits for Transport::resume_input.
  void input_stopped() { input_stopped_ = true; }
  // The write that Transport::write left under way has ended.
  void written(bool ok);
  // Once a second: deadlines.
  void tick();
  // Says goodbye and closes, once what is under way has been answered.
  void end(v1::CloseCode code, uint32_t reconnect_after_ms);
  // Closes at once.
  void cut();
  // Closes, to make room for others, when nobody proved anything here yet nor is about to.
  void yield_place();
  // The connection is gone: comes back when no request is under way any more. Call before destruction.
  runtime::Task<> finish();

  uint64_t connection_id() const { return peer_.connection_id; }

 private:
  // A request and the arena that it was parsed into, which starts in place: a post fits.
  struct Request {
    Request() : arena(first, sizeof first) {}
    char first[768];
    google::protobuf::Arena arena;
    v1::ClientFrame* frame = nullptr;
  };

  void flush() override;
  bool gather();
  bool has_news() const;
  void gather_signals(std::size_t budget);
  void gather_audit_heads();
  void watch_account();
  void add_reply(const v1::Reply& reply, std::string_view rest = {});
  void refuse_request(uint32_t request_id, const domain::Refusal& refusal);

  void commit(std::shared_ptr<Request> request, const Route& route);
  void finish_request(const v1::ClientFrame& frame, const v1::Reply& reply,
                      std::string_view rest = {});
  runtime::Task<> handle(std::shared_ptr<Request> request);
  runtime::Task<domain::Result<void>> handle_here(const v1::ClientFrame& frame, v1::Reply& reply);
  domain::Result<void> hello(const v1::Hello& request, v1::HelloReply& reply);
  runtime::Task<domain::Result<void>> authenticate(const v1::Authenticate& request,
                                                   v1::AuthenticateReply& reply);
  runtime::Task<domain::Result<void>> subscribe(const v1::Subscribe& request, v1::Reply& reply);
  domain::Result<void> unsubscribe(const v1::Unsubscribe& request);
  domain::Result<void> heartbeat(const v1::Heartbeat& request, v1::HeartbeatReply& reply);
  domain::Result<void> typing(const v1::SetTyping& request);

  runtime::Task<> fetch_page(storage::PartitionId id);
  Subscription* find(storage::PartitionId id);
  void drop(storage::PartitionId id);
  v1::ClubRole current_role(storage::PartitionId id, const storage::View& view) const;

  Place& place_;
  Transport& transport_;
  const Peer peer_;
  commands::Caller caller_;
  runtime::TaskGroup tasks_;
  domain::TokenBucket tokens_;
  uint32_t strikes_ = 0;
  uint32_t in_flight_ = 0;
  bool greeted_ = false;
  bool wants_signals_ = false;
  bool wants_audit_ = false;
  bool input_stopped_ = false;
  int64_t started_ms_;
  int64_t heard_ms_;

  std::vector<std::unique_ptr<Subscription>> subscriptions_;
  std::size_t next_served_ = 0;       // whose turn it is when a message is full
  hub::Followed* account_ = nullptr;  // one's own account: revocation and changes of role
  uint64_t account_seen_ = 0;
  bool account_counted_ = false;

  std::string replies_;                // serialised, ready to be sent
  std::unique_ptr<Outgoing> writing_;  // the message being written
  int64_t write_started_ms_ = 0;
  domain::TokenBucket signal_bytes_;

  uint64_t last_serial_ = 0;  // of subscriptions
  v1::CloseCode ending_ = v1::CLOSE_CODE_UNSPECIFIED;
  uint32_t reconnect_after_ms_ = 0;
  bool said_goodbye_ = false;
  bool gone_ = false;
};

}  // namespace amicale::session
