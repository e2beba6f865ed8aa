// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/training.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "server/domain/antispam/links.h"
#include "server/domain/antispam/obfuscation.h"

namespace amicale::domain::antispam {
namespace {

constexpr std::uint64_t seed = 20'240'501;  // any; fixed, so that training repeats itself
constexpr std::size_t links_counted = 16;

#ifdef __clang__
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
constexpr unsigned char seed_file[] = {
#embed "seed.tsv"
};

std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t with) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::uint64_t state = mix(with + 1);
  for (std::size_t i = count; i > 1; --i) {
    state = mix(state + 0x9e3779b97f4a7c15);
    std::swap(order[i - 1], order[state % i]);
  }
  return order;
}

}  // namespace

std::string_view seed_lines() {
  return {reinterpret_cast<const char*>(seed_file), sizeof seed_file};
}

// A text as the learner sees it: buckets with their values, sorted by nothing.
struct Trainer::Vector {
  std::vector<std::pair<std::uint32_t, float>> values;
  double norm = 0;  // squared
  double cost = 1;
  bool spam = false;
};

Trainer::Vector Trainer::vector_of(std::string_view text) const {
  const NormalText normal(folding_, text);
  Features features;
  features.extract(normal, text, find_links(folding_, normal, text, links_counted).size());
  Vector vector;
  for (std::size_t kind = 0; kind < options_.loudness.size(); ++kind) {
    const auto list = features.of(static_cast<FeatureKind>(kind));
    const auto value =
        static_cast<float>(options_.loudness[kind] /
                           std::sqrt(static_cast<double>(std::max<std::size_t>(1, list.size()))));
    for (const std::uint32_t bucket : list) vector.values.emplace_back(bucket, value);
  }
  for (const auto& [bucket, value] : vector.values) vector.norm += double{value} * value;
  vector.norm += 1;  // the bias
  return vector;
}

std::vector<std::vector<Trainer::Vector>> Trainer::vectors_of(
    std::span<const Example> examples) const {
  std::vector<std::vector<Vector>> vectors(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Example& example = examples[i];
    Vector& own = vectors[i].emplace_back(vector_of(example.text));
    own.spam = example.spam;
    own.cost = example.spam ? options_.spam_cost : options_.ham_cost;
    if (!example.spam) continue;
    for (std::size_t kind = 0; kind < obfuscation_names.size(); ++kind) {
      const std::uint64_t each = seed + i * 5 + kind;
      const auto share = 300 + static_cast<std::uint32_t>(mix(each) % 701);
      Vector& disguised = vectors[i].emplace_back(
          vector_of(obfuscate(example.text, static_cast<Obfuscation>(kind), share, each)));
      disguised.spam = true;
      disguised.cost = options_.disguised_cost;
    }
  }
  return vectors;
}

Model Trainer::fit(std::span<const Vector> vectors, std::uint32_t version) const {
  std::vector<double> weights(feature_buckets, 0.0);
  double bias = 0;
  std::vector<double> alphas(vectors.size(), 0.0);
  for (unsigned pass = 0; pass < options_.passes; ++pass) {
    double largest = 0;
    for (const std::uint32_t i : shuffled(vectors.size(), seed + pass)) {
      const Vector& vector = vectors[i];
      const double y = vector.spam ? 1 : -1;
      const double diagonal = 0.5 / vector.cost;
      double dot = bias;
      for (const auto& [bucket, value] : vector.values) dot += weights[bucket] * value;
      const double gradient = y * dot - 1 + alphas[i] * diagonal;
      const double projected = alphas[i] == 0 ? std::min(gradient, 0.0) : gradient;
      if (projected == 0) continue;
      largest = std::max(largest, std::abs(projected));
      const double old = alphas[i];
      alphas[i] = std::max(old - gradient / (vector.norm + diagonal), 0.0);
      const double step = (alphas[i] - old) * y;
      for (const auto& [bucket, value] : vector.values) weights[bucket] += step * value;
      bias += step;
    }
    if (largest < 1e-3) break;
  }
  double loudest = 1e-9;
  for (const double weight : weights) loudest = std::max(loudest, std::abs(weight));
  Model model;
  model.version_ = version;
  for (std::size_t kind = 0; kind < model.scales_.size(); ++kind) {
    model.scales_[kind] = static_cast<float>(options_.loudness[kind] * loudest / 127);
  }
  model.bias_ = static_cast<float>(bias);
  model.slope_ = 3;
  model.weights_.resize(feature_buckets);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    model.weights_[i] = static_cast<std::int8_t>(std::lround(weights[i] / loudest * 127));
  }
  return model;
}

Trainer::Judged Trainer::cross_validate(std::span<const Example> examples, unsigned folds,
                                        bool obfuscated) const {
  Judged judged;
  judged.margins.resize(examples.size());
  if (obfuscated) {
    judged.obfuscated.assign(obfuscation_names.size(), std::vector<double>(examples.size()));
  }
  const auto order = shuffled(examples.size(), seed);
  std::vector<unsigned> fold_of(examples.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    fold_of[order[place]] = static_cast<unsigned>(place % folds);
  }
  const std::vector<std::vector<Vector>> vectors = vectors_of(examples);
  Features features;
  const auto margin_of = [&](const Model& model, std::string_view text) {
    const NormalText normal(folding_, text);
    features.extract(normal, text, find_links(folding_, normal, text, links_counted).size());
    return model.score(features).margin;
  };
  for (unsigned fold = 0; fold < folds; ++fold) {
    std::vector<Vector> taught;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (fold_of[i] == fold) continue;
      taught.insert(taught.end(), vectors[i].begin(), vectors[i].end());
    }
    const Model model = fit(taught, 0);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (fold_of[i] != fold) continue;
      judged.margins[i] = margin_of(model, examples[i].text);
      if (!obfuscated || !examples[i].spam) continue;
      for (std::size_t kind = 0; kind < obfuscation_names.size(); ++kind) {
        judged.obfuscated[kind][i] = margin_of(
            model, obfuscate(examples[i].text, static_cast<Obfuscation>(kind), 1000, seed - i));
      }
    }
  }
  return judged;
}

Model Trainer::train(std::span<const Example> examples, std::uint32_t version,
                     bool calibrate) const {
  std::vector<Vector> taught;
  for (std::vector<Vector>& each : vectors_of(examples)) {
    std::ranges::move(each, std::back_inserter(taught));
  }
  Model model = fit(taught, version);
  if (!calibrate) return model;

  // Platt's sigmoid on margins of texts not seen, by gradient descent on two numbers.
  const Judged judged = cross_validate(examples, 5, false);
  const Quality quality = quality_of(examples, judged.margins);
  model.hold_ = static_cast<float>(quality.threshold_1);
  double slope = 3, offset = 0;
  for (unsigned step = 0; step < 2'000; ++step) {
    double by_slope = 0, by_offset = 0;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const double wrong = 1.0 / (1.0 + std::exp(-(slope * judged.margins[i] + offset))) -
                           (examples[i].spam ? 1.0 : 0.0);
      by_slope += wrong * judged.margins[i];
      by_offset += wrong;
    }
    const double rate = 4.0 / static_cast<double>(examples.size());
    slope -= rate * by_slope;
    offset -= rate * by_offset;
  }
  model.slope_ = static_cast<float>(slope);
  model.offset_ = static_cast<float>(offset);
  return model;
}

Quality quality_of(std::span<const Example> examples, std::span<const double> margins) {
  Quality quality;
  std::vector<std::pair<double, bool>> ranked;
  ranked.reserve(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    ranked.emplace_back(margins[i], examples[i].spam);
    (examples[i].spam ? quality.spam : quality.ham) += 1;
  }
  // Among equals, ham first: nothing is gained by ties.
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  const auto spam = static_cast<double>(std::max(1u, quality.spam));
  const std::uint32_t allowed_1 = quality.ham / 1000;
  const std::uint32_t allowed_5 = quality.ham * 5 / 1000;
  std::uint32_t found = 0, wrong = 0;
  for (const auto& [margin, is_spam] : ranked) {
    (is_spam ? found : wrong) += 1;
    if (wrong <= allowed_1) {
      quality.recall_at_1_in_1000 = found / spam;
      quality.threshold_1 = margin;
    }
    if (wrong <= allowed_5) {
      quality.recall_at_5_in_1000 = found / spam;
      quality.threshold_5 = margin;
    }
    const double f1 = 2.0 * found / (spam + found + wrong);
    quality.best_f1 = std::max(quality.best_f1, f1);
  }
  return quality;
}

double recall_above(std::span<const Example> examples, std::span<const double> margins,
                    double threshold) {
  std::uint32_t spam = 0, found = 0;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (!examples[i].spam) continue;
    ++spam;
    found += margins[i] >= threshold;
  }
  return spam == 0 ? 0 : static_cast<double>(found) / spam;
}

}  // namespace amicale::domain::antispam
