// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/failure_text.h"

#include "server/admin/phrases.h"
#include "server/admin/terminal_text.h"

namespace amicale::admin {

std::string explain(const client::Failure& failure, v1::Language language) {
  using Kind = client::Failure::Kind;
  switch (failure.kind) {
    case Kind::Refused: {
      std::string what = printable(failure.message);
      if (what.empty()) what = v1::RefusalCode_Name(failure.refusal.code());
      if (!failure.refusal.incident().empty())
        what += " [" + printable(failure.refusal.incident()) + "]";
      return what;
    }
    case Kind::Network: return say(language, phrase::failure_network, printable(failure.message));
    case Kind::Certificate:
      return say(language, phrase::failure_certificate, printable(failure.message));
    case Kind::TimedOut: return say(language, phrase::failure_timeout);
    case Kind::ClosedByServer:
      if (failure.close_code == v1::CLOSE_CODE_REVOKED)
        return say(language, phrase::failure_revoked);
      if (failure.close_code == v1::CLOSE_CODE_GOING_AWAY)
        return say(language, phrase::failure_going_away);
      return say(language, phrase::failure_closed, failure.close_code, printable(failure.message));
    case Kind::Disconnected: return say(language, phrase::failure_disconnected);
    case Kind::TooLarge: return say(language, phrase::failure_too_large);
    case Kind::Full: return say(language, phrase::failure_full);
    case Kind::Cancelled: return say(language, phrase::failure_cancelled);
    case Kind::BadFrame: break;
  }
  return say(language, phrase::failure_bad_frame, printable(failure.message));
}

}  // namespace amicale::admin
