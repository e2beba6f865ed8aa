// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/folding.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>
#include <unicode/utf8.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace amicale::domain::antispam {
namespace {

void must(UErrorCode code) {
  if (U_FAILURE(code)) throw std::runtime_error(u_errorName(code));
}

bool is_mark(UChar32 c) {
  const auto type = u_charType(c);
  return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK;
}

bool is_ascii(const icu::UnicodeString& text) {
  for (std::int32_t i = 0; i < text.length(); ++i) {
    if (text[i] >= 0x80) return false;
  }
  return !text.isEmpty();
}

bool is_letter_or_digit(const icu::UnicodeString& text) {
  for (std::int32_t i = 0; i < text.length(); ++i) {
    if (!u_isalnum(text[i])) return false;
  }
  return !text.isEmpty();
}

// Where folding changes anything but case of rare scripts. Ideographs and Hangul fold to themselves
// and would make the table large.
constexpr std::pair<char32_t, char32_t> ranges[] = {
    {0x80, 0x3400},     {0xa640, 0xac00},   {0xf900, 0x10000}, {0x10400, 0x10500},
    {0x1d400, 0x1d800}, {0x1f100, 0x1f200}, {0xe0000, 0xe0200}};

class Tables {
 public:
  Tables() {
    UErrorCode code = U_ZERO_ERROR;
    casefold_ = icu::Normalizer2::getNFKCCasefoldInstance(code);
    decompose_ = icu::Normalizer2::getNFKDInstance(code);
    spoof_.reset(uspoof_open(&code));
    must(code);
  }

  // Case, compatibility shapes and accents folded; marks and what can't be seen are left out.
  icu::UnicodeString letters(UChar32 c) const {
    UErrorCode code = U_ZERO_ERROR;
    const icu::UnicodeString decomposed =
        decompose_->normalize(casefold_->normalize(icu::UnicodeString(c), code), code);
    must(code);
    icu::UnicodeString bare;
    for (std::int32_t at = 0; at < decomposed.length(); at = decomposed.moveIndex32(at, 1)) {
      const UChar32 each = decomposed.char32At(at);
      if (!is_mark(each)) bare.append(each);
    }
    return bare;
  }

  // What it looks like (UTS #39), in lower case; empty when that is not ASCII.
  icu::UnicodeString look(UChar32 c) const {
    for (const UChar32 shape : {c, u_tolower(c), u_toupper(c)}) {
      UErrorCode code = U_ZERO_ERROR;
      const icu::UnicodeString source(shape);
      char16_t out[32];
      const std::int32_t size =
          uspoof_getSkeleton(spoof_.get(), 0, source.getBuffer(), source.length(), out, 32, &code);
      if (U_FAILURE(code)) continue;
      icu::UnicodeString skeleton(out, size);
      if (is_ascii(skeleton)) return skeleton.toLower();
    }
    return {};
  }

  // The Latin letter that the character's name says it is: "LATIN LETTER SMALL CAPITAL R", "LATIN
  // SMALL LETTER O WITH STROKE", "NEGATIVE SQUARED LATIN CAPITAL LETTER A". 0 when there is none.
  static char named_letter(UChar32 c) {
    UErrorCode code = U_ZERO_ERROR;
    char buffer[128];
    const std::int32_t size = u_charName(c, U_UNICODE_CHAR_NAME, buffer, sizeof buffer, &code);
    if (U_FAILURE(code) || size <= 0) return 0;
    const std::string_view name(buffer, static_cast<std::size_t>(size));
    if (name.find("LATIN") == std::string_view::npos) return 0;
    for (const std::string_view before : {"SMALL CAPITAL ", "LETTER "}) {
      const auto at = name.rfind(before);
      if (at == std::string_view::npos) continue;
      const std::string_view rest = name.substr(at + before.size());
      const bool alone = rest.size() == 1 || (rest.size() > 1 && rest.substr(1, 5) == " WITH");
      if (alone && rest[0] >= 'A' && rest[0] <= 'Z') return static_cast<char>(rest[0] - 'A' + 'a');
    }
    return 0;
  }

 private:
  struct Close {
    void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
  };
  const icu::Normalizer2* casefold_ = nullptr;
  const icu::Normalizer2* decompose_ = nullptr;
  std::unique_ptr<USpoofChecker, Close> spoof_;
};

std::string utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

struct Folded {
  std::string text;
  Fold fold;
};

Folded fold_of(const Tables& tables, UChar32 c) {
  if (is_mark(c)) return {"", Fold::mark};
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
      u_charType(c) == U_FORMAT_CHAR) {
    return {"", Fold::invisible};
  }
  switch (c) {  // letters that Unicode does not decompose, and people type apart
    case U'œ':
    case U'Œ': return {"oe", Fold::accent};
    case U'æ':
    case U'Æ': return {"ae", Fold::accent};
    case U'ß': return {"ss", Fold::accent};
    case U'ø':
    case U'Ø': return {"o", Fold::accent};
    case U'ł':
    case U'Ł': return {"l", Fold::accent};
    case U'đ':
    case U'Đ': return {"d", Fold::accent};
    default: break;
  }
  const auto type = u_charType(c);
  const icu::UnicodeString letters = tables.letters(c);
  if (is_ascii(letters)) {
    const bool latin = c < 0x250 || (c >= 0x1e00 && c < 0x1f00);  // Latin, with its accents
    const bool letter = is_letter_or_digit(letters);
    // Quotes, dashes and spaces of good typography are nothing to remark on.
    return {utf8(letters), !letter ? Fold::same : latin ? Fold::accent : Fold::compat};
  }
  if (u_isUWhiteSpace(c)) return {" ", Fold::same};
  if (type == U_CURRENCY_SYMBOL || u_hasBinaryProperty(c, UCHAR_EMOJI_PRESENTATION)) {
    return {utf8(letters), Fold::same};
  }
  const icu::UnicodeString look = tables.look(c);
  if (is_ascii(look)) {
    const bool letter = is_letter_or_digit(look);
    const bool from_letter = u_isalpha(c) || u_isdigit(c);
    if (letter == from_letter || !letter) {
      return {utf8(look), letter ? Fold::confusable : Fold::same};
    }
  }
  if (const char named = Tables::named_letter(c); named != 0) {
    return {std::string(1, named), Fold::confusable};
  }
  return {utf8(letters), Fold::same};
}

}  // namespace

Folding::Folding() : pages_((last >> 8) + 1) {
  const Tables tables;
  for (const auto& [first, end] : ranges) {
    for (char32_t c = first; c < end; ++c) {
      if (c >= 0xd800 && c < 0xe000) continue;
      const auto code_point = static_cast<UChar32>(c);
      if (!u_isdefined(code_point) &&
          !u_hasBinaryProperty(code_point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
        continue;
      }
      Folded folded = fold_of(tables, code_point);
      if (folded.text == utf8(icu::UnicodeString(code_point))) continue;
      if (folded.text.size() <= 15) add(c, folded.text, folded.fold);
    }
  }
}

void Folding::add(char32_t c, std::string_view text, Fold fold) {
  std::uint16_t& page = pages_[c >> 8];
  if (page == 0) {
    entries_.resize(entries_.size() + 256);
    page = static_cast<std::uint16_t>(entries_.size() / 256);
  }
  Entry& entry = entries_[((page - 1u) << 8) | (c & 0xff)];
  entry = {.offset = static_cast<std::uint32_t>(pool_.size()),
           .size = static_cast<std::uint8_t>(text.size()),
           .fold = fold};
  pool_ += text;
}

std::string Folding::fold(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t from = at;
    UChar32 c;
    U8_NEXT(text.data(), at, size, c);
    if (c < 0) continue;
    if (c < 0x80) {
      out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      continue;
    }
    const Piece piece = find(static_cast<char32_t>(c));
    if (piece.fold == Fold::same && piece.text.empty()) {
      out += text.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(at - from));
    } else {
      out += piece.text;
    }
  }
  return out;
}

}  // namespace amicale::domain::antispam
