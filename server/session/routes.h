// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The route table: the one list of what the server answers to. A request without a row here is refused UNSUPPORTED, and a test
// compares the rows with frame.proto, so that none is forgotten.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "amicale/v1/frame.pb.h"
#include "server/commands/gate.h"
#include "server/domain/permissions.h"
#include "server/queries/queries.h"
#include "server/runtime/blocking.h"

namespace amicale::session {

enum class Kind {
  session,  // about the connection itself: Session answers it
  command,  // decides events
  query,    // reads rows
  signal,   // typing, presence: never stored
};

// Who may send it at all; what they may do with it is the permission table's.
enum class Entry {
  anyone,  // before Authenticate too
  account,
};

// What routes reach the world through. Constant, shared by all shards.
struct Parts {
  commands::Gate& gate;
  runtime::Blocking& blocking;
  std::string backup_folder;  // empty: no online backup
  std::string site_name;
  const storage::SigningKey& audit_key;
  std::function<runtime::Task<v1::GetStatsReply>()> stats;
};

using Handler = runtime::Task<domain::Result<void>> (*)(const Parts& parts, commands::Caller caller,
                                                        const v1::ClientFrame& frame,
                                                        v1::Reply& reply);

// For a command that is one commit and is answered by it: what Session submits without a coroutine, and where the answer goes.
struct OneCommit {
  domain::Result<commands::Prepared> (*prepare)(const commands::Gate& gate,
                                                const commands::Caller& caller,
                                                const v1::ClientFrame& frame) = nullptr;
  v1::Committed* (*place)(v1::Reply& reply) = nullptr;
};

// A query that is short when what it reads is in memory: tried at once, and on a blocking thread when it is not. Answers a field
// of Reply, serialised.
using Page = domain::Result<std::string> (*)(const storage::View& view,
                                             const commands::Caller& caller,
                                             const v1::ClientFrame& frame);

// What signs the heads of the provable log.
inline queries::AuditSigner audit_signer(const Parts& parts) {
  return {parts.audit_key, parts.gate.database.epoch()};
}

struct Route {
  v1::ClientFrame::BodyCase body;
  Kind kind;
  Entry entry;
  uint32_t cost;  // of the connection's tokens
  std::optional<domain::Action>
      action;       // its row in the permission table; none = decided by a secret or by the session
  Handler handler;  // null for kinds that Session answers
  OneCommit one_commit = {};
  Page page = nullptr;  // in place of a handler
};

std::span<const Route> routes();

// Null when the server does not know the request.
const Route* find_route(v1::ClientFrame::BodyCase body);

// Its name as in frame.proto, for logs.
std::string_view request_name(v1::ClientFrame::BodyCase body);

// INTERNAL for a request that met an exception, with the incident that the log has its words under.
void refuse_as_incident(v1::Reply& reply, uint64_t connection, v1::Language language,
                        const v1::ClientFrame& frame, const std::exception& error);

// A Reply, and more fields of it that are serialised already.
struct Answered {
  v1::Reply reply;
  std::string rest;

  v1::Reply whole() &&;
};

// Answers a command or a query; whatever goes wrong is in the reply. `request_id` is copied.
runtime::Task<Answered> answer(const Parts& parts, commands::Caller caller,
                               const v1::ClientFrame& frame);

// Whether a refusal may be by a sanction whose time is over, of which no event has said so.
bool may_be_over(const domain::Refusal& refusal);

// Whether what refused a request was a sanction whose time is over: it has then been said so in its club, and the request
// is to be answered anew. Ends are in force by the clock; nothing waits for a timer.
runtime::Task<bool> is_over(const Parts& parts, uint64_t account, domain::Refusal refusal);

// Adds to a refusal that was judged on rows which sanction stands behind it.
void explain_hold(const Parts& parts, uint64_t account, domain::Refusal& refusal);

// Adds to a refusal that keeps order in a club the rule of its charter. Reads a row or two.
void quote_charter(const Parts& parts, const v1::ClientFrame& frame, domain::Refusal& refusal);

// The caller behind a device token, or UNAUTHENTICATED. `address` is kept for throttles.
domain::Result<commands::Caller> authenticate(const storage::View& view, std::string_view token,
                                              std::string address);

// Puts a refusal in a reply, in the caller's language, and counts nothing.
void refuse(v1::Reply& reply, const domain::Refusal& refusal, v1::Language language);

}  // namespace amicale::session
