// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/audit_pins.h"

#include <cctype>
#include <fstream>

#include "server/admin/audit_file.h"

namespace amicale::admin {

namespace fs = std::filesystem;

AuditPins::AuditPins(const fs::path& folder, const std::string& url) {
  std::string name = "audit-";
  for (const char c : url) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' ? c : '_';
  }
  file_ = folder / (name.substr(0, 200) + ".jsonl");
  std::ifstream in(file_, std::ios::binary);
  for (std::string text; std::getline(in, text);) {
    const auto line = from_audit_line(text);
    if (!line) continue;
    if (line->has_key()) key_ = line->key().public_key();
    if (line->has_head() && client::is_signed(line->head())) {
      heads_[client::Stream::from(line->head().stream())] = line->head();
    }
  }
}

void AuditPins::save_key(const std::string& public_key) {
  key_ = public_key;
  write();
}

std::optional<v1::AuditHead> AuditPins::load(client::Stream stream) {
  const auto found = heads_.find(stream);
  if (found == heads_.end()) return std::nullopt;
  return found->second;
}

void AuditPins::save(const v1::AuditHead& head) {
  heads_[client::Stream::from(head.stream())] = head;
  write();
}

void AuditPins::write() const {
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
  const fs::path partial = file_.string() + ".partial";
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  v1::AuditLine line;
  line.mutable_key()->set_public_key(key_);
  out << to_audit_line(line) << '\n';
  for (const auto& [stream, head] : heads_) {
    *line.mutable_head() = head;
    out << to_audit_line(line) << '\n';
  }
  out.close();
  if (out.good()) fs::rename(partial, file_, ignored);
}

}  // namespace amicale::admin
