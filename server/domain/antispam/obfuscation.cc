// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/obfuscation.h"

#include "server/domain/antispam/features.h"

namespace amicale::domain::antispam {
namespace {

std::string_view homoglyph(char c) {
  switch (c) {
    case 'a': return "а";
    case 'c': return "с";
    case 'e': return "е";
    case 'i': return "і";
    case 'j': return "ј";
    case 'o': return "ο";
    case 'p': return "р";
    case 's': return "ѕ";
    case 'x': return "х";
    case 'y': return "у";
    case 'A': return "А";
    case 'B': return "В";
    case 'C': return "С";
    case 'E': return "Ε";
    case 'H': return "Н";
    case 'I': return "І";
    case 'K': return "Κ";
    case 'M': return "М";
    case 'N': return "Ν";
    case 'O': return "О";
    case 'P': return "Ρ";
    case 'S': return "Ѕ";
    case 'T': return "Т";
    case 'X': return "Х";
    case 'Y': return "Υ";
    default: return {};
  }
}

char leet(char c) {
  switch (c) {
    case 'a':
    case 'A': return '4';
    case 'e':
    case 'E': return '3';
    case 'i':
    case 'I': return '1';
    case 'o':
    case 'O': return '0';
    case 's':
    case 'S': return '5';
    case 't':
    case 'T': return '7';
    default: return 0;
  }
}

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void append_full_width(std::string& out, char c) {
  const std::uint32_t wide = 0xff01 + static_cast<std::uint32_t>(c - '!');
  out += static_cast<char>(0xe0 | (wide >> 12));
  out += static_cast<char>(0x80 | ((wide >> 6) & 0x3f));
  out += static_cast<char>(0x80 | (wide & 0x3f));
}

}  // namespace

std::string obfuscate(std::string_view text, Obfuscation kind, std::uint32_t share,
                      std::uint64_t seed) {
  std::string out;
  out.reserve(text.size() * 3);
  std::uint64_t state = mix(seed + 1);
  const auto hit = [&] {
    state = mix(state + 0x9e3779b97f4a7c15);
    return state % 1000 < share;
  };
  bool word = false;
  bool hidden_word = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = is_letter(c);
    const bool in_word = letter || (c >= '0' && c <= '9');
    if (in_word && !word) hidden_word = hit();
    word = in_word;
    switch (kind) {
      case Obfuscation::homoglyph: {
        const auto other = homoglyph(c);
        if (!other.empty() && hit()) {
          out += other;
        } else {
          out += c;
        }
        break;
      }
      case Obfuscation::zero_width:
        out += c;
        if (letter && i + 1 < text.size() && is_letter(text[i + 1]) && hit()) out += "\u200b";
        break;
      case Obfuscation::spaced:
        out += c;
        if (in_word && hidden_word && i + 1 < text.size()) out += ' ';
        break;
      case Obfuscation::full_width:
        if (c > ' ' && c <= '~' && hit()) {
          append_full_width(out, c);
        } else {
          out += c;
        }
        break;
      case Obfuscation::leet: {
        const char other = leet(c);
        out += other != 0 && hit() ? other : c;
        break;
      }
    }
  }
  return out;
}

}  // namespace amicale::domain::antispam
