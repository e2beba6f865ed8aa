// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What is taken as a body, a name, a login, an emoji: whoever gets past these is shown to everybody.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace {
using namespace amicale;
namespace limits = domain::limits;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

bool has_control(std::string_view text, bool lines) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0x7f || (byte < 0x20 && !(lines && (c == '\n' || c == '\t')))) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool utf8 = domain::is_utf8(text);
  if (domain::check_body(text)) {
    check(utf8 && size > 0 && size <= limits::message_bytes, "a body is text within its bound");
    check(!has_control(text, true), "a body steers nothing");
  }
  if (domain::check_paragraph(text, "topic", limits::purpose_bytes))
    check(utf8 && !has_control(text, true), "a paragraph is text");
  if (const auto name = domain::check_name(text, "name", limits::name_characters)) {
    check(domain::is_utf8(*name) && !name->empty() && !has_control(*name, false), "a name is text");
    check(name->front() != ' ' && name->back() != ' ' && name->find("  ") == std::string::npos,
          "a name has no spaces to hide behind");
    const auto again = domain::check_name(*name, "name", limits::name_characters);
    check(again && *again == *name, "a name that was taken stays as it is");
  }
  if (const auto emoji = domain::check_emoji(text)) {
    const auto again = domain::check_emoji(*emoji);
    check(again && *again == *emoji, "an emoji has one form");
  }
  if (domain::check_login(text)) {
    check(!has_control(text, false) && text.find(' ') == std::string_view::npos,
          "a login is plain");
    check(domain::fold(text) == text, "a login is folded already");
  }
  if (domain::check_slug(text)) check(domain::fold(text) == text, "a slug is folded already");
  (void)domain::check_password(text);
  const auto folded = domain::fold(text);
  check(domain::is_utf8(folded), "folded text is UTF-8");
  return 0;
}
