// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Reads the raw logs of IRC channels, one line of text per line:
//   [HH:MM] <nick> text        a message
//   [HH:MM]  * nick text       an action, kept as *text*
//   === nick has joined …      the server speaks; not a message
// and the reply annotations that belong to them: `A B -` says that line B answers line A, lines
// counted from 0 in the raw file; `A A -` says that A begins a conversation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amicale::admin {

struct IrcMessage {
  std::size_t line = 0;  // from 0, as the annotations count
  std::string nick;
  std::string body;                    // valid UTF-8; broken bytes are U+FFFD
  std::int64_t time_ms = 0;            // Unix; rises through the file
  std::optional<std::size_t> answers;  // position in IrcLog::messages, always an earlier one
};

struct IrcLog {
  std::vector<IrcMessage> messages;
  std::size_t lines = 0;
  std::size_t system_lines = 0;    // joins, parts, changes of nick
  std::size_t empty_lines = 0;     // a nick that said nothing
  std::size_t unread_lines = 0;    // of no known form
  std::size_t repaired_lines = 0;  // held bytes that are not UTF-8
  std::size_t replies = 0;
  std::size_t annotations_unused = 0;  // one of the two lines is not a message
};

// `midnight_ms` is the start of the first day. Hours that fall back are a new day, or the afternoon
// of a log kept on a twelve-hour clock, whichever is nearer; a clock set back by a few minutes
// stands still instead. Messages of one minute are spread over it, since the log has no seconds.
IrcLog parse_irc_log(std::string_view text, std::int64_t midnight_ms);

// Sets `answers`. Where one line answers several, the nearest one counts: a message has one parent.
void apply_annotations(IrcLog& log, std::string_view text);

// The date at the start of a file name ("2004-11-15_03.raw.txt") as its midnight in UTC.
std::optional<std::int64_t> date_from_file_name(std::string_view name);
// YYYY-MM-DD.
std::optional<std::int64_t> parse_date(std::string_view date);

}  // namespace amicale::admin
