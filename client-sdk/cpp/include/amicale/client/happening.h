// SPDX-License-Identifier: Apache-2.0
//
// Everything that a client tells its application, in the order in which it became true. Feeding
// each of these to a Model is all that a user interface needs to do to show the present state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "amicale/client/audit.h"
#include "amicale/client/failure.h"
#include "amicale/client/stream.h"
#include "amicale/v1/frame.pb.h"

namespace amicale::client {

using Time = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// Names one call for as long as the client lives; from 1.
using CallId = std::uint64_t;

// --- The connection ------------------------------------------------------------------------------

struct Connecting {
  std::uint32_t attempt = 1;  // since the connection was last good
};

// The server answered Hello, and there is no token: only Login, Register, LookUpInvitation and AppealSiteBan
// may be called.
struct Greeted {
  v1::HelloReply hello;
};

// Authenticated. Followed streams resume, and what waited is sent.
struct Online {
  v1::HelloReply hello;
  v1::AuthenticateReply me;
  bool again = false;  // this client was online before
};

// Not connected; the next attempt is at `until`.
struct Waiting {
  Time until;
  Failure why;
};

// Not connected, and no attempt will be made until connect() or login().
struct Closed {
  std::uint32_t code = 0;  // close code, 0 = none
  Failure why;
};

// --- Followed streams ----------------------------------------------------------------------------

// The state of a stream at `at.seq`. Replaces all that was known of it. Comes first when a stream
// is followed without a cursor, and again when the server could not honour the cursor: `gap` then
// says why.
struct Resynced {
  Stream stream;
  Position at;
  v1::Snapshot snapshot;
  std::optional<v1::GapReason> gap;
};

// The state of a club at `seq`, told anew because a room opened to this account, or its role changed:
// events do not tell what such a room held before. The cursor stays where it was, and Batches go on
// from there, each event once: those up to `seq` are in this state already.
struct Renewed {
  Stream stream;
  std::uint64_t seq = 0;
  v1::Snapshot snapshot;
  std::set<std::uint64_t>
      held;  // rooms of which nothing was missed: what is known of them stays right
};

// The server honours the cursor: Batches bring the stream up to `replay_to` (at.seq = nothing was
// missed), then live.
struct Resumed {
  Stream stream;
  Position at;
  std::uint64_t replay_to = 0;
};

// A run of a stream, without holes: each event exactly once, in order. Seqs up to `through.seq`
// that are not in `events` are not for this account. Save `through` once the events are safe, and a
// restart resumes there.
struct Batch {
  Stream stream;
  Position through;
  std::vector<v1::Event> events;
};

// This account may not follow the stream any more (it left, was removed, lost a role). Nothing of
// it follows.
struct Ended {
  Stream stream;
};

// The server refused to be followed here. It is not tried again.
struct FollowRefused {
  Stream stream;
  v1::Refusal refusal;
};

// Typing or presence.
struct Signalled {
  v1::Signal signal;
};

// AuditChecked and AuditAlarm (audit.h) come for each followed stream as its provable log grows.

// --- Calls ---------------------------------------------------------------------------------------

// A message was given to post() or call() (or found in the outbox store) and awaits its answer: the
// local echo.
struct Posting {
  CallId call = 0;
  v1::PostMessage request;   // with client_msg_id
  std::uint64_t author = 0;  // 0 = not known before the first login
  std::int64_t time_ms = 0;  // Unix milliseconds, the server's clock where known
};

// The one answer to a call. `request` has no request_id.
struct Answered {
  CallId call = 0;
  v1::ClientFrame request;
  Result<v1::Reply> result;
};

using Happening =
    std::variant<Connecting, Greeted, Online, Waiting, Closed, Resynced, Renewed, Resumed, Batch,
                 Ended, FollowRefused, Signalled, Posting, Answered, AuditChecked, AuditAlarm>;

}  // namespace amicale::client
