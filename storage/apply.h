// SPDX-License-Identifier: AGPL-3.0-or-later
//
// From events to rows: the only code that writes derived rows (the head's excepted, which append
// writes). A pure function of the partition's log: applied again from the start, it makes the same
// rows, byte for byte. It therefore reads only rows of its own partition, takes no clock and no
// chance, and passes over what it does not know.
//
//   SiteCreated            SiteRow
//   ClubRegistered         slug index, SiteRow.last_club_id
//   AccountRegistered      AccountRow (site's half), login index, SiteRow.last_account_id
//   SiteRoleChanged        AccountRow (site's half)
//   ProfileChanged         AccountRow (own half): name and language
//   PasswordChanged        AccountRow (own half)
//   TokenIssued/Revoked    TokenRow and its index
//   ReadMarked, LevelSet   ReadMark (the greater wins), RoomLevel
//   DirectNoticed, MembershipNoticed                none: they only tell the reader
//   ClubCreated/Changed    Club
//   RoomCreated/Changed    Room; a change keeps head_number and pins
//   MemberChanged          Member, membership index, RoleRow at seq, Club.active_members, StandingRow
//   Invitation*            InvitationRow and its index
//   MessagePosted          Message, Room.head_number or DirectRow.head_number, StandingRow to 100
//   MessageHeld            HeldMessage
//   HeldReviewed           HeldMessage; StandingRow of a rejected author
//   MemberQuieted          none: it lasts minutes, and is read from the log
//   MessageEdited/Deleted, ReactionChanged          Message; StandingRow, when another deletes it
//   MessagePinned          Room.pins
//   DirectChanged          DirectRow and both indexes
//   any, with private_part.request_kind             IdempotencyRow
//   what audit.cc's table calls an act              AuditRecord, its index, and the rows of its tree
#pragma once

#include "amicale/v1/event.pb.h"
#include "amicale/v1/message.pb.h"
#include "storage/audit.h"
#include "storage/batch.h"
#include "storage/partition.h"
#include "store/log.pb.h"

namespace amicale::storage {

// Cannot fail, except for a disk that can't be read or a row that does not parse (Error). Answers
// whether the event is an act, and so has a record in the provable log (audit.h).
bool apply(Batch& batch, PartitionId partition, const v1::Event& event,
           const store::PrivatePart& private_part, const EntrySeal& seal);

// What the answer to a command says of a text that was held or advised against.
void tell_author(const v1::Event& event, const store::PrivatePart& private_part,
                 v1::Committed& committed);

}  // namespace amicale::storage
