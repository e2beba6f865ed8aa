// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/charter.h"

#include "server/commands/on_behalf.h"
#include "server/domain/charter.h"

namespace amicale::commands {
namespace {

using log::Deciding;
using storage::PartitionId;

domain::Actor actor(const Deciding& now, const Caller& caller) {
  return domain::actor_in(now.club(), caller.account_id, caller.site_role, now.now_ms);
}

}  // namespace

Answer<v1::Committed> propose_charter(Gate& gate, Caller caller,
                                      const v1::ProposeCharter& request) {
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller](const Deciding& now) {
    return decide_for(now.club(), request, actor(now, caller), [&](const domain::Actor& who) {
      return domain::propose_charter(now.club(), request, who, now.now_ms);
    });
  };
  co_return committed_of(co_await commit(gate, caller, PartitionId::club(request.club_id()),
                                         v1::ClientFrame::kProposeCharter, request.client_msg_id(),
                                         std::move(decide)));
}

Answer<v1::Committed> accept_charter(Gate& gate, Caller caller, const v1::AcceptCharter& request) {
  if (request.club_id() == 0) co_return domain::bad_request("club_id");
  Decide decide = [&request, caller](const Deciding& now) {
    return domain::accept_charter(now.club(), request, actor(now, caller));
  };
  co_return committed_of(co_await commit(gate, caller, PartitionId::club(request.club_id()),
                                         v1::ClientFrame::kAcceptCharter, request.client_msg_id(),
                                         std::move(decide)));
}

}  // namespace amicale::commands
