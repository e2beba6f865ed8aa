// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The referee of a world. It hears what the disk holds, every frame that the server puts on a wire and every word that a
// client's SDK says, keeps its own books, and says so when a promise is broken:
//   I1  what was acknowledged or shown is there for ever         I7  nothing reaches who may not see it
//   I4  a command takes effect once                              I8  a revoked device is cut, and nothing it asks is done
//   I5  each reader gets each event once, without a gap          I11 deleted words are on no way out
//   I6  one order and one content for all; one reads one's writes
//   I12 who is sanctioned causes nothing that others see, from the sanction's seq to its end
//   I14 rows are what the logs make of them                      I24 time in a log never goes back
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "amicale/client/happening.h"
#include "amicale/client/model.h"
#include "amicale/v1/frame.pb.h"
#include "server/runtime/clock.h"
#include "tests/simulation/truth.h"

namespace amicale::simulation {

struct Violation {
  std::string promise;  // "I5"
  std::string what;
};

class Ledger {
 public:
  explicit Ledger(const runtime::Clock& clock) : clock_(clock) {}

  const std::optional<Violation>& violation() const { return violation_; }
  void fail(const std::string& promise, std::string what);
  // Only this promise is watched: for a build that is broken on purpose.
  void watch_only(std::string promise) { only_ = std::move(promise); }
  // A later run of the same checks may find the rest of the truth gone: nothing is checked until `reopened`.
  Truth truth;
  uint64_t checks = 0;  // how many things were compared, for the report

  // --- The disk
  // Commits of these streams became durable.
  void wrote(const storage::View& view, const std::set<Stream>& streams);
  // The server starts again on what the disk kept.
  void reopened(const storage::View& view);

  // --- The wire, seen from the server
  void opened(uint64_t connection) { connections_[connection]; }
  void closed(uint64_t connection) { connections_.erase(connection); }
  void received(uint64_t connection, const v1::ClientFrame& frame);
  void sent(uint64_t connection, const v1::ServerFrame& frame);
  // Once a virtual second: who should be gone by now.
  void look(int64_t patience_ms);

  // --- A client's SDK
  // What one device of an account was told, since it was last started.
  struct Told {
    uint64_t account = 0;
    std::map<Stream, uint64_t> cursors;
    std::map<Stream, uint64_t> snapshots;  // the seq of the last one
  };
  void heard(Told& told, const client::Happening& happening);
  // Nothing is under way any more: what a device shows is what is.
  void compare(const Told& told, const client::Model& model);

 private:
  struct Asked {
    v1::ClientFrame frame;
    bool revoked = false;                 // the revocation was acknowledged before this arrived
    std::map<Stream, uint64_t> promised;  // what was acknowledged to anyone before it
    uint64_t head = 0;                    // of the club that it concerns
  };
  struct Followed {
    uint64_t since = 0;  // where the subscription began
    uint64_t told = 0;
    uint64_t head = 0;  // of the log when the subscription began
  };
  struct Connection {
    uint64_t account = 0;
    uint64_t token = 0;
    std::map<uint32_t, Asked> asked;
    std::map<Stream, Followed> followed;
  };
  using Command = std::tuple<Stream, uint64_t, std::string>;  // stream, account, client_msg_id

  void read(const storage::View& view, Stream stream);
  void check_entry(Stream stream, const Entry& entry);
  void check_held(Stream stream, const v1::Event& event);
  void check_deleted(const storage::View& view, Stream stream, const v1::Event& deletion);
  void check_reply(Connection& connection, const v1::Reply& reply);
  void check_committed(const Connection& connection, const Asked& asked,
                       const v1::Committed& committed);
  void check_subscribed(Connection& connection, const Asked& asked,
                        const v1::SubscribeReply& reply);
  void check_snapshot(const Connection& connection, Stream stream, const v1::Snapshot& snapshot);
  void check_history(const Connection& connection, const Asked& asked,
                     const v1::GetHistoryReply& reply);
  void check_batch(Connection& connection, const v1::StreamBatch& batch);
  // Whether `events` are what an account is to get of (after, through].
  template <class Events>
  void check_run(const std::string& who, uint64_t account, Stream stream, uint64_t after,
                 uint64_t through, const Events& events);
  void promise(Stream stream, uint64_t seq);
  bool is_revoked(uint64_t account, uint64_t token) const;

  const runtime::Clock& clock_;
  std::optional<Violation> violation_;
  std::string only_;
  std::map<uint64_t, Connection> connections_;
  std::map<Stream, uint64_t> promised_;  // the highest seq that anybody was told of
  std::map<Command, v1::Committed> answers_;
  std::map<Command, uint64_t> effects_;  // the seq of the message that a command posted
  // Revoked devices whose revocation was acknowledged, and when.
  std::map<std::pair<uint64_t, uint64_t>, int64_t> revoked_ms_;
};

std::string name(Stream stream);

}  // namespace amicale::simulation
