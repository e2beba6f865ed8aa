// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Logs of IRC channels and the annotations beside them, as an operator imports them. The first line of the input is the name of the
// file. Messages are UTF-8, have a nick and rising times; an answer comes after what it answers; each line is counted once.
#include <cstdio>
#include <cstdlib>
#include <string_view>

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
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(input.find('\n'), input.size());
  const auto midnight = admin::date_from_file_name(input.substr(0, cut));
  (void)admin::parse_date(input.substr(0, cut));
  const auto text = input.substr(std::min(cut + 1, input.size()));
  const std::size_t half = text.find("\n\n");
  auto log = admin::parse_irc_log(text.substr(0, half), midnight.value_or(1'000'000'000'000));
  admin::apply_annotations(log, half == std::string_view::npos ? text : text.substr(half + 2));
  check(log.messages.size() + log.system_lines + log.empty_lines + log.unread_lines <= log.lines,
        "a line is counted once");
  for (std::size_t i = 0; i < log.messages.size(); ++i) {
    const auto& message = log.messages[i];
    check(admin::is_utf8(message.body) && admin::is_utf8(message.nick), "a message is UTF-8");
    check(!message.nick.empty() && !message.body.empty(), "somebody says something");
    check(message.line < log.lines, "a line is one of the file's");
    check(i == 0 || message.time_ms >= log.messages[i - 1].time_ms, "time does not go back");
    check(!message.answers || *message.answers < i, "an answer comes after what it answers");
  }
  return 0;
}
