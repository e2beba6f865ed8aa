// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace amicale::domain::antispam {
namespace {

constexpr std::string_view magic = "AMICSPAM";
constexpr std::size_t header_bytes = 8 + 3 * 4 + 7 * 4;

static_assert(std::endian::native == std::endian::little, "the file is read as it lies");

template <class Value>
void put(std::string& out, Value value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class Value>
Value take(std::string_view& in) {
  Value value;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return value;
}

#ifdef __clang__
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
constexpr unsigned char shipped[] = {
#embed "shipped.model"
};

}  // namespace

std::string_view Model::shipped_file() {
  return {reinterpret_cast<const char*>(shipped), sizeof shipped};
}

Result<Model> Model::read(std::string_view file) {
  if (file.size() != header_bytes + feature_buckets || !file.starts_with(magic)) {
    return bad_request("model", "antispam.model");
  }
  std::string_view in = file.substr(magic.size());
  const auto file_format = take<std::uint32_t>(in);
  Model model;
  model.version_ = take<std::uint32_t>(in);
  const auto bits = take<std::uint32_t>(in);
  if (file_format != format || bits != feature_bits) return bad_request("model", "antispam.model");
  for (float* number : {&model.scales_[0], &model.scales_[1], &model.scales_[2], &model.bias_,
                        &model.slope_, &model.offset_, &model.hold_}) {
    *number = take<float>(in);
    if (!std::isfinite(*number)) return bad_request("model", "antispam.model");
  }
  model.weights_.resize(feature_buckets);
  std::memcpy(model.weights_.data(), in.data(), in.size());
  return model;
}

std::string Model::write() const {
  std::string out(magic);
  out.reserve(header_bytes + weights_.size());
  put(out, format);
  put(out, version_);
  put(out, static_cast<std::uint32_t>(feature_bits));
  for (const float number : {scales_[0], scales_[1], scales_[2], bias_, slope_, offset_, hold_}) {
    put(out, number);
  }
  out.append(reinterpret_cast<const char*>(weights_.data()), weights_.size());
  return out;
}

Score Model::score(const Features& features) const {
  if (weights_.empty()) return {};
  double margin = bias_;
  for (std::size_t kind = 0; kind < scales_.size(); ++kind) {
    const auto list = features.of(static_cast<FeatureKind>(kind));
    if (list.empty()) continue;
    std::int64_t sum = 0;
    for (const std::uint32_t bucket : list) sum += weights_[bucket];
    margin += static_cast<double>(scales_[kind]) * static_cast<double>(sum) /
              std::sqrt(static_cast<double>(list.size()));
  }
  const double surety = 1.0 / (1.0 + std::exp(-(slope_ * margin + offset_)));
  return {margin, static_cast<std::uint32_t>(std::clamp(surety * 1000.0, 0.0, 1000.0))};
}

}  // namespace amicale::domain::antispam
