// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/recent_texts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "server/domain/antispam/features.h"

namespace amicale::domain::antispam {
namespace {

std::uint32_t places_alike(const Sketch& a, const Sketch& b) {
  std::uint8_t same = 0;  // a byte, so that sixteen places are compared at once
  for (std::size_t i = 0; i < a.places.size(); ++i) {
    const bool equal = a.places[i] == b.places[i];
    const bool filled = a.places[i] != 0;
    same = static_cast<std::uint8_t>(same + static_cast<std::uint8_t>(equal && filled));
  }
  return same;
}

std::uint32_t places_filled(const Sketch& a) {
  return static_cast<std::uint32_t>(a.places.size() -
                                    static_cast<std::size_t>(std::ranges::count(a.places, 0)));
}

// Of the places filled in the fuller text, thousandths that must agree. Short texts share more by
// chance: a greeting differs from another by a name.
std::uint32_t share_wanted(std::uint32_t letters) {
  if (letters >= 120) return 210;
  if (letters <= 40) return 620;
  return 210 + (120 - letters) * (620 - 210) / 80;
}

// Entries that are compared at once.
constexpr std::size_t block = 64;

// What of a text counts beside the places that it shares with another.
struct Size {
  std::uint32_t letters = 0;
  std::uint32_t filled = 0;  // places
};

// Whether two texts that agree in `same` places are one with changes.
bool are_alike(std::uint32_t same, Size a, Size b) {
  if (same < 8) return false;
  const auto [shorter, longer] = std::minmax(a.letters, b.letters);
  if (longer > 2 * shorter) return false;
  return same * 1000 >= share_wanted(shorter) * std::max(a.filled, b.filled);
}

// How many accounts there are among at most so many.
class Distinct {
 public:
  explicit Distinct(std::size_t most) : table_(std::bit_ceil(2 * most + 1)) {}

  // Account 0 is nobody's.
  void add(std::uint64_t account) {
    std::size_t at = mix(account) & (table_.size() - 1);
    while (table_[at] != 0 && table_[at] != account) at = (at + 1) & (table_.size() - 1);
    if (table_[at] == 0) ++count_;
    table_[at] = account;
  }
  std::uint32_t count() const { return count_; }

 private:
  std::vector<std::uint64_t> table_;
  std::uint32_t count_ = 0;
};

}  // namespace

std::string Sketch::bytes() const {
  std::string out(reinterpret_cast<const char*>(places.data()), places.size());
  out += static_cast<char>(letters & 0xff);
  out += static_cast<char>(letters >> 8);
  return out;
}

std::optional<Sketch> Sketch::read(std::string_view bytes) {
  Sketch sketch;
  if (bytes.size() != sketch.places.size() + 2) return std::nullopt;
  std::memcpy(sketch.places.data(), bytes.data(), sketch.places.size());
  sketch.letters = static_cast<std::uint16_t>(
      static_cast<unsigned char>(bytes[64]) |
      (static_cast<unsigned>(static_cast<unsigned char>(bytes[65])) << 8));
  return sketch;
}

std::optional<Sketch> sketch_of(const NormalText& text) {
  if (text.letters() < least_letters) return std::nullopt;
  Sketch sketch;
  sketch.letters = static_cast<std::uint16_t>(std::min<std::uint32_t>(text.letters(), 0xffff));
  std::array<std::uint32_t, 64> least;
  least.fill(0xffff'ffff);
  std::uint32_t piece = 0;
  std::uint32_t filled = 0;
  for (const char c : text.plain()) {
    if (!is_word_byte(c)) continue;
    piece = (piece << 8) | static_cast<unsigned char>(c);
    if (++filled < 4) continue;
    const std::uint64_t hash = mix(piece + 0x5bd1e995ull);
    std::uint32_t& place = least[hash & 63];
    place = std::min(place, static_cast<std::uint32_t>(hash >> 32));
  }
  for (std::size_t i = 0; i < least.size(); ++i) {
    if (least[i] == 0xffff'ffff) continue;
    // The least of many has leading zeros: mixed again, so that a byte tells them apart.
    sketch.places[i] = static_cast<std::uint8_t>(1 + mix(least[i]) % 255);
  }
  return sketch;
}

bool alike(const Sketch& a, const Sketch& b) {
  return are_alike(places_alike(a, b), {a.letters, places_filled(a)},
                   {b.letters, places_filled(b)});
}

namespace {

// The family of a text that is like none before: its own number, so that it is the same whatever was forgotten or loaded.
std::uint32_t new_family(const Sketch& sketch) {
  const auto hash = static_cast<std::uint32_t>(hash_of(sketch.bytes(), 5) >> 32);
  return hash != 0 ? hash : 1;
}

}  // namespace

std::uint32_t RecentTexts::family_of(const Sketch& sketch, std::int64_t since_ms) const {
  const Size own{sketch.letters, places_filled(sketch)};
  std::uint32_t family = 0;
  std::uint32_t best = 0;
  for (std::size_t from = 0; from < entries_.size(); from += block) {
    // Kept in registers: sixteen entries are compared by one instruction.
    std::array<std::uint8_t, block> same{};
    for (std::size_t place = 0; place < sketch.places.size(); ++place) {
      const std::uint8_t wanted = sketch.places[place];
      if (wanted == 0) continue;
      const std::uint8_t* row = places_.data() + place * columns_ + from;
      for (std::size_t i = 0; i < block; ++i) {
        same[i] = static_cast<std::uint8_t>(same[i] + static_cast<std::uint8_t>(row[i] == wanted));
      }
    }
    const std::size_t end = std::min(block, entries_.size() - from);
    for (std::size_t i = 0; i < end; ++i) {
      if (same[i] <= best) continue;
      const Entry& entry = entries_[from + i];
      if (entry.said.time_ms < since_ms) continue;
      if (!are_alike(same[i], own, {entry.letters, entry.filled})) continue;
      best = same[i];
      family = entry.family;
    }
  }
  return family;
}

RecentTexts::Count RecentTexts::count(const Sketch& sketch, const Question& question) const {
  Count count;
  count.family = family_of(sketch, question.alike_since_ms);
  if (count.family == 0) {
    count.family = new_family(sketch);
    return count;
  }
  Distinct authors(entries_.size());
  for (const Entry& entry : entries_) {
    if (entry.family != count.family || entry.said.time_ms < question.since_ms) continue;
    if (question.not_in != 0 && entry.said.club == question.not_in) continue;
    if (entry.said.author == question.by) {
      ++count.own;
    } else {
      authors.add(entry.said.author);
    }
  }
  count.authors = authors.count();
  return count;
}

std::vector<RecentTexts::Said> RecentTexts::alike_since(const Sketch& sketch,
                                                        std::int64_t since_ms) const {
  std::vector<Said> found;
  const std::uint32_t family = family_of(sketch, since_ms);
  if (family == 0) return found;
  for (const Entry& entry : entries_) {
    if (entry.family == family && entry.said.time_ms >= since_ms) found.push_back(entry.said);
  }
  return found;
}

void RecentTexts::add(const Sketch& sketch, Said said, std::uint32_t family) {
  const Entry entry{.said = said,
                    .family = family,
                    .letters = sketch.letters,
                    .filled = static_cast<std::uint8_t>(places_filled(sketch))};
  std::size_t at = next_;
  if (entries_.size() < most_) {
    at = entries_.size();
    if (at == columns_) grow();
    entries_.push_back(entry);
  } else {
    entries_[at] = entry;
    next_ = (next_ + 1) % most_;
  }
  for (std::size_t place = 0; place < sketch.places.size(); ++place) {
    places_[place * columns_ + at] = sketch.places[place];
  }
}

// A quiet club keeps a small table.
void RecentTexts::grow() {
  const std::size_t columns = std::max(block, 2 * columns_);
  constexpr std::size_t rows = Sketch{}.places.size();
  std::vector<std::uint8_t> places(rows * columns);
  for (std::size_t place = 0; place < rows; ++place) {
    std::copy_n(places_.begin() + static_cast<std::ptrdiff_t>(place * columns_), entries_.size(),
                places.begin() + static_cast<std::ptrdiff_t>(place * columns));
  }
  places_ = std::move(places);
  columns_ = columns;
}

}  // namespace amicale::domain::antispam
