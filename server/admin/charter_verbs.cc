// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club's charter from the command line.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "server/admin/charter_file.h"
#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/admin/vocabulary.h"
#include "server/domain/charter.h"

namespace amicale::admin {
namespace {

OrExit<v1::Charter> read_file(const Console& console, const std::string& name) {
  std::ifstream file(name);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    return std::unexpected(console.fail_usage(phrase::file_unreadable, name, std::strerror(errno)));
  }
  auto charter = charter_from(text.str());
  if (!charter) {
    return std::unexpected(console.fail_usage(phrase::charter_unread, name, charter.error()));
  }
  if (const auto good = domain::check_rules(charter->rules()); !good) {
    const auto refusal = domain::to_wire(good.error(), console.language());
    return std::unexpected(console.fail_usage(phrase::charter_unread, name,
                                              refusal.field() + " – " + refusal.message()));
  }
  return std::move(*charter);
}

}  // namespace

void print_charter(const Console& console, const v1::Charter& charter) {
  if (charter.version() != 0) console.say(phrase::charter_heading, charter.version());
  for (const auto& line : charter_lines(charter, console.language())) console.print(line);
}

int run(const verb::CharterShow& verb, Console& console) {
  v1::GetCharterReply found;
  if (verb.club.empty() && verb.code.empty()) {
    *found.mutable_charter() = domain::default_charter();
  } else {
    // A code needs no account.
    const auto target = console.target(verb.code.empty());
    if (!target) return target.error();
    auto connection = console.connect_to(*target);
    if (!connection) return connection.error();
    v1::GetCharter request;
    request.set_code(verb.code);
    request.set_version(verb.version);
    if (!verb.club.empty()) {
      const auto club = find_club(console, **connection, verb.club);
      if (!club) return club.error();
      request.set_club_id(club->club_id());
    }
    auto reply = (*connection)->call(std::move(request));
    if (!reply) return console.fail(reply.error());
    found = std::move(*reply);
  }
  if (console.json()) {
    console.print_json(found);
  } else if (found.charter().rules().empty()) {
    console.say(phrase::charter_none);
  } else if (verb.toml) {
    console.print(charter_to_toml(found.charter()));
  } else {
    print_charter(console, found.charter());
    if (found.accepted() != 0) console.say(phrase::charter_accepted, found.accepted());
  }
  return kDone;
}

int run(const verb::CharterCheck& verb, Console& console) {
  const auto charter = read_file(console, verb.file);
  if (!charter) return charter.error();
  print_charter(console, *charter);
  console.say(phrase::charter_good);
  return kDone;
}

int run(const verb::CharterPropose& verb, Console& console) {
  v1::ProposeCharter request;
  if (verb.file.empty()) {
    *request.mutable_rules() = domain::default_charter().rules();
  } else {
    auto charter = read_file(console, verb.file);
    if (!charter) return charter.error();
    *request.mutable_rules() = std::move(*charter->mutable_rules());
  }
  request.set_text(verb.text);
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  request.set_club_id(here->club.club_id());
  if (const int code = act_for(console, *here->connection, verb.behalf, request); code != kDone)
    return code;
  return console.report(here->connection->call(std::move(request)), phrase::charter_in_force);
}

int run(const verb::CharterAccept& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  v1::AcceptCharter request;
  request.set_club_id(here->club.club_id());
  request.set_version(verb.version);
  if (verb.version == 0) {  // it is read before it is accepted
    v1::GetCharter read;
    read.set_club_id(here->club.club_id());
    const auto reply = here->connection->call(std::move(read));
    if (!reply) return console.fail(reply.error());
    if (reply->charter().version() == 0) {
      console.say(phrase::charter_none);
      return kDone;
    }
    print_charter(console, reply->charter());
    const auto agreed = console.ask(phrase::charter_agree);
    if (!agreed) return agreed.error();
    if (!is_yes(*agreed)) return kDone;
    request.set_version(reply->charter().version());
  }
  return console.report(here->connection->call(std::move(request)));
}

int run(const verb::SanctionSuggest& verb, Console& console) {
  const auto here = enter_club(console, verb.club);
  if (!here) return here.error();
  const auto account = find_member(console, *here->connection, here->club.club_id(), verb.member);
  if (!account) return account.error();
  v1::SuggestSanction request;
  request.set_club_id(here->club.club_id());
  request.set_account_id(*account);
  request.set_reason(verb.reason);
  const auto reply = here->connection->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
    return kDone;
  }
  const auto step = static_cast<int>(reply->step());
  if (step >= reply->rule().ladder_size()) {
    console.say(phrase::suggest_none);
    return kDone;
  }
  const bool english = console.language() == v1::LANGUAGE_EN;
  console.print(printable(english ? reply->rule().en() : reply->rule().fr()));
  for (int i = 0; i < reply->rule().ladder_size(); ++i) {
    console.print((i == step ? " → " : "   ") +
                  step_text(reply->rule().ladder(i), console.language()));
  }
  console.say(phrase::suggest_counted, reply->counted_size());
  if (reply->takes_two()) console.say(phrase::suggest_two);
  return kDone;
}

}  // namespace amicale::admin
