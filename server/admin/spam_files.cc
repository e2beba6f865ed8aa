// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/spam_files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace amicale::admin {
namespace {

std::string contents_of(const Console& console, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw std::runtime_error(console.text(phrase::file_unreadable, file, std::strerror(errno)));
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

domain::antispam::Filter read_filter(const Console& console, const std::string& file) {
  if (file.empty()) return domain::antispam::Filter();
  auto model = domain::antispam::Model::read(contents_of(console, file));
  if (!model) throw std::runtime_error(console.text(phrase::spam_model_bad, file));
  return domain::antispam::Filter(*std::move(model));
}

domain::antispam::Rules read_rules(const Console& console, const domain::antispam::Filter& filter,
                                   const std::string& file) {
  if (file.empty()) return domain::antispam::Rules::standard();
  auto rules = domain::antispam::Rules::parse(filter.folding(), contents_of(console, file));
  if (!rules) {
    throw std::runtime_error(console.text(phrase::spam_rules_bad, file, rules.error().field));
  }
  return *std::move(rules);
}

}  // namespace amicale::admin
