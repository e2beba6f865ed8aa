// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Keeping order from the command line.
#include <charconv>
#include <chrono>

#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

// An account by login or number, where no club is named.
OrExit<std::uint64_t> find_account(const Console& console, Connection& connection,
                                   const std::string& name) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error == std::errc() && end == name.data() + name.size()) return id;
  v1::FindAccount request;
  request.set_login(name);
  auto found = connection.call(std::move(request));
  if (!found) return std::unexpected(console.fail(found.error()));
  return found->account_id();
}

// "room:number" into a reference.
OrExit<v1::MessageRef> message_of(const Console& console, const v1::ClubSnapshot& club,
                                  const std::string& typed) {
  const std::size_t colon = typed.rfind(':');
  v1::MessageRef ref;
  if (colon != std::string::npos) {
    std::uint64_t number = 0;
    const char* last = typed.data() + typed.size();
    const auto [end, error] = std::from_chars(typed.data() + colon + 1, last, number);
    if (error == std::errc() && end == last) ref.set_number(number);
  }
  if (ref.number() == 0) {
    return std::unexpected(console.fail_usage(phrase::sanction_evidence_unread, typed));
  }
  const auto room = find_room(console, club, typed.substr(0, colon));
  if (!room) return std::unexpected(room.error());
  ref.set_room_id(room->room_id());
  return ref;
}

// A club by its number, for who is out of it and is shown none; else by its name.
OrExit<std::uint64_t> club_of(const Console& console, Connection& connection,
                              const std::string& name) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error == std::errc() && end == name.data() + name.size()) return id;
  const auto club = find_club(console, connection, name);
  if (!club) return std::unexpected(club.error());
  return club->club_id();
}

// What appeals have in common: a sanction, a text, and a club; none for a ban from the site.
template <typename Request, typename Verb>
int say_on_appeal(Request request, const Verb& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  if (!verb.club.empty()) {
    const auto club = club_of(console, **connection, verb.club);
    if (!club) return club.error();
    request.set_club_id(*club);
  }
  request.set_sanction_id(verb.sanction);
  request.set_text(verb.text);
  if constexpr (requires { verb.behalf; }) {
    if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
      return code;
  }
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::done);
  return kDone;
}

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string until_of(const Console& console, const v1::Sanction& sanction) {
  if (sanction.end() == v1::SANCTION_END_AT_ONCE) return console.text(phrase::none);
  if (sanction.until_ms() == 0) return console.text(phrase::sanction_until_lifted);
  return local_time(sanction.until_ms());
}

// Account ids: who did it, for whom, and who confirmed it.
std::string doers_of(const Console& console, Names& names, std::uint64_t club_id,
                     std::uint64_t actor, std::uint64_t second, const v1::OnBehalf* behalf) {
  std::string by = names.of(club_id, actor);
  if (behalf) {
    by = say(console.language(), phrase::by_on_behalf, by,
             behalf->account_id() == 0 ? console.text(phrase::the_committee)
                                       : names.of(club_id, behalf->account_id()));
  }
  if (second != 0) by = say(console.language(), phrase::by_two, by, names.of(club_id, second));
  return by;
}

// What anything that may have been done for the committee says of it.
template <typename Done>
const v1::OnBehalf* behalf_of(const Done& done) {
  return done.has_on_behalf() ? &done.on_behalf() : nullptr;
}

void print_appeal(const Console& console, Names& names, const v1::SanctionCase& one) {
  console.print("");
  console.say(phrase::appeal_heading, one.sanction().sanction_id(),
              local_time(one.appeal().due_ms()));
  for (const auto& line : one.appeal().lines()) {
    console.print(
        "  " + local_time(line.time_ms()) + "  " +
        doers_of(console, names, one.sanction().club_id(), line.author(), 0, behalf_of(line)) +
        "  " + printable(line.text()));
  }
}

// Writes a duration as people type it into a request, when one was given; kDone, or the exit code.
template <typename Request>
int take_duration(const Console& console, const std::string& typed, Request& request) {
  if (typed.empty()) return kDone;
  const auto seconds = duration_from(typed);
  if (!seconds) return console.fail_usage(phrase::sanction_duration_unread, typed);
  request.set_duration_s(*seconds);
  return kDone;
}

// `own`: of all one's clubs, so that each says which.
void print_cases(const Console& console, Names& names, bool own,
                 const google::protobuf::RepeatedPtrField<v1::SanctionCase>& cases) {
  Table table({console.text(phrase::col_number), console.text(phrase::col_account),
               console.text(phrase::col_sanction), console.text(phrase::col_where),
               console.text(phrase::col_reason), console.text(phrase::col_since),
               console.text(phrase::col_until), console.text(phrase::col_state),
               console.text(phrase::col_by), console.text(phrase::col_text)});
  for (const auto& one : cases) {
    const auto& s = one.sanction();
    std::string where = s.room_id() == 0 ? console.text(phrase::sanction_everywhere)
                                         : "#" + std::to_string(s.room_id());
    if (own) {
      where = s.club_id() == 0 ? console.text(phrase::sanction_site)
                               : names.club(s.club_id()) + ", " + where;
    }
    table.add(
        {std::to_string(s.sanction_id()), names.of(s.club_id(), s.account_id()),
         console.text(name_of(s.kind())), where, console.text(name_of(s.reason())),
         local_time(s.start_ms()), until_of(console, s), console.text(name_of(s.end())),
         doers_of(console, names, s.club_id(), s.imposed_by(), s.confirmed_by(), behalf_of(s)),
         s.text()});
  }
  console.print(table.text());
  console.say(phrase::how_many, cases.size());
}

}  // namespace

int run(const verb::SanctionImpose& verb, Console& console) {
  v1::ImposeSanction request;
  if (const int code = take_duration(console, verb.duration, request); code != kDone) return code;
  request.set_kind(verb.kind);
  request.set_reason(verb.reason);
  request.set_text(verb.text);
  request.set_note(verb.note);
  auto connection = console.connect();
  if (!connection) return connection.error();
  if (verb.club.empty()) {
    const auto account = find_account(console, **connection, verb.member);
    if (!account) return account.error();
    request.set_account_id(*account);
    if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
      return code;
    return console.report((*connection)->call(std::move(request)), phrase::sanction_imposed);
  }
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  const std::uint64_t club_id = club->club().club_id();
  const auto account = find_member(console, **connection, club_id, verb.member);
  if (!account) return account.error();
  request.set_club_id(club_id);
  request.set_account_id(*account);
  if (!verb.room.empty()) {
    const auto room = find_room(console, *club, verb.room);
    if (!room) return room.error();
    request.set_room_id(room->room_id());
  }
  for (const std::string& typed : verb.messages) {
    const auto ref = message_of(console, *club, typed);
    if (!ref) return ref.error();
    *request.add_evidence() = *ref;
  }
  if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
    return code;
  return console.report((*connection)->call(std::move(request)), phrase::sanction_imposed);
}

int run(const verb::SanctionLift& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::LiftSanction request;
  request.set_sanction_id(verb.sanction);
  request.set_text(verb.text);
  if (verb.club.empty()) {
    const auto account = find_account(console, **connection, verb.member);
    if (!account) return account.error();
    request.set_account_id(*account);
  } else {
    const auto club = find_club(console, **connection, verb.club);
    if (!club) return club.error();
    request.set_club_id(club->club_id());
  }
  if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
    return code;
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::done);
  return kDone;
}

int run(const verb::SanctionList& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  Names names(**connection);
  if (verb.club.empty()) {
    const auto own = (*connection)->call(v1::ListOwnSanctions{});
    if (!own) return console.fail(own.error());
    if (console.json())
      console.print_json(*own);
    else
      print_cases(console, names, true, own->cases());
    return kDone;
  }
  const auto club = find_club(console, **connection, verb.club);
  if (!club) return club.error();
  v1::ListSanctions request;
  request.set_club_id(club->club_id());
  request.set_standing(verb.standing);
  if (!verb.member.empty()) {
    const auto account = find_member(console, **connection, club->club_id(), verb.member);
    if (!account) return account.error();
    request.set_account_id(*account);
  }
  const auto all = all_pages(**connection, std::move(request));
  if (!all) return console.fail(all.error());
  if (console.json())
    console.print_json(*all);
  else
    print_cases(console, names, false, all->cases());
  return kDone;
}

int run(const verb::RemovalRun& verb, Console& console) {
  if (verb.newcomers != verb.member.empty()) {
    return console.fail_usage(phrase::removal_whose);
  }
  const auto seconds = duration_from(verb.since);
  if (!seconds) return console.fail_usage(phrase::sanction_duration_unread, verb.since);
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  const std::uint64_t club_id = club->club().club_id();
  std::uint64_t account_id = 0;
  if (!verb.newcomers) {
    const auto account = find_member(console, **connection, club_id, verb.member);
    if (!account) return account.error();
    account_id = *account;
  }
  v1::FindMessages find;
  find.set_club_id(club_id);
  find.set_account_id(account_id);
  find.set_newcomers(verb.newcomers);
  find.set_since_ms(unix_ms() - *seconds * std::int64_t{1'000});
  if (!verb.room.empty()) {
    const auto room = find_room(console, *club, verb.room);
    if (!room) return room.error();
    find.set_room_id(room->room_id());
  }
  const auto found = (*connection)->call(std::move(find));
  if (!found) return console.fail(found.error());
  if (console.json() && verb.dry_run) {
    console.print_json(*found);
    return kDone;
  }
  if (!console.json()) {
    Table table({console.text(phrase::col_where), console.text(phrase::col_number),
                 console.text(phrase::col_since), console.text(phrase::col_text)});
    for (const auto& message : found->messages()) {
      table.add({"#" + std::to_string(message.room_id()), std::to_string(message.number()),
                 local_time(message.time_ms()),
                 cut_to(message.body().substr(0, message.body().find('\n')), 60)});
    }
    console.print(table.text());
    console.say(phrase::how_many, found->messages_size());
    if (found->more()) console.say(phrase::removal_more);
  }
  if (verb.dry_run || found->messages().empty()) return kDone;
  v1::RemoveMessages request;
  request.set_club_id(club_id);
  request.set_account_id(account_id);
  request.set_newcomers(verb.newcomers);
  request.set_reason(verb.reason);
  request.set_text(verb.text);
  for (const auto& message : found->messages()) {
    auto& ref = *request.add_messages();
    ref.set_room_id(message.room_id());
    ref.set_number(message.number());
  }
  if (const int code = act_for(console, **connection, verb.behalf, request); code != kDone)
    return code;
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::removal_done, reply->object_id());
  return kDone;
}

int run(const verb::RaidStart& verb, Console& console) {
  v1::StartRaidMode request;
  if (const int code = take_duration(console, verb.duration, request); code != kDone) return code;
  request.set_text(verb.text);
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  request.set_club_id(here->club.club_id());
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::RaidEnd& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::EndRaidMode request;
  request.set_club_id(here->club.club_id());
  request.set_text(verb.text);
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::RaidShow& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  const v1::RaidMode& raid = club->raid();
  if (console.json()) {
    console.print_json(raid);
    return kDone;
  }
  if (!club->has_raid() || raid.until_ms() <= unix_ms()) {
    console.say(phrase::raid_none);
    return kDone;
  }
  Names names(**connection);
  Table table({console.text(phrase::col_number), console.text(phrase::col_reason),
               console.text(phrase::col_since), console.text(phrase::col_until),
               console.text(phrase::col_by), console.text(phrase::col_text)});
  table.add({std::to_string(raid.raid_id()), console.text(name_of(raid.trigger())),
             local_time(raid.start_ms()), local_time(raid.until_ms()),
             raid.started_by() == 0 ? console.text(phrase::none)
                                    : names.of(club->club().club_id(), raid.started_by()),
             raid.text()});
  console.print(table.text());
  return kDone;
}

int run(const verb::RemovalUndo& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::UndoRemoval request;
  request.set_club_id(here->club.club_id());
  request.set_removal_id(verb.removal);
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::RemovalList& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ListRemovals request;
  request.set_club_id(here->club.club_id());
  const auto all = all_pages(*here->connection, std::move(request));
  if (!all) return console.fail(all.error());
  if (console.json()) {
    console.print_json(*all);
    return kDone;
  }
  Names names(*here->connection);
  Table table({console.text(phrase::col_number), console.text(phrase::col_account),
               console.text(phrase::col_messages), console.text(phrase::col_reason),
               console.text(phrase::col_since), console.text(phrase::col_state),
               console.text(phrase::col_by)});
  for (const auto& removal : all->removals()) {
    table.add(
        {std::to_string(removal.removal_id()),
         removal.newcomers() ? console.text(phrase::removal_newcomers)
                             : names.of(here->club.club_id(), removal.account_id()),
         std::to_string(removal.messages_size()), console.text(name_of(removal.reason())),
         local_time(removal.time_ms()),
         console.text(removal.undone_ms() != 0 ? phrase::removal_undone : phrase::sanction_stands),
         doers_of(console, names, here->club.club_id(), removal.removed_by(), 0,
                  behalf_of(removal))});
  }
  console.print(table.text());
  console.say(phrase::how_many, all->removals_size());
  return kDone;
}

int run(const verb::ReportFile& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  v1::FileReport request;
  request.set_club_id(club->club().club_id());
  request.set_reason(verb.reason);
  request.set_text(verb.text);
  if (!verb.member.empty()) {
    const auto account = find_member(console, **connection, request.club_id(), verb.member);
    if (!account) return account.error();
    request.set_account_id(*account);
  }
  if (!verb.message.empty()) {
    const auto ref = message_of(console, *club, verb.message);
    if (!ref) return ref.error();
    *request.mutable_message() = *ref;
  }
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::report_filed, reply->object_id());
  return kDone;
}

int run(const verb::ReportList& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::ListReports request;
  if (!verb.club.empty()) {
    const auto club = find_club(console, **connection, verb.club);
    if (!club) return club.error();
    request.set_club_id(club->club_id());
  }
  request.set_mine(verb.mine);
  v1::ListReportsReply all;
  for (const auto state : {v1::REPORT_STATE_DISMISSED, v1::REPORT_STATE_ACTED}) {
    request.set_state(verb.resolved ? state : v1::REPORT_STATE_OPEN);
    const auto reports = all_pages(**connection, request);
    if (!reports) return console.fail(reports.error());
    all.MergeFrom(*reports);
    if (!verb.resolved) break;
  }
  if (console.json()) {
    console.print_json(all);
    return kDone;
  }
  Names names(**connection);
  Table table({console.text(phrase::col_number), console.text(phrase::col_score),
               console.text(phrase::col_account), console.text(phrase::col_where),
               console.text(phrase::col_reason), console.text(phrase::col_reporters),
               console.text(phrase::col_since), console.text(phrase::col_due),
               console.text(phrase::col_claimed), console.text(phrase::col_text)});
  for (const auto& report : all.reports()) {
    // What its reporters wrote, then the message as it was: what one reads to decide.
    std::string said = report.texts_size() > 0 ? printable(report.texts(0)) : std::string();
    if (!report.evidence().empty()) {
      const auto& body = report.evidence(0).body();
      said += (said.empty() ? "« " : " – « ") + printable(body.substr(0, body.find('\n'))) + " »";
    }
    const std::string where = report.has_message()
                                  ? "#" + std::to_string(report.message().room_id()) + ":" +
                                        std::to_string(report.message().number())
                                  : console.text(phrase::none);
    table.add({std::to_string(report.report_id()), std::to_string(report.score()),
               names.of(report.club_id(), report.account_id()),
               verb.club.empty() ? names.club(report.club_id()) + ", " + where : where,
               console.text(name_of(report.reason())), std::to_string(report.reporters()),
               local_time(report.filed_ms()), local_time(report.due_ms()),
               report.claimed_by() == 0 ? console.text(phrase::none)
                                        : names.of(report.club_id(), report.claimed_by()),
               cut_to(said, 64)});
  }
  console.print(table.text());
  console.say(phrase::how_many, all.reports_size());
  return kDone;
}

int run(const verb::ReportClaim& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ClaimReport request;
  request.set_club_id(here->club.club_id());
  request.set_report_id(verb.report);
  request.set_release(verb.release);
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::ReportResolve& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ResolveReport request;
  request.set_club_id(here->club.club_id());
  request.set_report_id(verb.report);
  request.set_state(verb.acted || verb.sanction != 0 ? v1::REPORT_STATE_ACTED
                                                     : v1::REPORT_STATE_DISMISSED);
  request.set_sanction_id(verb.sanction);
  request.set_text(verb.text);
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json())
    console.print_json(*reply);
  else
    console.say(phrase::done);
  return kDone;
}

int run(const verb::AppealFile& verb, Console& console) {
  return say_on_appeal(v1::AppealSanction{}, verb, console);
}

int run(const verb::AppealSite& verb, Console& console) {
  auto target = console.target(false);
  if (!target) return target.error();
  std::string login = verb.login;
  if (login.empty()) {
    auto typed = console.ask(phrase::prompt_login);
    if (!typed) return typed.error();
    login = std::move(*typed);
  }
  auto password = console.password(phrase::prompt_password, verb.password_stdin);
  if (!password) return password.error();
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  v1::AppealSiteBan request;
  request.set_login(login);
  request.set_password(*password);
  request.set_text(verb.text);
  request.set_client_msg_id(client::Client::new_message_id());
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  Names names(**connection);
  if (reply->ban().has_appeal()) print_appeal(console, names, reply->ban());
  console.say(phrase::done);
  return kDone;
}

int run(const verb::AppealAnswer& verb, Console& console) {
  v1::AnswerAppeal request;
  request.set_account_id(verb.account);
  return say_on_appeal(std::move(request), verb, console);
}

int run(const verb::AppealDecide& verb, Console& console) {
  v1::DecideAppeal request;
  request.set_account_id(verb.account);
  request.set_grant(verb.grant);
  return say_on_appeal(std::move(request), verb, console);
}

int run(const verb::AppealList& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::ListAppeals request;
  if (!verb.club.empty()) {
    const auto club = find_club(console, **connection, verb.club);
    if (!club) return club.error();
    request.set_club_id(club->club_id());
  }
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  Names names(**connection);
  print_cases(console, names, verb.club.empty(), reply->cases());
  for (const auto& one : reply->cases()) print_appeal(console, names, one);
  return kDone;
}

}  // namespace amicale::admin
