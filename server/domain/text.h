// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What text is accepted. Nothing is stripped silently: text is taken as it is (names and emoji in
// one normal form) or refused with the field's name. `field` is a dotted proto path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/domain/refusal.h"

namespace amicale::domain {

bool is_utf8(std::string_view text);

// Whether nothing of it can be seen: empty, or white space and invisible characters alone.
bool is_blank(std::string_view text);

// A message body: UTF-8, not blank, no control characters but tab and line feed, at most
// limits::message_bytes.
Result<void> check_body(std::string_view body, std::string_view field = "body");

// A paragraph that may be empty (purpose, topic, introduction, reason): UTF-8 without control
// characters, bounded.
Result<void> check_paragraph(std::string_view text, std::string_view field,
                             std::uint32_t max_bytes);

// A name of a person, room or club, in NFC. Refused: empty, too long, control and invisible
// characters (zero width, bidi), spaces other than U+0020, spaces around or doubled, piles of
// combining marks.
Result<std::string> check_name(std::string_view name, std::string_view field,
                               std::uint32_t max_characters);

Result<void> check_login(std::string_view login,
                         std::string_view field = "login");  // [a-z0-9._-], begins with [a-z0-9]
Result<void> check_slug(
    std::string_view slug,
    std::string_view field = "slug");  // [a-z0-9-], begins and ends with [a-z0-9]
Result<void> check_password(std::string_view password, std::string_view field = "password");
Result<void> check_client_msg_id(std::string_view client_msg_id);  // exactly 16 bytes

// One emoji that Unicode recommends for interchange, in its fully qualified form: "❤" becomes "❤️".
Result<std::string> check_emoji(std::string_view emoji);

// Text with case, accents and ligatures folded, to search names: "Œuvré" -> "oeuvre". Invalid UTF-8
// is replaced by U+FFFD.
std::string fold(std::string_view text);

}  // namespace amicale::domain
