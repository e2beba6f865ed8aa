// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/admission.h"

#include <cassert>

namespace amicale::http {

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAdmitted: return "admitted";
    case Verdict::kFull: return "full";
    case Verdict::kAddressFull: return "address_full";
    case Verdict::kAddressUnauthenticated: return "address_unauthenticated";
  }
  return "unknown";
}

Verdict Admission::admit(const Address& counted) {
  if (full()) return Verdict::kFull;
  const auto verdict = claim(counted);
  if (verdict == Verdict::kAdmitted) ++total_;
  return verdict;
}

Verdict Admission::admit_uncounted() {
  if (full()) return Verdict::kFull;
  ++total_;
  return Verdict::kAdmitted;
}

Verdict Admission::claim(const Address& counted) {
  const auto found = by_address_.find(counted);
  if (found != by_address_.end()) {
    if (found->second.all >= caps_.per_address) return Verdict::kAddressFull;
    if (found->second.unauthenticated >= caps_.unauthenticated_per_address)
      return Verdict::kAddressUnauthenticated;
  }
  auto& count = by_address_[counted];
  ++count.all;
  ++count.unauthenticated;
  return Verdict::kAdmitted;
}

void Admission::authenticated(const Address& counted) {
  const auto found = by_address_.find(counted);
  assert(found != by_address_.end() && found->second.unauthenticated > 0);
  --found->second.unauthenticated;
}

void Admission::ended(const Address& counted, bool was_authenticated) {
  const auto found = by_address_.find(counted);
  assert(found != by_address_.end() && found->second.all > 0);
  --found->second.all;
  if (!was_authenticated) --found->second.unauthenticated;
  if (found->second.all == 0) by_address_.erase(found);
  --total_;
}

void Admission::ended_uncounted() { --total_; }

}  // namespace amicale::http
