// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "server/domain/limits.h"

namespace amicale::domain {
namespace {

// Marks in a row on one letter; Vietnamese and polytonic Greek need three.
constexpr int marks_in_a_row = 4;

constexpr bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// ICU's data is part of its library: it can fail only when the installation is broken.
void must(UErrorCode code) {
  if (U_FAILURE(code)) throw std::runtime_error(u_errorName(code));
}

const icu::Normalizer2& nfc() {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* instance = icu::Normalizer2::getNFCInstance(code);
  must(code);
  return *instance;
}

// How far the text is plain ASCII, eight bytes at a time: most of what is said.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at + 8 <= text.size()) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if ((word & 0x8080'8080'8080'8080) != 0) break;
    at += 8;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

struct Scan {
  bool valid = true;
  bool blank = true;
  bool control = false;
};

constexpr bool is_forbidden_control(UChar32 c) {
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0);
}

bool is_blank(UChar32 c) {
  constexpr UChar32 braille_blank = 0x2800;
  return c == braille_blank || u_isUWhiteSpace(c) ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

Scan scan(std::string_view text) {
  Scan found;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  std::int64_t at = 0;
  while (at < size) {
    if (bytes[at] < 0x80) {
      const std::uint8_t c = bytes[at++];
      found.control |= is_forbidden_control(c);
      found.blank &= c <= ' ';
      continue;
    }
    UChar32 c;
    U8_NEXT(bytes, at, size, c);
    if (c < 0) {
      found.valid = false;
      return found;
    }
    found.control |= is_forbidden_control(c);
    if (found.blank) found.blank = is_blank(c);
  }
  return found;
}

// Characters that a name may not have: what can't be seen, what reorders, what is not a character.
bool is_forbidden_in_names(UChar32 c) {
  if (c == ' ') return false;
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_SURROGATE:
    case U_PRIVATE_USE_CHAR:
    case U_UNASSIGNED:
    case U_SPACE_SEPARATOR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR: return true;
    default:
      // Hangul fillers and the like are letters that draw nothing. Variation selectors belong to
      // emoji.
      return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
             !u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR);
  }
}

bool is_mark(UChar32 c) {
  const auto type = u_charType(c);
  return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK;
}

}  // namespace

bool is_utf8(std::string_view text) {
  const std::size_t plain = ascii_prefix(text);
  return plain == text.size() || scan(text.substr(plain)).valid;
}

bool is_blank(std::string_view text) { return scan(text).blank; }

Result<void> check_body(std::string_view body, std::string_view field) {
  if (body.size() > limits::message_bytes) {
    return too_large(field, limits::message_bytes, body.size());
  }
  const Scan found = scan(body);
  if (!found.valid) return bad_request(field, "text.utf8");
  if (found.control) return bad_request(field, "text.control");
  if (found.blank) return bad_request(field, "text.blank");
  return {};
}

Result<void> check_paragraph(std::string_view text, std::string_view field,
                             std::uint32_t max_bytes) {
  if (text.size() > max_bytes) return too_large(field, max_bytes, text.size());
  const Scan found = scan(text);
  if (!found.valid) return bad_request(field, "text.utf8");
  if (found.control) return bad_request(field, "text.control");
  return {};
}

Result<std::string> check_name(std::string_view name, std::string_view field,
                               std::uint32_t max_characters) {
  // Before any work on it: normalisation may shrink a text, hardly ever by half.
  if (name.size() > 2 * limits::name_bytes)
    return too_large(field, limits::name_bytes, name.size());
  const Scan found = scan(name);
  if (!found.valid) return bad_request(field, "text.utf8");
  if (found.blank) return bad_request(field, "text.blank");

  std::string normal(name);
  if (ascii_prefix(name) != name.size()) {
    normal.clear();
    icu::StringByteSink<std::string> sink(&normal);
    UErrorCode code = U_ZERO_ERROR;
    nfc().normalizeUTF8(0, icu::StringPiece(name.data(), static_cast<std::int32_t>(name.size())),
                        sink, nullptr, code);
    must(code);
  }
  if (normal.size() > limits::name_bytes) {
    return too_large(field, limits::name_bytes, normal.size());
  }

  std::uint32_t characters = 0;
  int marks = 0;
  UChar32 previous = ' ';
  const auto size = static_cast<std::int32_t>(normal.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 c;
    U8_NEXT(normal.data(), at, size, c);
    if (is_forbidden_in_names(c)) return bad_request(field, "text.invisible");
    if (c == ' ' && previous == ' ') return bad_request(field, "text.spaces");
    marks = is_mark(c) ? marks + 1 : 0;
    if (marks > marks_in_a_row) return bad_request(field, "text.marks");
    previous = c;
    ++characters;
  }
  if (previous == ' ') return bad_request(field, "text.spaces");
  if (characters > max_characters) return too_large(field, max_characters, characters);
  return normal;
}

Result<void> check_login(std::string_view login, std::string_view field) {
  const bool good = login.size() >= limits::login_min_bytes &&
                    login.size() <= limits::login_bytes && is_lower_or_digit(login.front()) &&
                    std::ranges::all_of(login, [](char c) {
                      return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-';
                    });
  if (!good) return bad_request(field, "text.login");
  return {};
}

Result<void> check_slug(std::string_view slug, std::string_view field) {
  if (slug.size() > limits::slug_bytes) return too_large(field, limits::slug_bytes, slug.size());
  const bool good =
      !slug.empty() && is_lower_or_digit(slug.front()) && is_lower_or_digit(slug.back()) &&
      std::ranges::all_of(slug, [](char c) { return is_lower_or_digit(c) || c == '-'; });
  if (!good) return bad_request(field, "text.slug");
  return {};
}

Result<void> check_password(std::string_view password, std::string_view field) {
  if (password.size() > limits::password_max_bytes) {
    return too_large(field, limits::password_max_bytes, password.size());
  }
  if (password.size() < limits::password_min_bytes) {
    return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_BAD_REQUEST,
                                   .rule_id = "text.password_short",
                                   .field = std::string(field),
                                   .limit = limits::password_min_bytes,
                                   .actual = password.size()});
  }
  return {};
}

Result<void> check_client_msg_id(std::string_view client_msg_id) {
  if (client_msg_id.size() != limits::client_msg_id_bytes) return bad_request("client_msg_id");
  return {};
}

Result<std::string> check_emoji(std::string_view emoji) {
  if (emoji.size() > limits::emoji_bytes) {
    return too_large("emoji", limits::emoji_bytes, emoji.size());
  }
  if (emoji.empty() || !is_utf8(emoji)) return bad_request("emoji", "text.emoji");
  icu::UnicodeString text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(emoji.data(), static_cast<std::int32_t>(emoji.size())));
  // "❤" without its variation selector is drawn as text by some and as the same emoji by most: one
  // reaction, not two.
  constexpr UChar32 emoji_presentation = 0xfe0f;
  if (text.countChar32() == 1 && u_hasBinaryProperty(text.char32At(0), UCHAR_EMOJI) &&
      !u_hasBinaryProperty(text.char32At(0), UCHAR_EMOJI_PRESENTATION)) {
    text.append(emoji_presentation);
  }
  if (!u_stringHasBinaryProperty(text.getBuffer(), text.length(), UCHAR_RGI_EMOJI)) {
    return bad_request("emoji", "text.emoji");
  }
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::string fold(std::string_view text) {
  std::string out;
  if (ascii_prefix(text) == text.size()) {
    out.assign(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
  }
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* casefold = icu::Normalizer2::getNFKCCasefoldInstance(code);
  const icu::Normalizer2* decompose = icu::Normalizer2::getNFDInstance(code);
  must(code);
  const icu::UnicodeString source = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  const icu::UnicodeString letters = decompose->normalize(casefold->normalize(source, code), code);
  must(code);
  icu::UnicodeString bare;
  for (std::int32_t at = 0; at < letters.length(); at = letters.moveIndex32(at, 1)) {
    const UChar32 c = letters.char32At(at);
    switch (c) {
      // Letters that Unicode does not decompose, and people type apart or without the stroke.
      case U'œ': bare.append(u"oe"); break;
      case U'æ': bare.append(u"ae"); break;
      case U'ø': bare.append(u'o'); break;
      case U'ł': bare.append(u'l'); break;
      case U'đ': bare.append(u'd'); break;
      default:
        if (!is_mark(c)) bare.append(c);
    }
  }
  bare.toUTF8String(out);
  return out;
}

}  // namespace amicale::domain
