// SPDX-License-Identifier: Apache-2.0
//
// Why a call, or a connection, did not do what was asked. Nothing in this SDK throws because of the
// server or the network.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "amicale/v1/error.pb.h"

namespace amicale::client {

struct Failure {
  enum class Kind {
    Refused,        // the server said no; `refusal` says why, and changed nothing
    Disconnected,   // the connection was lost before the answer, and repeating was not safe
    TimedOut,       // no answer within Settings::query_timeout
    Full,           // too many unanswered calls, or too many bytes in the outbox: nothing was sent
    TooLarge,       // larger than the server's Limits.frame_bytes: nothing was sent
    Cancelled,      // by cancel(), or the client was closed first
    Network,        // name resolution, TCP, TLS or WebSocket failed; `message` is the system's text
    Certificate,    // the server's certificate is not trusted or is another host's; not retried
    BadFrame,       // the server sent what protocol v1 does not allow: a defect of its own
    ClosedByServer  // the server closed the connection; `close_code` says why
  };

  Kind kind = Kind::Disconnected;
  v1::Refusal refusal;           // kind Refused
  std::uint32_t close_code = 0;  // kind ClosedByServer: a v1::CloseCode or an RFC 6455 code
  std::string message;           // one sentence for a person; for Refused, in the member's language

  bool refused_with(v1::RefusalCode code) const {
    return kind == Kind::Refused && refusal.code() == code;
  }
};

template <class T>
using Result = std::expected<T, Failure>;

}  // namespace amicale::client
