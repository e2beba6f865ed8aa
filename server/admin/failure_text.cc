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

const Phrase& phrase_for(client::AuditFault fault) {
  switch (fault) {
    case client::AuditFault::BadSignature: return phrase::audit_bad_signature;
    case client::AuditFault::UnknownKey: return phrase::audit_unknown_key;
    case client::AuditFault::Fork: return phrase::audit_fork;
    case client::AuditFault::Truncated: return phrase::audit_truncated;
    case client::AuditFault::Rewritten: return phrase::audit_rewritten;
    case client::AuditFault::Restored: return phrase::audit_restored;
    case client::AuditFault::Withheld: return phrase::audit_withheld;
    case client::AuditFault::BadRecord: return phrase::audit_bad_record;
    case client::AuditFault::BadOpening: return phrase::audit_bad_opening;
  }
  return phrase::audit_bad_record;
}

}  // namespace amicale::admin
