// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Commands that keep order. The request outlives the call.
#pragma once

#include "amicale/v1/moderation.pb.h"
#include "server/commands/gate.h"

namespace amicale::commands {

Answer<v1::Committed> impose_sanction(Gate& gate, Caller caller, const v1::ImposeSanction& request);
Answer<v1::Committed> lift_sanction(Gate& gate, Caller caller, const v1::LiftSanction& request);

Answer<v1::Committed> remove_messages(Gate& gate, Caller caller, const v1::RemoveMessages& request);
Answer<v1::Committed> undo_removal(Gate& gate, Caller caller, const v1::UndoRemoval& request);

Answer<v1::Committed> file_report(Gate& gate, Caller caller, const v1::FileReport& request);
Answer<v1::Committed> claim_report(Gate& gate, Caller caller, const v1::ClaimReport& request);
Answer<v1::Committed> resolve_report(Gate& gate, Caller caller, const v1::ResolveReport& request);

Answer<v1::Committed> appeal_sanction(Gate& gate, Caller caller, const v1::AppealSanction& request);
// Of a ban from the whole site: by name and password, since it leaves no device.
Answer<v1::AppealSiteBanReply> appeal_site_ban(Gate& gate, Caller caller,
                                               const v1::AppealSiteBan& request);
Answer<v1::Committed> answer_appeal(Gate& gate, Caller caller, const v1::AnswerAppeal& request);
Answer<v1::Committed> decide_appeal(Gate& gate, Caller caller, const v1::DecideAppeal& request);

Answer<v1::Committed> decide_proposal(Gate& gate, Caller caller, const v1::DecideProposal& request);
Answer<v1::Committed> withdraw_proposal(Gate& gate, Caller caller,
                                        const v1::WithdrawProposal& request);

Answer<v1::Committed> start_raid_mode(Gate& gate, Caller caller, const v1::StartRaidMode& request);
Answer<v1::Committed> end_raid_mode(Gate& gate, Caller caller, const v1::EndRaidMode& request);

// Says of a club's raid mode (room 0), or of a room's slow mode that began by itself, that its time is over. True: something
// had to be said.
Answer<bool> lapse_measure(Gate& gate, uint64_t club, uint64_t room);

// Says of an account's sanctions in a club whose time is over that it is. True: something had to be said, so that
// whatever was refused by them may be asked again.
Answer<bool> lapse_sanctions(Gate& gate, uint64_t club, uint64_t account);

// SANCTIONED when a sanction that stands in one of the account's clubs forbids to change the name that is shown there.
domain::Result<void> check_free_to_rename(const storage::View& view, uint64_t account,
                                          int64_t now_ms);

}  // namespace amicale::commands
