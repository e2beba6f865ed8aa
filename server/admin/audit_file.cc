// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/audit_file.h"

#include <google/protobuf/util/json_util.h>

namespace amicale::admin {
namespace {

// One line without its end. False: the file is over, or (`broken`) what is left is no line of ours: too long, or without an end.
bool next_line(std::istream& in, std::string& line, bool& broken) {
  line.clear();
  broken = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    if (c == '\n') return true;
    if (line.size() == kAuditLineBytes) {
      broken = true;
      return false;
    }
    line.push_back(static_cast<char>(c));
  }
  broken = !line.empty();
  return false;
}

}  // namespace

std::string to_audit_line(const v1::AuditLine& line) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(line, &text, options).ok()) return {};
  return text;
}

std::optional<v1::AuditLine> from_audit_line(std::string_view text) {
  v1::AuditLine line;
  if (text.size() > kAuditLineBytes ||
      !google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(text.data(), text.size()), &line)
           .ok() ||
      to_audit_line(line) != text) {
    return std::nullopt;
  }
  return line;
}

std::optional<AuditFinding> read_audit(std::istream& in, client::AuditFile& file,
                                       const std::function<void(std::uint64_t)>& told) {
  std::string text;
  bool broken = false;
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  while (next_line(in, text, broken)) {
    ++number;
    bytes += text.size() + 1;
    const auto line = from_audit_line(text);
    if (!line) return AuditFinding{number, client::AuditFault::BadRecord};
    if (const auto fault = file.take(*line)) return AuditFinding{number, *fault};
    if (told) told(bytes);
  }
  if (broken) return AuditFinding{number + 1, client::AuditFault::BadRecord};
  if (const auto fault = file.finish()) return AuditFinding{number + 1, *fault};
  return std::nullopt;
}

std::optional<v1::AuditHead> audit_head_of(std::istream& in) {
  std::string text;
  bool broken = false;
  while (next_line(in, text, broken)) {
    const auto line = from_audit_line(text);
    if (!line || line->has_record()) return std::nullopt;
    if (line->has_head()) return line->head();
  }
  return std::nullopt;
}

}  // namespace amicale::admin
