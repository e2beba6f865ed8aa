// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Which texts were said lately, and by how many: equal ones and those with some words changed.
//
// A text's sketch is a MinHash of its pieces of four letters in 64 places (one permutation, Li, Owen
// and Zhang, 2012), a byte each. Two sketches agree in about as many places of 64 as their texts
// share of their pieces: 0.3 or more for one text with a tenth of its letters changed, 0.05 for two
// texts that have only their language in common.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {

// Below this, people say the same by chance.
inline constexpr std::uint32_t least_letters = 24;

struct Sketch {
  std::array<std::uint8_t, 64> places{};  // 0 = no piece fell there
  std::uint16_t letters = 0;

  std::string bytes() const;  // 66 bytes; what the log keeps
  static std::optional<Sketch> read(std::string_view bytes);
  bool operator==(const Sketch&) const = default;
};

// Nothing for a text of fewer than `least_letters`.
std::optional<Sketch> sketch_of(const NormalText& text);

// Whether two texts are one with changes.
bool alike(const Sketch& a, const Sketch& b);

// The texts of the last while, of one club or (in other hands) of the site. A ring: the oldest gives
// way. Value type.
class RecentTexts {
 public:
  explicit RecentTexts(std::size_t most) : most_(most) {}

  struct Said {
    std::uint64_t author = 0;
    std::uint64_t club = 0;
    std::int64_t time_ms = 0;
  };
  struct Question {
    std::uint64_t by = 0;
    std::int64_t since_ms = 0;        // what is counted
    std::int64_t alike_since_ms = 0;  // what the text may be like: not later than since_ms
    std::uint64_t not_in = 0;         // a club that is not counted; 0 = none
  };
  struct Count {
    std::uint32_t authors = 0;  // distinct, other than `by`
    std::uint32_t own = 0;      // times by `by`
    std::uint32_t family =
        0;  // that of the text most like this one, or a new one: what to add it under
  };

  // How often a text like this was said. A pass over the ring: two microseconds when it is full, and as many again when all of it is alike.
  Count count(const Sketch& sketch, const Question& question) const;
  // Each time that a text like this was said from `since_ms` on, in no order. As much work.
  std::vector<Said> alike_since(const Sketch& sketch, std::int64_t since_ms) const;
  void add(const Sketch& sketch, Said said, std::uint32_t family);
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Said said;
    std::uint32_t family = 0;  // of texts that are alike, one from the other
    std::uint16_t letters = 0;
    std::uint8_t filled = 0;  // places
  };
  // The family of the text most like it, 0 = none.
  std::uint32_t family_of(const Sketch& sketch, std::int64_t since_ms) const;
  void grow();

  std::size_t most_;
  std::size_t next_ = 0;  // the oldest, once full
  std::vector<Entry> entries_;
  // The entries' places, one row a place, so that one place of many entries is compared at once: [64 × columns_].
  std::vector<std::uint8_t> places_;
  std::size_t columns_ = 0;
};

}  // namespace amicale::domain::antispam
