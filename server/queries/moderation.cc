// SPDX-License-Identifier: AGPL-3.0-or-later
#include <algorithm>
#include <functional>
#include <tuple>
#include <unordered_map>

#include "server/domain/limits.h"
#include "server/domain/proposal.h"
#include "server/domain/raid.h"
#include "server/domain/report.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"

namespace amicale::queries {

namespace limits = domain::limits;

namespace {

// What was kept of a room that the reader does not read stays with those who do.
template <class Case>
void keep_readable(const View& view, const Caller& caller, uint64_t club_id, Case& one) {
  auto& evidence = *one.mutable_evidence();
  for (int i = evidence.size(); i-- > 0;) {
    const auto stream = storage::PartitionId::club(club_id);
    if (!read_room(view, caller, stream, evidence[i].room_id())) evidence.DeleteSubrange(i, 1);
  }
}

// What waits too long in a club to practise on waits for nobody.
bool is_sandbox(const View& view, uint64_t club_id) {
  return view.club(club_id).value_or(v1::Club{}).sandbox();
}

// Who has just come to a club, each looked up once. Lives for one answer.
class Newcomers {
 public:
  Newcomers(const View& view, uint64_t club_id, int64_t now_ms)
      : view_(view),
        club_id_(club_id),
        since_ms_(domain::newcomers_since(view.raid(club_id).value_or(v1::RaidMode{}), now_ms)) {}

  bool has(uint64_t account) {
    auto [known, fresh] = known_.try_emplace(account, false);
    if (fresh) {
      domain::ClubState club(club_id_);
      if (auto member = view_.member(club_id_, account)) club.load(*member);
      const auto* found = club.find_member(account);
      known->second = found != nullptr && domain::is_newcomer(*found, since_ms_);
    }
    return known->second;
  }

 private:
  const View& view_;
  const uint64_t club_id_;
  const int64_t since_ms_;
  std::unordered_map<uint64_t, bool> known_;
};

}  // namespace

Result<v1::ListSanctionsReply> sanctions(const View& view, const Caller& caller,
                                         const v1::ListSanctions& request) {
  auto allowed =
      domain::may(actor_in(view, caller, request.club_id()), domain::Action::list_sanctions);
  if (!allowed) return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::sanctions_page : request.page(), 1, limits::sanctions_page);
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  const auto club = storage::PartitionId::club(request.club_id());
  v1::ListSanctionsReply reply;
  std::size_t bytes = 0;
  uint64_t before = request.before();
  for (;;) {
    const auto rows = view.sanctions_of(club, before, page);
    for (const auto& row : rows) {
      const auto& sanction = row.sanction();
      before = sanction.sanction_id();
      const bool wanted =
          (request.account_id() == 0 || request.account_id() == sanction.account_id()) &&
          (!request.standing() || sanction.end() == v1::SANCTION_END_UNSPECIFIED);
      if (wanted) {
        auto& one = *reply.add_cases();
        *one.mutable_sanction() = sanction;
        // Never for the person, whatever office they hold.
        if (sanction.account_id() != caller.account_id) one.set_note(row.note());
        if (row.has_appeal()) *one.mutable_appeal() = row.appeal();
        *one.mutable_evidence() = row.evidence();
        keep_readable(view, caller, request.club_id(), one);
        bytes += one.ByteSizeLong();
      }
      if (static_cast<std::size_t>(reply.cases_size()) == page || bytes >= most_bytes) {
        if (before > 1) reply.set_next(before);
        return reply;
      }
    }
    if (rows.size() < page) return reply;
  }
}

Result<v1::ListOwnSanctionsReply> own_sanctions(const View& view, const Caller& caller,
                                                const v1::ListOwnSanctions&) {
  v1::ListOwnSanctionsReply reply;
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  std::size_t bytes = 0;
  auto rows = view.sanctions_on(caller.account_id);
  std::ranges::sort(rows, std::greater{}, [](const auto& row) {
    const auto& sanction = row.sanction();
    return std::tuple(sanction.start_ms(), sanction.club_id(), sanction.sanction_id());
  });
  for (auto& row : rows) {
    if (bytes >= most_bytes) break;
    auto& one = *reply.add_cases();
    // The person's own words: nothing is hidden from who said them.
    *one.mutable_evidence() = std::move(*row.mutable_evidence());
    *one.mutable_sanction() = std::move(*row.mutable_sanction());
    if (row.has_appeal()) *one.mutable_appeal() = std::move(*row.mutable_appeal());
    bytes += one.ByteSizeLong();
  }
  return reply;
}

Result<v1::FindMessagesReply> messages_of(const View& view, const Caller& caller,
                                          const v1::FindMessages& request) {
  auto actor = actor_in(view, caller, request.club_id());
  if (auto allowed = domain::may(actor, domain::Action::remove_messages); !allowed)
    return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const auto club = storage::PartitionId::club(request.club_id());
  std::vector<v1::Room> rooms;
  if (request.room_id() == 0) {
    rooms = view.rooms_of(request.club_id());
  } else {
    auto room = read_room(view, caller, club, request.room_id());
    if (!room) return std::unexpected(room.error());
    rooms.push_back(std::move(*room));
  }
  if (request.newcomers() && request.account_id() != 0) return domain::bad_request("account_id");
  Newcomers newcomers(view, request.club_id(), caller.asked_ms);
  constexpr std::size_t page = 500;
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  v1::FindMessagesReply reply;
  std::size_t seen = 0;
  std::size_t bytes = 0;
  for (const auto& room : rooms) {
    const auto state = room_state(room);
    if (!domain::may(actor, domain::Action::read_room, {.room = &state})) continue;
    uint64_t from = room.head_number();
    for (bool recent = true; recent && from != 0;) {
      auto messages = view.messages(club, room.room_id(), from, page, View::Direction::older);
      for (auto& message : messages) {
        // What was imported was said at another time.
        if (message.imported_author().empty() && message.time_ms() < request.since_ms()) {
          recent = false;
          break;
        }
        const bool full = static_cast<uint32_t>(reply.messages_size()) == limits::removal_batch ||
                          bytes >= most_bytes || ++seen > limits::removal_scan;
        if (full) {
          reply.set_more(true);
          return reply;
        }
        const bool wanted = request.newcomers() ? newcomers.has(message.author())
                                                : message.author() == request.account_id();
        if (!wanted || message.author() == 0 || message.deleted()) continue;
        bytes += message.ByteSizeLong();
        *reply.add_messages() = std::move(message);
      }
      from = messages.size() < page ? 0 : messages.back().number() - 1;
    }
  }
  return reply;
}

Result<v1::ListRemovalsReply> removals(const View& view, const Caller& caller,
                                       const v1::ListRemovals& request) {
  auto allowed =
      domain::may(actor_in(view, caller, request.club_id()), domain::Action::list_sanctions);
  if (!allowed) return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::sanctions_page : request.page(), 1, limits::sanctions_page);
  v1::ListRemovalsReply reply;
  auto rows =
      view.removals_of(storage::PartitionId::club(request.club_id()), request.before(), page);
  for (auto& row : rows) *reply.add_removals() = std::move(row);
  if (rows.size() == page && reply.removals(static_cast<int>(page) - 1).removal_id() > 1)
    reply.set_next(reply.removals(static_cast<int>(page) - 1).removal_id());
  return reply;
}

namespace {

// A report as it is shown: what time alone decides is decided now.
v1::Report shown_report(const store::ReportRow& row, int64_t now_ms) {
  v1::Report report = row.report();
  const bool open = report.state() == v1::REPORT_STATE_OPEN;
  report.set_score(open ? domain::score_of(report, row.weight(), now_ms) : 0);
  report.set_escalated(open && report.due_ms() <= now_ms);
  if (report.claimed_until_ms() <= now_ms) {
    report.clear_claimed_by();
    report.clear_claimed_until_ms();
  }
  return report;
}

bool may_judge(const View& view, const v1::Report& report, const domain::Actor& actor) {
  auto subject = view.member(report.club_id(), report.account_id());
  return domain::may_judge(report, subject ? subject->role() : v1::CLUB_ROLE_UNSPECIFIED, actor);
}

}  // namespace

Result<v1::ListReportsReply> reports(const View& view, const Caller& caller,
                                     const v1::ListReports& request) {
  const bool everywhere = request.club_id() == 0;
  const auto actor = everywhere ? domain::actor_on_site(caller.account_id, caller.site_role)
                                : actor_in(view, caller, request.club_id());
  auto allowed = domain::may(
      actor, everywhere ? domain::Action::see_overdue_reports : domain::Action::handle_reports);
  if (!allowed) return std::unexpected(allowed.error());
  if (!everywhere && !view.club(request.club_id())) return domain::not_found();
  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::sanctions_page : request.page(), 1, limits::sanctions_page);
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  const auto club = storage::PartitionId::club(request.club_id());
  const auto wanted_state =
      request.state() == v1::REPORT_STATE_UNSPECIFIED ? v1::REPORT_STATE_OPEN : request.state();
  v1::ListReportsReply reply;
  std::size_t bytes = 0;
  const auto wanted = [&](const v1::Report& report) {
    if (everywhere && is_sandbox(view, report.club_id())) return false;
    return report.state() == wanted_state &&
           (request.account_id() == 0 || request.account_id() == report.account_id()) &&
           (!request.mine() || report.claimed_by() == caller.account_id) &&
           may_judge(view, report, actor);
  };
  const auto add = [&](v1::Report report) {
    bytes += report.ByteSizeLong();
    *reply.add_reports() = std::move(report);
    return static_cast<std::size_t>(reply.reports_size()) < page && bytes < most_bytes;
  };
  if (everywhere || wanted_state == v1::REPORT_STATE_OPEN) {
    std::vector<v1::Report> open;
    for (const auto& row : everywhere ? view.overdue_reports(caller.asked_ms, limits::open_reports)
                                      : view.open_reports(club)) {
      auto report = shown_report(row, caller.asked_ms);
      if (wanted(report)) open.push_back(std::move(report));
    }
    std::ranges::sort(open, [](const v1::Report& a, const v1::Report& b) {
      if (a.score() != b.score()) return a.score() > b.score();
      return std::pair(a.club_id(), a.report_id()) < std::pair(b.club_id(), b.report_id());
    });
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (!add(std::move(open[i]))) {
        reply.set_more(i + 1 < open.size());
        break;
      }
    }
    return reply;
  }
  uint64_t before = request.before();
  for (;;) {
    const auto rows = view.reports_of(club, before, page);
    for (const auto& row : rows) {
      before = row.report().report_id();
      auto report = shown_report(row, caller.asked_ms);
      if (!wanted(report) || add(std::move(report))) continue;
      if (before > 1) reply.set_next(before);
      return reply;
    }
    if (rows.size() < page) return reply;
  }
}

Result<v1::ListAppealsReply> appeals(const View& view, const Caller& caller,
                                     const v1::ListAppeals& request) {
  const bool everywhere = request.club_id() == 0;
  const auto actor = everywhere ? domain::actor_on_site(caller.account_id, caller.site_role)
                                : actor_in(view, caller, request.club_id());
  auto allowed = domain::may(
      actor, everywhere ? domain::Action::see_overdue_reports : domain::Action::handle_appeals);
  if (!allowed) return std::unexpected(allowed.error());
  if (!everywhere && !view.club(request.club_id())) return domain::not_found();
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  const auto rows = everywhere ? view.overdue_appeals(caller.asked_ms, limits::sanctions_page + 1)
                               : view.open_appeals(storage::PartitionId::club(request.club_id()));
  v1::ListAppealsReply reply;
  std::size_t bytes = 0;
  for (const auto& row : rows) {
    const auto& sanction = row.sanction();
    if (sanction.account_id() == caller.account_id) continue;
    if (everywhere && is_sandbox(view, sanction.club_id())) continue;
    if (bytes >= most_bytes ||
        static_cast<std::size_t>(reply.cases_size()) == limits::sanctions_page) {
      reply.set_more(true);
      break;
    }
    auto& one = *reply.add_cases();
    one.set_note(row.note());
    *one.mutable_appeal() = row.appeal();
    *one.mutable_evidence() = row.evidence();
    *one.mutable_sanction() = sanction;
    keep_readable(view, caller, sanction.club_id(), one);
    bytes += one.ByteSizeLong();
  }
  return reply;
}

Result<v1::ListProposalsReply> proposals(const View& view, const Caller& caller,
                                         const v1::ListProposals& request) {
  const auto actor = actor_in(view, caller, request.club_id());
  if (auto allowed = domain::may(actor, domain::Action::second_act); !allowed)
    return std::unexpected(allowed.error());
  if (!view.club(request.club_id())) return domain::not_found();
  const std::size_t page = std::clamp<std::size_t>(
      request.page() == 0 ? limits::sanctions_page : request.page(), 1, limits::sanctions_page);
  constexpr std::size_t most_bytes = limits::server_frame_bytes / 2;
  const auto club = storage::PartitionId::club(request.club_id());
  // A club's time never goes back, even when the clock does.
  const int64_t now_ms = std::max(caller.asked_ms, view.head(club).time_ms());
  v1::ListProposalsReply reply;
  std::size_t bytes = 0;
  uint64_t before = request.before();
  for (;;) {
    const auto rows = view.proposals_of(club, before, page);
    for (const auto& row : rows) {
      const auto& proposal = row.proposal();
      before = proposal.proposal_id();
      const auto state = domain::state_at(proposal, now_ms);
      if (!request.closed() && state != v1::PROPOSAL_STATE_OPEN) continue;
      const auto subject = view.member(request.club_id(), proposal.account_id());
      const auto account = view.account(proposal.account_id());
      if (!domain::may_see(proposal, subject ? subject->role() : v1::CLUB_ROLE_UNSPECIFIED,
                           account ? account->site_role() : v1::SITE_ROLE_NONE, actor)) {
        continue;
      }
      auto& one = *reply.add_cases();
      *one.mutable_proposal() = proposal;
      one.mutable_proposal()->set_state(state);
      *one.mutable_evidence() = row.evidence();
      keep_readable(view, caller, request.club_id(), one);
      bytes += one.ByteSizeLong();
      if (static_cast<std::size_t>(reply.cases_size()) == page || bytes >= most_bytes) {
        if (before > 1) reply.set_next(before);
        return reply;
      }
    }
    if (rows.size() < page) return reply;
  }
}

}  // namespace amicale::queries
