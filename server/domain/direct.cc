// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/direct.h"

#include <algorithm>

#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

// The conversation as it stands, to be changed and appended whole.
v1::DirectChanged present(const DirectState& direct) {
  v1::DirectChanged changed;
  changed.set_status(direct.status());
  changed.set_requested_by(direct.requested_by());
  changed.set_introduction(direct.introduction());
  changed.mutable_blocked_by()->Assign(direct.blocked_by().begin(), direct.blocked_by().end());
  return changed;
}

Decision change_to(const DirectState& direct, v1::DirectStatus status) {
  Decision decision{.object_id = direct.id()};
  v1::DirectChanged& changed = *decision.add(stream_followers).event.mutable_direct_changed();
  changed = present(direct);
  changed.set_status(status);
  return decision;
}

}  // namespace

Result<Decision> open_direct(const DirectState& direct, const DirectFacts& facts,
                             const v1::OpenDirect& request, std::uint64_t account_id) {
  if (request.account_id() == account_id) return bad_request("account_id", "direct.oneself");
  if (!direct.is_side(account_id)) return not_found();
  const bool asked_before = direct.status() != v1::DIRECT_STATUS_UNSPECIFIED;
  if (!asked_before && !facts.share_a_club) return not_found();
  if (!direct.blocked_by().empty()) return refuse(v1::REFUSAL_CODE_BLOCKED);
  if (auto checked = check_paragraph(request.introduction(), "introduction", limits::purpose_bytes);
      !checked) {
    return std::unexpected(checked.error());
  }

  const bool i_asked = direct.requested_by() == account_id;
  switch (direct.status()) {
    case v1::DIRECT_STATUS_OPEN: return Decision{.object_id = direct.id()};
    case v1::DIRECT_STATUS_REQUESTED:
      if (i_asked) return Decision{.object_id = direct.id()};
      return change_to(direct, v1::DIRECT_STATUS_OPEN);
    case v1::DIRECT_STATUS_DECLINED:
      if (i_asked) return refuse(v1::REFUSAL_CODE_CONFLICT, "direct.declined");
      return change_to(direct, v1::DIRECT_STATUS_OPEN);
    default: {
      if (facts.unanswered >= limits::direct_requests)
        return refuse(v1::REFUSAL_CODE_CONFLICT, "direct.requests");
      Decision decision = change_to(direct, v1::DIRECT_STATUS_REQUESTED);
      v1::DirectChanged& changed = *decision.events.front().event.mutable_direct_changed();
      changed.set_requested_by(account_id);
      changed.set_introduction(request.introduction());
      return decision;
    }
  }
}

Result<Decision> answer_direct(const DirectState& direct, const v1::AnswerDirect& request,
                               std::uint64_t account_id) {
  if (!direct.is_side(account_id) || direct.status() == v1::DIRECT_STATUS_UNSPECIFIED) {
    return not_found();
  }
  if (!direct.blocked_by().empty()) return refuse(v1::REFUSAL_CODE_BLOCKED);
  if (direct.requested_by() == account_id) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "direct.not_asked");
  }
  const v1::DirectStatus wanted =
      request.accept() ? v1::DIRECT_STATUS_OPEN : v1::DIRECT_STATUS_DECLINED;
  if (direct.status() == wanted) return Decision{.object_id = direct.id()};
  // What was accepted is ended by a block, not by declining afterwards.
  if (direct.status() == v1::DIRECT_STATUS_OPEN) {
    return refuse(v1::REFUSAL_CODE_CONFLICT, "direct.not_asked");
  }
  return change_to(direct, wanted);
}

Result<Decision> block_direct(const DirectState& direct, const DirectFacts& facts,
                              const v1::BlockDirect& request, std::uint64_t account_id) {
  if (request.account_id() == account_id) return bad_request("account_id", "direct.oneself");
  if (!direct.is_side(account_id)) return not_found();
  // The other side's block is not told here either.
  const bool known =
      direct.status() != v1::DIRECT_STATUS_UNSPECIFIED || direct.is_blocked_by(account_id);
  if (!known && !facts.share_a_club) return not_found();

  Decision decision{.object_id = direct.id()};
  if (direct.is_blocked_by(account_id) == !request.unblock()) return decision;
  v1::DirectChanged& changed = *decision.add(0, account_id).event.mutable_direct_changed();
  changed = present(direct);
  if (request.unblock()) {
    auto& blocked_by = *changed.mutable_blocked_by();
    blocked_by.erase(std::ranges::find(blocked_by, account_id));
  } else {
    changed.add_blocked_by(account_id);
  }
  return decision;
}

Result<void> check_talking(const DirectState& direct) {
  if (!direct.blocked_by().empty()) return refuse(v1::REFUSAL_CODE_BLOCKED);
  if (direct.status() != v1::DIRECT_STATUS_OPEN) return refuse(v1::REFUSAL_CODE_CONSENT_NEEDED);
  return {};
}

}  // namespace amicale::domain
