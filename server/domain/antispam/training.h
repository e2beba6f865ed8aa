// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Teaching the score, and judging what it learnt. Deterministic: the same texts in the same order
// give the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/features.h"
#include "server/domain/antispam/folding.h"
#include "server/domain/antispam/model.h"

namespace amicale::domain::antispam {

struct Example {
  std::string text;
  bool spam = false;
};

// `label<TAB>text` lines that come with the program: French and English of clubs, and spam as it is
// worded there. All made up.
std::string_view seed_lines();

// Chosen by cross-validation.
struct TrainingOptions {
  std::array<double, 3> loudness{1.8, 0.8, 0.5};  // of the kinds of features beside each other
  double spam_cost = 2.0;                         // of a mistake; larger fits closer
  double ham_cost = 2.0;
  double disguised_cost = 1.0;
  unsigned passes = 20;
};

// A linear support vector machine with squared hinge loss, by dual coordinate descent (Hsieh et al.,
// "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML 2008). Each spam is learnt
// from under the five obfuscations as well.
class Trainer {
 public:
  explicit Trainer(const Folding& folding, TrainingOptions options = {})
      : folding_(folding), options_(options) {}

  // Learns from `examples`; with `calibrate`, five further models judge what they have not seen to
  // find the score's slope and the margin to hold at.
  Model train(std::span<const Example> examples, std::uint32_t version, bool calibrate) const;

  // The margin of each example, judged by a model that learnt from the other folds (example i is in
  // fold i mod folds of a fixed shuffle).
  struct Judged {
    std::vector<double> margins;                  // as written
    std::vector<std::vector<double>> obfuscated;  // [kind][i], spam only; ham is 0
  };
  Judged cross_validate(std::span<const Example> examples, unsigned folds, bool obfuscated) const;

 private:
  struct Vector;
  Vector vector_of(std::string_view text) const;
  Model fit(std::span<const Vector> vectors, std::uint32_t version) const;

  // An example, and each spam under each obfuscation.
  std::vector<std::vector<Vector>> vectors_of(std::span<const Example> examples) const;

  const Folding& folding_;
  TrainingOptions options_;
};

// What margins are worth.
struct Quality {
  std::uint32_t spam = 0, ham = 0;
  double recall_at_1_in_1000 = 0;  // share of spam found where at most 0.1 % of ham is
  double recall_at_5_in_1000 = 0;
  double threshold_1 = 0, threshold_5 = 0;  // the margins at those
  double best_f1 = 0;
};
Quality quality_of(std::span<const Example> examples, std::span<const double> margins);

// Share of spam whose margin is above `threshold`.
double recall_above(std::span<const Example> examples, std::span<const double> margins,
                    double threshold);

}  // namespace amicale::domain::antispam
