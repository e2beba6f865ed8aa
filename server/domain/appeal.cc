// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/appeal.h"

#include <algorithm>
#include <string>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

// Who hears what is said, beyond the person.
struct Hearers {
  RoleSet roles = 0;
  std::uint64_t account = 0;
};

Hearers hearers_in_club(const v1::Sanction& sanction) {
  return {committee_and_above, sanction.account_id()};
}

constexpr Hearers in_own_stream{stream_followers, 0};

Result<void> check_line(std::string_view text) {
  if (auto checked = check_paragraph(text, "text", limits::purpose_bytes); !checked) return checked;
  if (is_blank(text)) return bad_request("text", "text.blank");
  return {};
}

// Whether that name stands under a sanction: who imposed it, for whom, or who confirmed it.
bool has_decided(const v1::Sanction& sanction, std::uint64_t account_id) {
  if (sanction.imposed_by() == account_id) return true;
  return account_id != 0 &&
         (sanction.confirmed_by() == account_id || sanction.on_behalf().account_id() == account_id);
}

Result<void> check_space(const v1::Appeal& appeal) {
  const auto lines = static_cast<std::uint32_t>(appeal.lines_size());
  if (lines >= limits::appeal_lines) return too_large("text", limits::appeal_lines, lines + 1);
  return {};
}

Result<void> check_open(const v1::Appeal& appeal) {
  if (appeal.state() == v1::APPEAL_STATE_OPEN) return {};
  return refuse(v1::REFUSAL_CODE_CONFLICT, "appeal.decided");
}

// What holds for every judge, in a club and on the site. The operator's console has no account.
Result<void> check_impartial(const v1::Sanction& sanction, const Actor& actor) {
  if (actor.account_id == 0) return {};
  if (sanction.account_id() == actor.account_id) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.own_case");
  }
  if (has_decided(sanction, actor.account_id) ||
      (actor.acts_for != 0 && has_decided(sanction, actor.acts_for))) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "appeal.own_decision");
  }
  return {};
}

v1::ClubRole role_of(const ClubState& club, std::uint64_t account_id) {
  const MemberState* member = club.find_member(account_id);
  return member != nullptr ? member->role : v1::CLUB_ROLE_UNSPECIFIED;
}

// Who may speak for the club: a judge who ranks above the person, and did not impose the sanction.
Result<void> check_judge(const ClubState& club, const store::SanctionRow* row, const Actor& actor) {
  if (auto allowed = may(actor, Action::handle_appeals); !allowed) return allowed;
  if (row == nullptr || !row->has_appeal()) return not_found();
  const v1::Sanction& sanction = row->sanction();
  if (auto impartial = check_impartial(sanction, actor); !impartial) return impartial;
  const v1::ClubRole target = role_of(club, sanction.account_id());
  if (auto above = may(actor, Action::handle_appeals, {.target = target}); !above) return above;
  if (sanction.by_site() && !is_site_staff(actor.site_role)) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "sanction.by_site");
  }
  return check_open(row->appeal());
}

// … and for the site.
Result<void> check_judge(const AccountState& account, const store::SanctionRow* row,
                         const Actor& actor) {
  if (auto allowed = may(actor, Action::ban_account); !allowed) return allowed;
  if (row == nullptr || !row->has_appeal()) return not_found();
  if (auto impartial = check_impartial(row->sanction(), actor); !impartial) return impartial;
  if (rank(actor) <= rank(Actor{.site_role = account.site_role()})) {
    return refuse(v1::REFUSAL_CODE_FORBIDDEN, "may.rank");
  }
  return check_open(row->appeal());
}

// Whether anybody in the club may judge at all. Otherwise site staff see the appeal at once: nobody is to wait for nothing.
bool has_judge(const ClubState& club, const v1::Sanction& sanction) {
  if (sanction.by_site()) return false;
  const int person = rank(role_of(club, sanction.account_id()));
  return std::ranges::any_of(club.members(), [&](const MemberState& member) {
    return member.status == v1::MEMBER_STATUS_ACTIVE && has(committee_and_above, member.role) &&
           rank(member.role) > person && member.account_id != sanction.imposed_by() &&
           member.account_id != sanction.confirmed_by();
  });
}

Decision said(const v1::Sanction& sanction, const Hearers& hearers, std::string_view text,
              std::int64_t due_ms) {
  Decision decision{.object_id = sanction.sanction_id()};
  v1::AppealSaid& event = *decision.add(hearers.roles, hearers.account).event.mutable_appeal_said();
  event.set_sanction_id(sanction.sanction_id());
  event.set_account_id(sanction.account_id());
  event.set_text(std::string(text));
  event.set_due_ms(due_ms);
  return decision;
}

Decision decided(const v1::Sanction& sanction, const Hearers& hearers,
                 const v1::DecideAppeal& request) {
  Decision decision{.object_id = sanction.sanction_id()};
  v1::AppealDecided& event =
      *decision.add(hearers.roles, hearers.account).event.mutable_appeal_decided();
  event.set_sanction_id(sanction.sanction_id());
  event.set_account_id(sanction.account_id());
  event.set_granted(request.grant());
  event.set_text(request.text());
  return decision;
}

// One more word in an appeal that is there.
Result<Decision> say_more(const store::SanctionRow& row, const Hearers& hearers,
                          std::string_view text) {
  if (auto open = check_open(row.appeal()); !open) return std::unexpected(open.error());
  if (auto space = check_space(row.appeal()); !space) return std::unexpected(space.error());
  return said(row.sanction(), hearers, text, row.appeal().due_ms());
}

}  // namespace

Result<Decision> appeal_sanction(const ClubState& club, const store::SanctionRow* row,
                                 const v1::AppealSanction& request, const Actor& actor,
                                 std::int64_t now_ms) {
  // Whose it is not, to them it does not exist; whose it is needs no membership.
  if (row == nullptr || !club.created() || actor.account_id == 0 ||
      row->sanction().account_id() != actor.account_id) {
    return not_found();
  }
  if (auto checked = check_line(request.text()); !checked) return std::unexpected(checked.error());
  const v1::Sanction& sanction = row->sanction();
  const Hearers hearers = hearers_in_club(sanction);
  if (row->has_appeal()) return say_more(*row, hearers, request.text());
  const bool stands = sanction.end() == v1::SANCTION_END_UNSPECIFIED;
  if (!stands && sanction.start_ms() + limits::appeal_after_ms < now_ms) {
    return refuse(v1::REFUSAL_CODE_EXPIRED, "appeal.too_late");
  }
  const std::int64_t due_ms = has_judge(club, sanction) ? now_ms + limits::appeal_due_ms : now_ms;
  return said(sanction, hearers, request.text(), due_ms);
}

Result<Decision> answer_appeal(const ClubState& club, const store::SanctionRow* row,
                               const v1::AnswerAppeal& request, const Actor& actor) {
  if (auto judge = check_judge(club, row, actor); !judge) return std::unexpected(judge.error());
  if (auto checked = check_line(request.text()); !checked) return std::unexpected(checked.error());
  return say_more(*row, hearers_in_club(row->sanction()), request.text());
}

Result<Decision> decide_appeal(const ClubState& club, const store::SanctionRow* row,
                               const EndFacts& facts, const v1::DecideAppeal& request,
                               const Actor& actor, std::int64_t now_ms) {
  if (auto judge = check_judge(club, row, actor); !judge) return std::unexpected(judge.error());
  if (auto checked = check_line(request.text()); !checked) return std::unexpected(checked.error());
  const v1::Sanction& sanction = row->sanction();
  Decision decision = decided(sanction, hearers_in_club(sanction), request);
  if (request.grant()) add_lift(decision, club, sanction, facts, request.text(), now_ms);
  return decision;
}

Decision notice_appeal(const v1::Sanction& sanction, v1::AppealState state) {
  Decision decision{.object_id = sanction.sanction_id()};
  v1::AppealNoticed& noticed = *decision.add(stream_followers).event.mutable_appeal_noticed();
  noticed.set_club_id(sanction.club_id());
  noticed.set_sanction_id(sanction.sanction_id());
  noticed.set_state(state);
  noticed.set_account_id(sanction.account_id());
  return decision;
}

// --- The whole site ---

Result<Decision> appeal_site_ban(const AccountState& account, const store::SanctionRow* row,
                                 std::string_view text, std::int64_t now_ms) {
  const Held& ban = account.ban();
  const bool banned = ban.kind != v1::SANCTION_KIND_UNSPECIFIED && ban.stands_at(now_ms);
  if (!banned || row == nullptr || row->sanction().sanction_id() != ban.sanction_id) {
    return not_found();
  }
  if (auto checked = check_line(text); !checked) return std::unexpected(checked.error());
  if (row->has_appeal()) return say_more(*row, in_own_stream, text);
  return said(row->sanction(), in_own_stream, text, now_ms + limits::appeal_due_ms);
}

Result<Decision> answer_site_appeal(const AccountState& account, const store::SanctionRow* row,
                                    const v1::AnswerAppeal& request, const Actor& actor) {
  if (auto judge = check_judge(account, row, actor); !judge) return std::unexpected(judge.error());
  if (auto checked = check_line(request.text()); !checked) return std::unexpected(checked.error());
  return say_more(*row, in_own_stream, request.text());
}

Result<Decision> decide_site_appeal(const AccountState& account, const store::SanctionRow* row,
                                    const v1::DecideAppeal& request, const Actor& actor,
                                    std::int64_t now_ms) {
  if (auto judge = check_judge(account, row, actor); !judge) return std::unexpected(judge.error());
  if (auto checked = check_line(request.text()); !checked) return std::unexpected(checked.error());
  const v1::Sanction& sanction = row->sanction();
  Decision decision = decided(sanction, in_own_stream, request);
  if (request.grant()) add_site_lift(decision, account, sanction, request.text(), now_ms);
  return decision;
}

}  // namespace amicale::domain
