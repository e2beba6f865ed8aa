// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the learned score looks at, as numbers of buckets: words, pairs of words, pieces of four
// letters, and the shape of the whole. Each counts once, however often it stands there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {

inline constexpr unsigned feature_bits = 18;
inline constexpr std::uint32_t feature_buckets = 1u << feature_bits;

// Three kinds with a scale of their own, so that a long text is not louder than a short one.
enum class FeatureKind : std::uint8_t { word, piece, shape };

class Features {
 public:
  // Linear in the size of the text; keeps its memory for the next one.
  void extract(const NormalText& text, std::string_view body, std::size_t links);

  std::span<const std::uint32_t> of(FeatureKind kind) const {
    return lists_[static_cast<std::size_t>(kind)];
  }

 private:
  void add(FeatureKind kind, std::uint64_t hash);
  void add_words(const NormalText& text);
  void add_pieces(std::string_view plain);
  void add_shape(const NormalText& text, std::string_view body, std::size_t links);

  std::vector<std::uint32_t> lists_[3];
  std::vector<std::uint32_t> seen_;  // open addressing; 0 = free, else bucket + 1
  std::size_t mask_ = 0;
};

// 64 bits of mixing; the same on every machine.
constexpr std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  return x;
}

constexpr std::uint64_t hash_of(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t hash = seed ^ 0x9e3779b97f4a7c15 ^ text.size();
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return mix(hash);
}

}  // namespace amicale::domain::antispam
