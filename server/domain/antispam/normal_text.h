// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A text as its reader reads it, made once and looked at by every rule:
//
//   folded  character by character (folding.h); nothing moved
//   text    the same with letters that were spaced out ("f r e e", "f.r.e.e") put together again
//   plain   text with digits and signs in the place of letters read as letters ("fr33", "ca$h"), and with letters
//           that only their case gives away ("LlGNE");
//           byte for byte as long as `text`
//
// Every byte knows where in the author's own text it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/folding.h"

namespace amicale::domain::antispam {

// Bytes [begin, end) of the author's own text.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const Span&) const = default;
};

// What was undone. An honest text has nearly none of it, whatever its language.
struct Disguises {
  std::uint32_t invisible = 0;    // zero-width and the like between two letters
  std::uint32_t mixed_words = 0;  // words that mix Latin letters and look-alikes
  std::uint32_t compat = 0;       // letters in another shape (full width, mathematical)
  std::uint32_t piled_marks = 0;  // more than two accents on a letter
  std::uint32_t spaced_runs = 0;  // words of at least three letters that were spaced out
  std::uint32_t leet_words = 0;   // words with a digit or sign between letters
};

class NormalText {
 public:
  // Linear in the size of `body`. Invalid UTF-8 is left out.
  NormalText(const Folding& folding, std::string_view body);

  const std::string& folded() const { return folded_; }
  const std::string& text() const { return text_; }
  const std::string& plain() const { return plain_; }
  const Disguises& disguises() const { return disguises_; }
  // Letters and digits in `text`.
  std::uint32_t letters() const { return letters_; }

  // Where [begin, end) of `text` or `plain` stands in the author's own text.
  Span span(std::size_t begin, std::size_t end) const;
  // The same for `folded`.
  Span folded_span(std::size_t begin, std::size_t end) const;

 private:
  void fold(const Folding& folding, std::string_view body);
  void join_spaced();
  void read_leet();
  void read_case();

  std::string_view body_;
  std::string folded_, text_, plain_;
  std::vector<std::uint32_t> folded_from_, text_from_;  // where each byte's character begins
  Disguises disguises_;
  std::uint32_t letters_ = 0;
};

constexpr bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_ascii_letter(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace amicale::domain::antispam
