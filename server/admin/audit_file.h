// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Exports and proofs of the provable log as files: a v1.AuditLine in each line, in protobuf's JSON form. One line has one way to be
// written, so that no byte of a file can change unseen.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <string_view>

#include "amicale/client/audit.h"

namespace amicale::admin {

inline constexpr std::size_t kAuditLineBytes = 1024 * 1024;  // one event and its proof, in base64

// Without a line end.
std::string to_audit_line(const v1::AuditLine& line);
// Nothing when the text is not exactly what to_audit_line writes.
std::optional<v1::AuditLine> from_audit_line(std::string_view text);

struct AuditFinding {
  std::uint64_t line = 0;  // from 1; one past the last when the whole does not fit together
  client::AuditFault fault{};
};
// Reads a whole file into `file`. Nothing when all is good. `told` gets the bytes read so far.
std::optional<AuditFinding> read_audit(std::istream& in, client::AuditFile& file,
                                       const std::function<void(std::uint64_t)>& told);
// The head that a file is about, unchecked; nothing when it has none.
std::optional<v1::AuditHead> audit_head_of(std::istream& in);

}  // namespace amicale::admin
