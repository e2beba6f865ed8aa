// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The server's own log. A line is a fact in a few words, followed by its fields:
//
//   line  = words *( SP name "=" value )
//   value = bare / DQUOTE text DQUOTE          ; quoted when it may hold a space
//
// as in `connection refused connection=7 address=192.0.2.1 reason=cap`. Code writes lines through spdlog; what is
// configured here is where they go and their form: text keeps the line as it is, JSON makes each field a member.
// Fields are ids, codes, counts and the operator's own settings. Tokens, passwords, codes of invitations and anything
// that a member wrote are never fields.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "server/config.h"

namespace amicale {

enum class LogFormat : std::uint8_t { kText, kJson };

// One line without its end, in UTC. Control characters and bytes that are not UTF-8 are replaced, so that nothing that
// came from outside can begin a line of its own or break a JSON reader.
std::string format_log_line(LogFormat format, std::int64_t unix_ms, std::string_view level,
                            std::string_view line);

// Directs spdlog's default logger to standard error or to the configured file (appended to; its folder is made).
// Called once, before any thread starts. The error says why the file cannot be opened.
std::expected<void, std::string> open_log(const Config::Log& config);

}  // namespace amicale
