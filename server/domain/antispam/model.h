// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The learned score: a linear model over the features of a text. One byte a weight:
//
//   file   = "AMICSPAM" format:u32 version:u32 bits:u32 scale:f32[3] bias:f32 slope:f32 offset:f32
//            hold:f32 weights:i8[2^bits]            (little endian)
//
// margin = bias + Σ over kinds (scale × Σ weights of the kind's features ÷ √(their number))
// score  = 1 ÷ (1 + e^-(slope × margin + offset)), in thousandths
//
// Sums are of integers and the rest is a fixed order of IEEE operations: the same text has the same
// score on every machine. `hold` is the margin that one honest text in a thousand reached when the
// model was judged on texts that it had not seen.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/features.h"
#include "server/domain/refusal.h"

namespace amicale::domain::antispam {

struct Score {
  double margin = 0;
  std::uint32_t thousandths = 0;  // 0 to 1000: how sure
};

class Model {
 public:
  static constexpr std::uint32_t format = 1;

  Model() = default;

  // A file's bytes, hostile until read: BAD_REQUEST names what is wrong.
  static Result<Model> read(std::string_view file);
  std::string write() const;

  // The model that the program carries.
  static std::string_view shipped_file();

  bool empty() const { return weights_.empty(); }
  std::uint32_t version() const { return version_; }
  double hold_margin() const { return hold_; }

  Score score(const Features& features) const;

 private:
  friend class Trainer;

  std::uint32_t version_ = 0;
  std::array<float, 3> scales_{};  // by FeatureKind
  float bias_ = 0, slope_ = 1, offset_ = 0, hold_ = 0;
  std::vector<std::int8_t> weights_;
};

}  // namespace amicale::domain::antispam
