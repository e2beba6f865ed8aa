// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/csv.h"

#include <algorithm>

#include "server/admin/terminal_text.h"

namespace amicale::admin {
namespace {

// Counts both separators outside quotes in the first line; a tie is a comma.
char detect_separator(std::string_view text) {
  std::size_t commas = 0, semicolons = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas += c == ',';
    semicolons += c == ';';
  }
  return semicolons > commas ? ';' : ',';
}

}  // namespace

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  separator_ = detect_separator(text_.substr(at_));
}

std::optional<std::expected<CsvRecord, CsvError>> CsvReader::next() {
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) {
    line_ += text_[at_++] == '\n';
  }
  if (at_ >= text_.size()) return std::nullopt;
  const std::size_t start = at_, first_line = line_;
  auto record = read_record();
  if (!record) {  // a broken record ends where its first line ends
    at_ = std::min(text_.find('\n', start), text_.size() - 1) + 1;
    line_ = first_line + 1;
  }
  return record;
}

std::expected<CsvRecord, CsvError> CsvReader::read_record() {
  CsvRecord record{line_, {}};
  const auto fail = [&](CsvFault fault) { return std::unexpected(CsvError{record.line, fault}); };
  while (true) {
    std::string& field = record.fields.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      ++at_;
      while (true) {
        if (at_ >= text_.size()) return fail(CsvFault::open_quote);
        const char c = text_[at_++];
        if (c == '"') {
          if (at_ >= text_.size() || text_[at_] != '"') break;
          ++at_;
        }
        line_ += c == '\n';
        field.push_back(c);
      }
    } else {
      while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
        if (text_[at_] == '"') return fail(CsvFault::quote_in_plain_field);
        field.push_back(text_[at_++]);
      }
      if (field.ends_with('\r') && (at_ >= text_.size() || text_[at_] == '\n')) field.pop_back();
    }
    if (!is_utf8(field)) return fail(CsvFault::not_utf8);
    if (at_ < text_.size() && text_[at_] == '\r' &&
        (at_ + 1 >= text_.size() || text_[at_ + 1] == '\n')) {
      ++at_;
    }
    if (at_ >= text_.size()) return record;
    const char c = text_[at_++];
    if (c == '\n') {
      ++line_;
      return record;
    }
    if (c != separator_) return fail(CsvFault::text_after_quote);
  }
}

}  // namespace amicale::admin
