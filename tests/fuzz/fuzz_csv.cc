// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Files that an operator was given: CSV of members and IRC logs. Every input ends; every record is valid UTF-8; lines rise.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "server/admin/csv.h"
#include "server/admin/irc_log.h"
#include "server/admin/terminal_text.h"

namespace {

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace admin = amicale::admin;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  admin::CsvReader reader(text);
  std::size_t line = 0;
  while (const auto record = reader.next()) {
    const std::size_t now = *record ? (*record)->line : record->error().line;
    check(now > line, "each record begins on a later line");
    line = now;
    if (!*record) continue;
    for (const auto& field : (*record)->fields) {
      check(admin::is_utf8(field), "a field is UTF-8");
      check(admin::columns_of(admin::fit_to(field, 20)) == 20, "a fitted text has its width");
    }
  }
  check(reader.position() == text.size(), "the whole file is read");

  auto log = admin::parse_irc_log(text, 0);
  admin::apply_annotations(log, text);
  for (std::size_t i = 0; i < log.messages.size(); ++i) {
    const auto& message = log.messages[i];
    check(admin::is_utf8(message.body) && admin::is_utf8(message.nick), "a message is UTF-8");
    check(!message.answers || *message.answers < i, "an answer comes after what it answers");
  }
  return 0;
}
