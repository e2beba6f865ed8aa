// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Comma-separated values as spreadsheets write them (RFC 4180):
//   file   = [BOM] record *(line-end record)        line-end = LF / CR LF
//   record = field *(separator field)               separator = "," or ";", the first line decides
//   field  = plain / DQUOTE *(any / 2DQUOTE) DQUOTE
// An error costs one record: reading goes on at the next line.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amicale::admin {

struct CsvRecord {
  std::size_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

enum class CsvFault { not_utf8, open_quote, text_after_quote, quote_in_plain_field };

struct CsvError {
  std::size_t line = 0;
  CsvFault fault;
};

// Reads `text`, which must outlive it, one record after the other. Blank lines are passed over.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  char separator() const { return separator_; }
  // Bytes read so far, for a progress bar.
  std::size_t position() const { return at_; }
  // nullopt at the end.
  std::optional<std::expected<CsvRecord, CsvError>> next();

 private:
  std::expected<CsvRecord, CsvError> read_record();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  char separator_ = ',';
};

}  // namespace amicale::admin
