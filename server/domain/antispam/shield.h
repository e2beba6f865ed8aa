// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "server/domain/antispam/judge.h"

namespace amicale::domain::antispam {

// What the whole site judges by: the filter, and the rules of each club. Made at start, constant
// afterwards: read from any thread.
class Shield {
 public:
  Shield() = default;
  explicit Shield(Filter filter) : filter_(std::move(filter)) {}

  const Filter& filter() const { return filter_; }
  const Rules& rules_of(std::uint64_t club_id) const {
    const auto own = by_club_.find(club_id);
    return own != by_club_.end() ? own->second : everywhere_;
  }
  void set_everywhere(Rules rules) { everywhere_ = std::move(rules); }
  void set_club(std::uint64_t club_id, Rules rules) { by_club_[club_id] = std::move(rules); }

 private:
  Filter filter_;
  Rules everywhere_ = Rules::standard();
  std::unordered_map<std::uint64_t, Rules> by_club_;
};

}  // namespace amicale::domain::antispam
