// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/ticket.h"

#include <utility>

namespace amicale::http {

Ticket::Ticket(runtime::Shard& front, Admission& admission, std::optional<Address> counted)
    : front_(&front), admission_(&admission), counted_(counted) {}

Ticket::Ticket(Ticket&& other) noexcept
    : front_(std::exchange(other.front_, nullptr)),
      admission_(other.admission_),
      counted_(std::move(other.counted_)),
      authenticated_(other.authenticated_) {}

Ticket::~Ticket() {
  if (front_ == nullptr) return;
  front_->post([admission = admission_, counted = counted_, proved = authenticated_] {
    if (counted)
      admission->ended(*counted, proved);
    else
      admission->ended_uncounted();
  });
}

void Ticket::authenticated() {
  if (!counted_ || std::exchange(authenticated_, true)) return;
  front_->post(
      [admission = admission_, counted = *counted_] { admission->authenticated(counted); });
}

runtime::Task<Verdict> Ticket::claim(Address counted) {
  auto claim = [admission = admission_, counted] { return admission->claim(counted); };
  const auto verdict = co_await front_->call(std::move(claim));
  if (verdict == Verdict::kAdmitted) counted_ = counted;
  co_return verdict;
}

}  // namespace amicale::http
