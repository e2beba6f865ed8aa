// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/session/routes.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "server/auth/token.h"
#include "server/commands/accounts.h"
#include "server/commands/charter.h"
#include "server/commands/clubs.h"
#include "server/commands/directs.h"
#include "server/commands/messages.h"
#include "server/commands/moderation.h"
#include "server/domain/charter.h"
#include "server/domain/limits.h"
#include "server/domain/membership.h"
#include "server/queries/queries.h"
#include "server/queries/reading.h"
#include "server/session/operator.h"
#include "storage/error.h"
#include "storage/field.h"

namespace amicale::session {
namespace {

using Frame = v1::ClientFrame;
using commands::Caller;
using domain::Action;
using runtime::Task;

// A row's handler, made of the command and the places of its request and reply in the frames.
template <auto Function, auto Request, auto Reply>
Task<domain::Result<void>> command(const Parts& parts, Caller caller, const Frame& frame,
                                   v1::Reply& reply) {
  auto answer = co_await Function(parts.gate, std::move(caller), (frame.*Request)());
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  *(reply.*Reply)() = std::move(*answer);
  co_return domain::Result<void>{};
}

template <auto Function, auto Request>
domain::Result<commands::Prepared> prepare(const commands::Gate& gate, const Caller& caller,
                                           const Frame& frame) {
  const auto& request = (frame.*Request)();
  if constexpr (std::is_invocable_v<decltype(Function), const commands::Gate&, const Caller&,
                                    decltype(request)>) {
    return Function(gate, caller, request);
  } else {
    return Function(caller, request);
  }
}

template <auto Reply>
v1::Committed* place_of(v1::Reply& reply) {
  return (reply.*Reply)();
}

template <auto Function, auto Request, auto Reply>
Task<domain::Result<void>> one_commit(const Parts& parts, Caller caller, const Frame& frame,
                                      v1::Reply& reply) {
  auto prepared = prepare<Function, Request>(parts.gate, caller, frame);
  if (!prepared) co_return std::unexpected(std::move(prepared.error()));
  auto outcome = co_await parts.gate.site.submit(prepared->where, std::move(prepared->command));
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  *(reply.*Reply)() = std::move(outcome->committed);
  co_return domain::Result<void>{};
}

template <auto Function, auto Request, auto Reply>
Task<domain::Result<void>> query(const Parts& parts, Caller caller, const Frame& frame,
                                 v1::Reply& reply) {
  auto read = [&parts, &caller, &frame] {
    storage::Snapshot snapshot(parts.gate.database);
    return Function(storage::View(snapshot), caller, (frame.*Request)());
  };
  auto answer = co_await parts.blocking.run(std::move(read));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  *(reply.*Reply)() = std::move(*answer);
  co_return domain::Result<void>{};
}

domain::Result<std::string> history_page(const storage::View& view, const Caller& caller,
                                         const Frame& frame) {
  auto page = queries::history(view, caller, frame.get_history());
  if (!page) return std::unexpected(std::move(page.error()));
  std::string field;
  field.reserve(page->size() + 8);
  storage::append_field_head(field, v1::Reply::kGetHistoryFieldNumber, page->size());
  field += *page;
  return field;
}

// Shows what a code leads to; the code is the permission.
Task<domain::Result<void>> look_up_invitation(const Parts& parts, Caller, const Frame& frame,
                                              v1::Reply& reply) {
  auto view = parts.gate.view();
  auto row = view.invitation_by_hash(auth::digest(frame.look_up_invitation().code()));
  auto opens = domain::check_invitation(row ? &*row : nullptr, row ? row->account_id() : 0,
                                        parts.gate.clock.now_ms());
  if (!opens) co_return std::unexpected(opens.error());
  auto* found = reply.mutable_look_up_invitation();
  found->set_site_name(view.site().name());
  found->set_role(row->invitation().role());
  found->set_needs_decision(row->invitation().needs_decision());
  if (auto club = view.club(row->invitation().club_id())) {
    found->set_club_name(club->name());
    found->set_club_purpose(club->purpose());
    found->set_charter_version(club->charter_version());
  }
  if (row->account_id() != 0) {
    if (auto account = view.account(row->account_id())) found->set_login(account->login());
  }
  co_return domain::Result<void>{};
}

// As `query`, by the rules that the club is judged by.
Task<domain::Result<void>> get_trust(const Parts& parts, Caller caller, const Frame& frame,
                                     v1::Reply& reply) {
  auto read = [&parts, &caller, &frame] {
    storage::Snapshot snapshot(parts.gate.database);
    const auto* shield = parts.gate.shield;
    const domain::antispam::Limits limits =
        shield != nullptr ? shield->rules_of(frame.get_trust().club_id()).limits()
                          : domain::antispam::Limits{};
    return queries::trust(storage::View(snapshot), caller, frame.get_trust(),
                          {limits.newcomer_hours, parts.gate.clock.now_ms()});
  };
  auto answer = co_await parts.blocking.run(std::move(read));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  *reply.mutable_get_trust() = std::move(*answer);
  co_return domain::Result<void>{};
}

// As `query`, signed.
Task<domain::Result<void>> audit_proof(const Parts& parts, Caller caller, const Frame& frame,
                                       v1::Reply& reply) {
  auto read = [&parts, &caller, &frame] {
    storage::Snapshot snapshot(parts.gate.database);
    return queries::audit_proof(storage::View(snapshot), caller, frame.get_audit_proof(),
                                audit_signer(parts));
  };
  auto answer = co_await parts.blocking.run(std::move(read));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  *reply.mutable_get_audit_proof() = std::move(*answer);
  co_return domain::Result<void>{};
}

Task<domain::Result<void>> audit_keys(const Parts& parts, Caller, const Frame&, v1::Reply& reply) {
  auto& answer = *reply.mutable_get_audit_keys();
  for (const auto& key : parts.audit_key.keys()) *answer.add_keys() = key;
  co_return domain::Result<void>{};
}

#define AMICALE_COMMAND(function, name) \
  &command<&commands::function, &Frame::name, &v1::Reply::mutable_##name>
#define AMICALE_ONE_COMMIT(function, name)                                             \
  &one_commit<&commands::function, &Frame::name, &v1::Reply::mutable_##name>, {        \
    &prepare<&commands::function, &Frame::name>, &place_of<&v1::Reply::mutable_##name> \
  }
#define AMICALE_QUERY(function, name) \
  &query<&queries::function, &Frame::name, &v1::Reply::mutable_##name>

constexpr auto table = std::to_array<Route>({
    // The connection
    {Frame::kHello, Kind::session, Entry::anyone, 1, {}, nullptr},
    {Frame::kAuthenticate, Kind::session, Entry::anyone, 5, {}, nullptr},
    {Frame::kSubscribe, Kind::session, Entry::account, 2, Action::read_club, nullptr},
    {Frame::kUnsubscribe, Kind::session, Entry::account, 1, Action::manage_own_account, nullptr},
    {Frame::kHeartbeat, Kind::session, Entry::account, 1, Action::manage_own_account, nullptr},

    // Ways in, and one's own account
    {Frame::kLogin, Kind::command, Entry::anyone, 20, {}, AMICALE_COMMAND(login, login)},
    {Frame::kLookUpInvitation, Kind::query, Entry::anyone, 10, {}, &look_up_invitation},
    {Frame::kRegister,
     Kind::command,
     Entry::anyone,
     20,
     {},
     AMICALE_COMMAND(register_account, register_)},
    {Frame::kAcceptInvitation, Kind::command, Entry::account, 10, Action::manage_own_account,
     AMICALE_COMMAND(accept_invitation, accept_invitation)},
    {Frame::kChangePassword, Kind::command, Entry::account, 20, Action::manage_own_account,
     AMICALE_COMMAND(change_password, change_password)},
    {Frame::kChangeProfile, Kind::command, Entry::account, 10, Action::manage_own_account,
     AMICALE_COMMAND(change_profile, change_profile)},
    {Frame::kListTokens, Kind::query, Entry::account, 2, Action::manage_own_account,
     AMICALE_QUERY(tokens, list_tokens)},
    {Frame::kRevokeToken, Kind::command, Entry::account, 5, Action::manage_own_account,
     AMICALE_COMMAND(revoke_token, revoke_token)},
    {Frame::kLogout, Kind::command, Entry::account, 1, Action::manage_own_account,
     AMICALE_COMMAND(logout, logout)},
    {Frame::kMarkRead, Kind::command, Entry::account, 1, Action::manage_own_account,
     AMICALE_COMMAND(mark_read, mark_read)},
    {Frame::kSetLevel, Kind::command, Entry::account, 1, Action::manage_own_account,
     AMICALE_COMMAND(set_level, set_level)},
    {Frame::kListClubs, Kind::query, Entry::account, 2, Action::manage_own_account,
     AMICALE_QUERY(clubs, list_clubs)},
    {Frame::kListDirects, Kind::query, Entry::account, 2, Action::open_direct,
     AMICALE_QUERY(directs, list_directs)},

    // Clubs
    {Frame::kCreateClub, Kind::command, Entry::account, 10, Action::create_club,
     AMICALE_COMMAND(create_club, create_club)},
    {Frame::kChangeClub, Kind::command, Entry::account, 2, Action::change_club,
     AMICALE_COMMAND(change_club, change_club)},
    {Frame::kCreateRoom, Kind::command, Entry::account, 2, Action::create_room,
     AMICALE_COMMAND(create_room, create_room)},
    {Frame::kChangeRoom, Kind::command, Entry::account, 2, Action::change_room,
     AMICALE_COMMAND(change_room, change_room)},
    {Frame::kCreateInvitation, Kind::command, Entry::account, 5, Action::invite,
     AMICALE_COMMAND(create_invitation, create_invitation)},
    {Frame::kRevokeInvitation, Kind::command, Entry::account, 2, Action::revoke_invitation,
     AMICALE_COMMAND(revoke_invitation, revoke_invitation)},
    {Frame::kListInvitations, Kind::query, Entry::account, 2, Action::list_invitations,
     AMICALE_QUERY(invitations, list_invitations)},
    {Frame::kAddMember, Kind::command, Entry::account, 1, Action::add_member,
     AMICALE_COMMAND(add_member, add_member)},
    {Frame::kSetRole, Kind::command, Entry::account, 2, Action::set_role,
     AMICALE_COMMAND(set_role, set_role)},
    {Frame::kSetMemberStatus, Kind::command, Entry::account, 2, Action::decide_admission,
     AMICALE_COMMAND(set_member_status, set_member_status)},
    {Frame::kListMembers, Kind::query, Entry::account, 2, Action::list_members,
     AMICALE_QUERY(members, list_members)},
    {Frame::kLookUpNames, Kind::query, Entry::account, 2, Action::list_members,
     AMICALE_QUERY(names, look_up_names)},
    {Frame::kSetSiteRole, Kind::command, Entry::account, 5, Action::set_site_role,
     AMICALE_COMMAND(set_site_role, set_site_role)},

    // Messages
    {Frame::kPostMessage, Kind::command, Entry::account, 1, Action::post_message,
     AMICALE_ONE_COMMIT(post_message, post_message)},
    {Frame::kEditMessage, Kind::command, Entry::account, 1, Action::edit_own,
     AMICALE_ONE_COMMIT(edit_message, edit_message)},
    {Frame::kDeleteMessage, Kind::command, Entry::account, 1, Action::delete_own,
     AMICALE_ONE_COMMIT(delete_message, delete_message)},
    {Frame::kRestoreMessage, Kind::command, Entry::account, 1, Action::restore_message,
     AMICALE_ONE_COMMIT(restore_message, restore_message)},
    {Frame::kLockMessage, Kind::command, Entry::account, 1, Action::lock_message,
     AMICALE_ONE_COMMIT(lock_message, lock_message)},
    {Frame::kReact, Kind::command, Entry::account, 1, Action::react,
     AMICALE_ONE_COMMIT(react, react)},
    {Frame::kPinMessage, Kind::command, Entry::account, 1, Action::pin,
     AMICALE_ONE_COMMIT(pin_message, pin_message)},
    {Frame::kGetHistory,
     Kind::query,
     Entry::account,
     2,
     Action::read_room,
     nullptr,
     {},
     &history_page},
    {Frame::kCountMentions, Kind::query, Entry::account, 2, Action::read_room,
     AMICALE_QUERY(count_mentions, count_mentions)},
    {Frame::kImportMessages, Kind::command, Entry::account, 1, Action::import_messages,
     AMICALE_COMMAND(import_messages, import_messages)},
    {Frame::kReviewHeld, Kind::command, Entry::account, 2, Action::review_held,
     AMICALE_ONE_COMMIT(review_held, review_held)},
    {Frame::kListHeld, Kind::query, Entry::account, 2, Action::read_club,
     AMICALE_QUERY(held, list_held)},
    {Frame::kGetTrust, Kind::query, Entry::account, 2, Action::read_club, &get_trust},

    // Direct conversations
    {Frame::kOpenDirect, Kind::command, Entry::account, 10, Action::open_direct,
     AMICALE_COMMAND(open_direct, open_direct)},
    {Frame::kAnswerDirect, Kind::command, Entry::account, 2, Action::open_direct,
     AMICALE_COMMAND(answer_direct, answer_direct)},
    {Frame::kBlockDirect, Kind::command, Entry::account, 2, Action::open_direct,
     AMICALE_COMMAND(block_direct, block_direct)},

    // Moderation
    {Frame::kImposeSanction, Kind::command, Entry::account, 2, Action::warn,
     AMICALE_COMMAND(impose_sanction, impose_sanction)},
    {Frame::kLiftSanction, Kind::command, Entry::account, 2, Action::lift_sanction,
     AMICALE_COMMAND(lift_sanction, lift_sanction)},
    {Frame::kListSanctions, Kind::query, Entry::account, 5, Action::list_sanctions,
     AMICALE_QUERY(sanctions, list_sanctions)},
    {Frame::kListOwnSanctions, Kind::query, Entry::account, 5, Action::manage_own_account,
     AMICALE_QUERY(own_sanctions, list_own_sanctions)},

    {Frame::kFindMessages, Kind::query, Entry::account, 10, Action::remove_messages,
     AMICALE_QUERY(messages_of, find_messages)},
    {Frame::kRemoveMessages, Kind::command, Entry::account, 10, Action::remove_messages,
     AMICALE_COMMAND(remove_messages, remove_messages)},
    {Frame::kUndoRemoval, Kind::command, Entry::account, 10, Action::remove_messages,
     AMICALE_COMMAND(undo_removal, undo_removal)},
    {Frame::kListRemovals, Kind::query, Entry::account, 2, Action::list_sanctions,
     AMICALE_QUERY(removals, list_removals)},

    {Frame::kFileReport, Kind::command, Entry::account, 5, Action::file_report,
     AMICALE_COMMAND(file_report, file_report)},
    {Frame::kListReports, Kind::query, Entry::account, 5, Action::handle_reports,
     AMICALE_QUERY(reports, list_reports)},
    {Frame::kClaimReport, Kind::command, Entry::account, 2, Action::handle_reports,
     AMICALE_COMMAND(claim_report, claim_report)},
    {Frame::kResolveReport, Kind::command, Entry::account, 2, Action::handle_reports,
     AMICALE_COMMAND(resolve_report, resolve_report)},

    {Frame::kAppealSanction, Kind::command, Entry::account, 10, Action::manage_own_account,
     AMICALE_COMMAND(appeal_sanction, appeal_sanction)},
    {Frame::kAppealSiteBan,
     Kind::command,
     Entry::anyone,
     20,
     {},
     AMICALE_COMMAND(appeal_site_ban, appeal_site_ban)},
    {Frame::kAnswerAppeal, Kind::command, Entry::account, 2, Action::handle_appeals,
     AMICALE_COMMAND(answer_appeal, answer_appeal)},
    {Frame::kDecideAppeal, Kind::command, Entry::account, 2, Action::handle_appeals,
     AMICALE_COMMAND(decide_appeal, decide_appeal)},
    {Frame::kListAppeals, Kind::query, Entry::account, 5, Action::handle_appeals,
     AMICALE_QUERY(appeals, list_appeals)},

    {Frame::kListProposals, Kind::query, Entry::account, 5, Action::second_act,
     AMICALE_QUERY(proposals, list_proposals)},
    {Frame::kDecideProposal, Kind::command, Entry::account, 2, Action::second_act,
     AMICALE_COMMAND(decide_proposal, decide_proposal)},
    {Frame::kWithdrawProposal, Kind::command, Entry::account, 2, Action::second_act,
     AMICALE_COMMAND(withdraw_proposal, withdraw_proposal)},

    {Frame::kProposeCharter, Kind::command, Entry::account, 10, Action::change_charter,
     AMICALE_COMMAND(propose_charter, propose_charter)},
    {Frame::kGetCharter, Kind::query, Entry::anyone, 10, {}, AMICALE_QUERY(charter, get_charter)},
    {Frame::kAcceptCharter, Kind::command, Entry::account, 2, Action::accept_charter,
     AMICALE_COMMAND(accept_charter, accept_charter)},
    {Frame::kSuggestSanction, Kind::query, Entry::account, 2, Action::list_sanctions,
     AMICALE_QUERY(suggestion, suggest_sanction)},

    {Frame::kStartRaidMode, Kind::command, Entry::account, 5, Action::run_raid_mode,
     AMICALE_COMMAND(start_raid_mode, start_raid_mode)},
    {Frame::kEndRaidMode, Kind::command, Entry::account, 5, Action::run_raid_mode,
     AMICALE_COMMAND(end_raid_mode, end_raid_mode)},

    // Signals
    {Frame::kSetTyping, Kind::signal, Entry::account, 1, Action::signal_typing, nullptr},

    // The operator's console
    {Frame::kCreateBackup, Kind::command, Entry::account, 50, Action::create_backup,
     &create_backup},
    {Frame::kGetStats, Kind::query, Entry::account, 5, Action::see_stats, &get_stats},
    {Frame::kFindAccount, Kind::query, Entry::account, 2, Action::find_account,
     AMICALE_QUERY(find_account, find_account)},

    // The provable log
    {Frame::kGetAuditProof, Kind::query, Entry::account, 5, Action::read_own_audit, &audit_proof},
    {Frame::kGetAuditConsistency, Kind::query, Entry::account, 2, Action::read_own_audit,
     AMICALE_QUERY(audit_consistency, get_audit_consistency)},
    {Frame::kGetAuditKeys, Kind::query, Entry::anyone, 2, {}, &audit_keys},
});

#undef AMICALE_COMMAND
#undef AMICALE_ONE_COMMIT
#undef AMICALE_QUERY

}  // namespace

std::span<const Route> routes() { return table; }

const Route* find_route(Frame::BodyCase body) {
  auto found = std::ranges::find(table, body, &Route::body);
  return found == table.end() ? nullptr : &*found;
}

std::string_view request_name(Frame::BodyCase body) {
  const auto* field = Frame::descriptor()->FindFieldByNumber(body);
  return field ? std::string_view(field->name()) : "unknown";
}

void refuse(v1::Reply& reply, const domain::Refusal& refusal, v1::Language language) {
  reply.clear_body();
  *reply.mutable_refusal() = domain::to_wire(refusal, language);
}

domain::Result<Caller> authenticate(const storage::View& view, std::string_view token,
                                    std::string address) {
  auto row = token.size() == domain::limits::token_bytes ? view.token_by_hash(auth::digest(token))
                                                         : std::nullopt;
  auto account = row ? view.account(row->account_id()) : std::nullopt;
  if (!account) return domain::refuse(v1::REFUSAL_CODE_UNAUTHENTICATED);
  Caller caller{.account_id = row->account_id(),
                .token_id = row->token_id(),
                .site_role = account->site_role(),
                .language = account->language(),
                .address = std::move(address)};
  if (caller.site_role == v1::SITE_ROLE_UNSPECIFIED) caller.site_role = v1::SITE_ROLE_NONE;
  return caller;
}

void refuse_as_incident(v1::Reply& reply, uint64_t connection, v1::Language language,
                        const Frame& frame, const std::exception& error) {
  const std::string incident = auth::to_base64url(auth::random_bytes(9));
  spdlog::error("request failed connection={} request_id={} request={} incident={} error=\"{}\"",
                connection, frame.request_id(), request_name(frame.body_case()), incident,
                error.what());
  domain::Refusal refusal{.code = v1::REFUSAL_CODE_INTERNAL};
  refusal.incident = incident;
  reply.set_request_id(frame.request_id());
  refuse(reply, refusal, language);
}

bool may_be_over(const domain::Refusal& refusal) {
  // Where rows alone were at hand, there is no time in it; elsewhere, none is left.
  return refusal.code == v1::REFUSAL_CODE_SANCTIONED && refusal.held.club_id != 0 &&
         refusal.retry_after_ms == 0;
}

Task<bool> is_over(const Parts& parts, uint64_t account, domain::Refusal refusal) {
  if (!may_be_over(refusal)) co_return false;
  auto lapsed = co_await commands::lapse_sanctions(parts.gate, refusal.held.club_id, account);
  co_return lapsed.value_or(false);
}

void explain_hold(const Parts& parts, uint64_t account, domain::Refusal& refusal) {
  const bool bare = refusal.code == v1::REFUSAL_CODE_SANCTIONED && refusal.held.sanction_id == 0 &&
                    refusal.held.club_id != 0;
  if (!bare) return;
  const int64_t now = parts.gate.clock.now_ms();
  auto held = queries::find_hold(parts.gate.view(), account, refusal.held.club_id, 0, now);
  if (held) refusal = domain::refuse_held(*held, now).error();
}

namespace {

// The club that a request names, 0 when it names none: by its club_id or its stream, as every request spells them.
uint64_t club_of(const Frame& frame) {
  const auto* field = Frame::descriptor()->FindFieldByNumber(frame.body_case());
  if (!field) return 0;
  const auto& body = frame.GetReflection()->GetMessage(frame, field);
  const auto* named = body.GetDescriptor();
  if (const auto* club = named->FindFieldByName("club_id"))
    return body.GetReflection()->GetUInt64(body, club);
  const auto* place = named->FindFieldByName("stream");
  if (!place || place->message_type() != v1::StreamId::descriptor()) return 0;
  const auto& stream =
      static_cast<const v1::StreamId&>(body.GetReflection()->GetMessage(body, place));
  return stream.kind() == v1::STREAM_KIND_CLUB ? stream.id() : 0;
}

}  // namespace

void quote_charter(const Parts& parts, const Frame& frame, domain::Refusal& refusal) {
  if (!domain::keeps_order(refusal)) return;
  // A ban from the whole site is no club's.
  if (refusal.held.sanction_id != 0 && refusal.held.club_id == 0) return;
  const uint64_t club = refusal.held.club_id != 0 ? refusal.held.club_id : club_of(frame);
  if (club == 0) return;
  const auto view = parts.gate.view();
  const auto where = storage::PartitionId::club(club);
  // A sanction keeps the rule as it was worded then.
  if (refusal.held.sanction_id != 0) {
    const auto row = view.sanction(where, refusal.held.sanction_id);
    if (!row || !row->sanction().has_rule()) return;
    const auto& rule = row->sanction().rule();
    refusal.quote = {rule.version(), rule.rule_id(), rule.fr(), rule.en()};
    return;
  }
  const auto charter = view.charter(where);
  const auto* rule =
      charter ? domain::find_rule(*charter, std::string_view(refusal.rule_id)) : nullptr;
  if (rule) refusal.quote = domain::quote_of(*charter, *rule);
}

v1::Reply Answered::whole() && {
  if (!rest.empty()) reply.MergeFromString(std::exchange(rest, {}));
  return std::move(reply);
}

static std::optional<domain::Result<std::string>> read_in_memory(const Parts& parts,
                                                                 const Caller& caller,
                                                                 const Frame& frame, Page page) {
  try {
    storage::Snapshot snapshot(parts.gate.database);
    return page(storage::View::in_memory(snapshot), caller, frame);
  } catch (const storage::NotInMemory&) {
    return std::nullopt;
  }
}

static Task<domain::Result<std::string>> read_page(const Parts& parts, Caller caller,
                                                   const Frame& frame, Page page) {
  // The two ways through a blocking thread cost as much as the page.
  if (auto found = read_in_memory(parts, caller, frame, page)) co_return std::move(*found);
  auto read = [&parts, &caller, &frame, page] {
    storage::Snapshot snapshot(parts.gate.database);
    return page(storage::View(snapshot), caller, frame);
  };
  co_return co_await parts.blocking.run(std::move(read));
}

Task<Answered> answer(const Parts& parts, Caller caller, const Frame& frame) {
  Answered answered;
  v1::Reply& reply = answered.reply;
  reply.set_request_id(frame.request_id());
  const v1::Language language = caller.language;
  const uint64_t connection = caller.connection_id;
  const Route* route = find_route(frame.body_case());
  if (!route || (!route->handler && !route->page)) {
    refuse(reply, {.code = v1::REFUSAL_CODE_UNSUPPORTED}, language);
    co_return answered;
  }
  if (route->entry == Entry::account && caller.account_id == 0) {
    refuse(reply, {.code = v1::REFUSAL_CODE_UNAUTHENTICATED}, language);
    co_return answered;
  }
  caller.asked_ms = parts.gate.clock.now_ms();
  try {
    const uint64_t account = caller.account_id;
    if (route->page) {
      auto page = co_await read_page(parts, caller, frame, route->page);
      if (!page && co_await is_over(parts, account, page.error()))
        page = co_await read_page(parts, caller, frame, route->page);
      if (page) {
        answered.rest = std::move(*page);
      } else {
        explain_hold(parts, account, page.error());
        quote_charter(parts, frame, page.error());
        refuse(reply, page.error(), language);
      }
      co_return answered;
    }
    auto done = co_await route->handler(parts, caller, frame, reply);
    if (!done && co_await is_over(parts, account, done.error())) {
      reply.clear_body();
      done = co_await route->handler(parts, caller, frame, reply);
    }
    if (!done) {
      explain_hold(parts, account, done.error());
      quote_charter(parts, frame, done.error());
      refuse(reply, done.error(), language);
    }
  } catch (const std::exception& e) {
    refuse_as_incident(reply, connection, language, frame, e);
  }
  co_return answered;
}

}  // namespace amicale::session
