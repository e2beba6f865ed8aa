// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>

#include "server/domain/limits.h"
#include "server/domain/proposal.h"
#include "server/domain/report.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"
#include "storage/audit.h"

namespace amicale::queries {
namespace {

namespace limits = domain::limits;
using storage::PartitionId;

// The stream, when it is one that has a provable log.
Result<PartitionId> audited_stream(const v1::StreamId& stream) {
  auto id = storage::partition_of(stream);
  if (!id || (id->kind != v1::STREAM_KIND_CLUB && id->kind != v1::STREAM_KIND_SITE)) {
    return domain::bad_request("stream");
  }
  return *id;
}

Result<void> may_read_all(const View& view, const Caller& caller, PartitionId stream) {
  if (stream.kind == v1::STREAM_KIND_SITE) {
    return domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                       domain::Action::read_site);
  }
  auto allowed = domain::may(actor_in(view, caller, stream.id), domain::Action::read_audit);
  if (allowed && !view.club(stream.id)) return domain::not_found();
  return allowed;
}

// Whoever has a case may check it, whatever became of their membership; to other strangers the stream does not exist.
Result<void> may_check(const View& view, const Caller& caller, PartitionId stream) {
  auto self = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                          domain::Action::read_own_audit);
  if (!self) return self;
  if (!storage::audit_numbers(view, stream, caller.account_id, 0, 1).empty()) return {};
  if (!follow_role(view, caller, stream)) return domain::not_found();
  return {};
}

v1::ClubRole role_in(const View& view, PartitionId club, uint64_t account_id) {
  const auto member = view.member(club.id, account_id);
  return member ? member->role() : v1::CLUB_ROLE_UNSPECIFIED;
}

bool may_open_report(const View& view, const Caller& caller, PartitionId stream, uint64_t id) {
  const auto row = view.report(stream, id);
  return row && domain::may_judge(row->report(), role_in(view, stream, row->report().account_id()),
                                  actor_in(view, caller, stream.id));
}

bool may_open_proposal(const View& view, const Caller& caller, PartitionId stream, uint64_t id) {
  const auto row = view.proposal(stream, id);
  if (!row) return false;
  const uint64_t about = row->proposal().account_id();
  const auto account = view.account(about);
  return domain::may_see(row->proposal(), role_in(view, stream, about),
                         account ? account->site_role() : v1::SITE_ROLE_NONE,
                         actor_in(view, caller, stream.id));
}

// Whether what the record holds is for the caller. Of a report, and of what takes two, only who may judge it learns anything, as
// when they are listed: a committee member whom it is about reads no more of it here.
bool may_open(const View& view, const Caller& caller, PartitionId stream,
              const v1::AuditRecord& record, const v1::AuditOpening& opening) {
  switch (record.act()) {
    case v1::Event::kReportClaimed:
    case v1::Event::kReportResolved:
    case v1::Event::kActProposed:
    case v1::Event::kProposalClosed: break;
    default: return true;
  }
  v1::Event details;
  if (opening.details_salt().empty() || !details.ParseFromString(opening.details())) return false;
  switch (details.body_case()) {
    case v1::Event::kReportClaimed:
      return may_open_report(view, caller, stream, details.report_claimed().report_id());
    case v1::Event::kReportResolved:
      return may_open_report(view, caller, stream, details.report_resolved().report_id());
    case v1::Event::kActProposed:
      return may_open_proposal(view, caller, stream,
                               details.act_proposed().proposal().proposal_id());
    case v1::Event::kProposalClosed:
      return may_open_proposal(view, caller, stream, details.proposal_closed().proposal_id());
    default: return false;
  }
}

}  // namespace

std::optional<v1::AuditHead> audit_head(const View& view, PartitionId stream,
                                        const AuditSigner& signer) {
  const uint64_t size = storage::audit_size(view, stream);
  if (size == 0) return std::nullopt;
  auto head = storage::audit_head(view, stream, size, signer.epoch);
  signer.key.sign(head);
  return head;
}

Result<v1::GetAuditProofReply> audit_proof(const View& view, const Caller& caller,
                                           const v1::GetAuditProof& request,
                                           const AuditSigner& signer) {
  auto stream = audited_stream(request.stream());
  if (!stream) return std::unexpected(stream.error());
  const bool own = request.account_id() != 0 && request.account_id() == caller.account_id;
  auto allowed = own ? may_check(view, caller, *stream) : may_read_all(view, caller, *stream);
  if (!allowed) return std::unexpected(allowed.error());

  v1::GetAuditProofReply reply;
  const uint64_t now = storage::audit_size(view, *stream);
  const uint64_t size = request.size() == 0 ? now : request.size();
  if (size > now) return domain::not_found();
  if (size == 0) return reply;
  *reply.mutable_head() = storage::audit_head(view, *stream, size, signer.epoch);
  signer.key.sign(*reply.mutable_head());

  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::audit_page : request.page(), 1, limits::audit_page);
  // One more than the page: whether there is a next one.
  auto numbers =
      storage::audit_numbers(view, *stream, request.account_id(), request.after(), page + 1);
  std::erase_if(numbers, [size](uint64_t number) { return number > size; });
  std::size_t bytes = 0;
  for (const uint64_t number : numbers) {
    // A page ends early rather than outgrow a frame.
    if (static_cast<std::size_t>(reply.records_size()) == page ||
        bytes >= limits::server_frame_bytes / 2) {
      reply.set_next(reply.records().rbegin()->record().number());
      break;
    }
    auto record = storage::audit_record(view, *stream, number);
    if (!record) throw storage::Error("no record " + std::to_string(number));
    auto& proven = *reply.add_records();
    auto opening = storage::audit_opening(view, *record);
    proven.mutable_opening();
    if (may_open(view, caller, *stream, *record, opening))
      *proven.mutable_opening() = std::move(opening);
    *proven.mutable_record() = std::move(*record);
    for (auto& hash : storage::audit_path(view, *stream, number, size)) {
      proven.add_path(std::move(hash));
    }
    bytes += proven.ByteSizeLong();
  }
  return reply;
}

Result<v1::GetAuditConsistencyReply> audit_consistency(const View& view, const Caller& caller,
                                                       const v1::GetAuditConsistency& request) {
  auto stream = audited_stream(request.stream());
  if (!stream) return std::unexpected(stream.error());
  if (auto allowed = may_check(view, caller, *stream); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (request.from_size() == 0 || request.from_size() > request.to_size()) {
    return domain::bad_request("from_size");
  }
  if (request.to_size() > storage::audit_size(view, *stream)) return domain::not_found();
  v1::GetAuditConsistencyReply reply;
  for (auto& hash :
       storage::audit_consistency(view, *stream, request.from_size(), request.to_size())) {
    reply.add_path(std::move(hash));
  }
  return reply;
}

}  // namespace amicale::queries
