// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Members: roles, status, lists, and the import from a file.
#include <cstring>
#include <deque>
#include <future>

#include "server/admin/console.h"
#include "server/admin/failure_text.h"
#include "server/admin/lookup.h"
#include "server/admin/member_csv.h"
#include "server/admin/private_file.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"

namespace amicale::admin {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",;\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

// "https://host/i/": what an activation code follows, from the address that we are connected to.
std::string link_prefix(const std::string& url) {
  std::string page =
      url.starts_with("wss://") ? "https://" + url.substr(6) : "http://" + url.substr(5);
  const std::size_t path = page.find('/', page.find("://") + 3);
  return page.substr(0, path) + "/i/";
}

// Answers are taken in order; as many as this are under way at once.
constexpr std::size_t kUnderWay = 16;

}  // namespace

int run(const verb::RoleSet& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  const auto account = find_member(console, *here->connection, here->club.club_id(), verb.member);
  if (!account) return account.error();
  v1::SetRole request;
  request.set_club_id(here->club.club_id());
  request.set_account_id(*account);
  request.set_role(verb.role);
  request.set_reason(verb.reason);
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::MemberStatusSet& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  const auto account = find_member(console, *here->connection, here->club.club_id(), verb.member);
  if (!account) return account.error();
  v1::SetMemberStatus request;
  request.set_club_id(here->club.club_id());
  request.set_account_id(*account);
  request.set_status(verb.status);
  request.set_reason(verb.reason);
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::MemberList& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::ListMembersReply everyone;
  std::uint64_t after = 0;
  do {
    v1::ListMembers request;
    request.set_club_id(here->club.club_id());
    request.set_after(after);
    request.set_name_contains(verb.contains);
    auto page = here->connection->call(std::move(request));
    if (!page) return console.fail(page.error());
    after = page->next();
    everyone.MergeFrom(*page);
  } while (after != 0);
  everyone.clear_next();
  if (console.json()) {
    console.print_json(everyone);
    return kDone;
  }
  Table table({console.text(phrase::col_account), console.text(phrase::col_name),
               console.text(phrase::col_role), console.text(phrase::col_state),
               console.text(phrase::col_since)});
  for (const auto& member : everyone.members()) {
    table.add({std::to_string(member.account_id()), member.display_name(),
               console.text(name_of(member.role())), console.text(name_of(member.status())),
               local_time(member.since_ms())});
  }
  console.print(table.text());
  console.say(phrase::how_many, everyone.members_size());
  return kDone;
}

int run(const verb::MemberAdd& verb, Console& console) {
  auto target = console.target(true);
  if (!target) return target.error();
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  const auto club = find_club(console, **connection, verb.club);
  if (!club) return club.error();
  v1::AddMember request;
  request.set_club_id(club->club_id());
  request.set_login(verb.login);
  request.set_display_name(verb.name);
  request.set_role(verb.role);
  request.set_language(verb.language);
  request.set_external_id(verb.external_id);
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
  } else if (reply->already_member()) {
    console.say(phrase::already_so);
  } else {
    console.say(phrase::member_added, reply->account_id());
    if (!reply->activation_code().empty())
      console.print(link_prefix(target->url) + reply->activation_code());
  }
  return kDone;
}

int run(const verb::MemberImport& verb, Console& console) {
  const auto text = read_file(console, verb.file, kMemberFileBytes);
  if (!text) return text.error();
  MemberFile file = read_members(*text, console.language());
  if (!file.usable) {
    return console.fail(verb.file + ": " + file.problems.front().reason, kUsage);
  }
  PrivateFile links;
  if (!verb.dry_run && verb.links_file.empty()) return console.fail_usage(phrase::links_needed);
  if (!verb.dry_run && !links.open(verb.links_file)) {
    return console.fail_usage(phrase::file_unreadable, verb.links_file, std::strerror(errno));
  }
  auto target = console.target(true);
  if (!target) return target.error();
  target->reconnect = true;
  target->lane_window = kUnderWay;
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  const auto club = find_club(console, **connection, verb.club);
  if (!club) return club.error();

  std::size_t added = 0, accounts = 0, already = 0;
  Progress progress(club->name(), file.rows.size(), console.progress_output());
  const auto complain = [&](std::size_t line, const std::string& reason) {
    progress.note(console.text(phrase::import_line_problem, line, reason));
  };
  for (const auto& problem : file.problems) complain(problem.line, problem.reason);

  struct UnderWay {
    const MemberRow* row;
    std::future<client::Result<v1::AddMemberReply>> reply;
  };
  std::deque<UnderWay> under_way;
  std::optional<int> broken;
  std::size_t refused = 0;
  const auto take_one = [&] {
    UnderWay first = std::move(under_way.front());
    under_way.pop_front();
    const auto reply = first.reply.get();
    progress.advance();
    if (!reply) {
      if (reply.error().kind != client::Failure::Kind::Refused) {
        if (!broken) {
          progress.finish();
          broken = console.fail(reply.error());
        }
        return;
      }
      ++refused;
      complain(first.row->line, explain(reply.error(), console.language()));
      return;
    }
    already += reply->already_member();
    added += !reply->already_member();
    accounts += reply->account_created();
    if (!reply->activation_code().empty() &&
        !links.add(csv_field(first.row->login) + "," + csv_field(first.row->display_name) + "," +
                   link_prefix(target->url) + reply->activation_code() + "\n")) {
      complain(first.row->line, console.text(phrase::link_not_written, verb.links_file));
    }
  };
  for (const MemberRow& row : file.rows) {
    if (broken) break;
    v1::AddMember request;
    request.set_club_id(club->club_id());
    request.set_login(row.login);
    request.set_display_name(row.display_name);
    request.set_role(row.role);
    request.set_language(row.language);
    request.set_external_id(row.external_id);
    request.set_dry_run(verb.dry_run);
    under_way.push_back({&row, (*connection)->client().call(std::move(request))});
    if (under_way.size() >= kUnderWay) take_one();
  }
  while (!under_way.empty()) take_one();
  progress.finish();
  const std::size_t bad = file.problems.size() + refused;
  console.say(verb.dry_run ? phrase::import_would : phrase::import_did, grouped(added),
              grouped(accounts), grouped(already), grouped(bad));
  if (links.is_open() && accounts > 0) console.say(phrase::links_are_in, verb.links_file);
  if (broken) return *broken;
  return bad == 0 ? kDone : kRefused;
}

}  // namespace amicale::admin
