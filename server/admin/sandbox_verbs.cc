// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club to practise moderation in: made, played in and cleared by ordinary requests, of ordinary accounts.
#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

#include "server/admin/console.h"
#include "server/admin/lookup.h"
#include "server/admin/private_file.h"
#include "server/admin/progress.h"
#include "server/admin/sandbox_script.h"
#include "server/admin/speakers.h"
#include "server/admin/verbs.h"

namespace amicale::admin {
namespace {

constexpr std::chrono::seconds kPatience{3};

// 128 bits: nobody ever types it.
std::string fresh_password() {
  std::array<unsigned char, 16> bytes{};
  if (::RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("no random numbers");
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// The club, which must be one to practise in: what is done here is not for others.
OrExit<v1::ClubSnapshot> load_sandbox(const Console& console, Connection& connection,
                                      const std::string& name) {
  auto club = load_club(console, connection, name);
  if (club && !club->club().sandbox()) {
    return std::unexpected(console.fail(console.text(phrase::sandbox_is_none, name), kRefused));
  }
  return club;
}

v1::Language language_of(const v1::Club& club) {
  return club.language() == v1::LANGUAGE_EN ? v1::LANGUAGE_EN : v1::LANGUAGE_FR;
}

client::Result<v1::AddMemberReply> add_person(Connection& staff, const v1::Club& club,
                                              const SandboxPerson& person) {
  v1::AddMember request;
  request.set_club_id(club.club_id());
  request.set_login(sandbox_login(person, club.slug()));
  request.set_display_name(std::string(person.displayed));
  request.set_role(v1::CLUB_ROLE_MEMBER);
  request.set_language(language_of(club));
  return staff.call(std::move(request));
}

// Adds everybody of the play, and gives each a password, which goes into `logins`.
std::optional<int> enrol(const Console& console, Connection& staff, const v1::Club& club,
                         PrivateFile& logins, const std::string& file) {
  auto target = console.target(false);
  if (!target) return target.error();
  for (const SandboxPerson& person : sandbox_people()) {
    const auto added = add_person(staff, club, person);
    if (!added) return console.fail(added.error());
    const std::string login = sandbox_login(person, club.slug());
    if (added->activation_code().empty()) {
      return console.fail(console.text(phrase::sandbox_login_taken, login), kRefused);
    }
    auto entry = console.connect_to(*target);
    if (!entry) return entry.error();
    v1::Register request;
    request.set_code(added->activation_code());
    request.set_client_msg_id(client::Client::new_message_id());
    request.set_login(login);
    request.set_display_name(std::string(person.displayed));
    request.set_language(language_of(club));
    request.set_password(fresh_password());
    request.set_device_name("amicale sandbox");
    const std::string line = login + "," + request.password() + "\n";
    const auto registered = (*entry)->call(std::move(request));
    if (!registered) return console.fail(registered.error());
    if (!logins.add(line)) {
      return console.fail_usage(phrase::file_unreadable, file, std::strerror(errno));
    }
  }
  return std::nullopt;
}

// One run of the play. Lives for the verb; all on its thread.
class Performance {
 public:
  Performance(const v1::ClubSnapshot& club, std::uint64_t room_id,
              std::map<std::string, Connection*> by_login, std::uint64_t seed)
      : club_(club.club()), room_id_(room_id), by_login_(std::move(by_login)), seed_(seed) {}

  // What the club answers to one step; a connection that is lost ends the play.
  std::optional<client::Failure> perform(const std::vector<SandboxStep>& play, std::size_t at) {
    const SandboxStep& step = play[at];
    return step.kind == SandboxStep::Kind::say ? say(step, at) : report(step);
  }

  // Whoever was sanctioned contests it, once.
  std::optional<client::Failure> contest_all() {
    const auto people = sandbox_people();
    for (std::size_t person = 0; person < people.size(); ++person) {
      if (auto failure = contest(person)) return failure;
    }
    return std::nullopt;
  }

  std::size_t said() const { return numbers_.size(); }
  std::size_t held_back() const { return held_back_; }
  std::size_t reports() const { return reports_; }
  std::size_t appeals() const { return appeals_; }

 private:
  Connection& of(std::size_t person) const {
    return *by_login_.at(sandbox_login(sandbox_people()[person], club_.slug()));
  }

  // A "no" of the club is part of the play; everything else is not.
  static bool is_refusal(const client::Failure& failure) {
    return failure.kind == client::Failure::Kind::Refused;
  }

  std::optional<client::Failure> say(const SandboxStep& step, std::size_t at) {
    v1::PostMessage post;
    *post.mutable_stream() = client::Stream::club(club_.club_id()).proto();
    post.set_room_id(room_id_);
    post.set_body(step.text);
    auto answer = of(step.person).client().call(std::move(post));
    // In slow mode the SDK says it again when it may be said: the play goes on without that.
    if (answer.wait_for(kPatience) != std::future_status::ready) {
      ++held_back_;
      return std::nullopt;
    }
    const auto reply = answer.get();
    if (reply && reply->held()) {
      ++held_back_;
      return std::nullopt;
    }
    if (reply) {
      numbers_[at] = reply->object_id();
      return std::nullopt;
    }
    if (!is_refusal(reply.error())) return reply.error();
    ++held_back_;
    return contest(step.person);
  }

  std::optional<client::Failure> report(const SandboxStep& step) {
    const auto about = numbers_.find(step.about);
    // What was held back is nothing to tell of.
    if (about == numbers_.end()) return std::nullopt;
    v1::FileReport request;
    request.set_club_id(club_.club_id());
    request.mutable_message()->set_room_id(room_id_);
    request.mutable_message()->set_number(about->second);
    request.set_reason(step.reason);
    request.set_text(step.text);
    const auto reply = of(step.person).call(std::move(request));
    if (reply)
      ++reports_;
    else if (!is_refusal(reply.error()))
      return reply.error();
    return std::nullopt;
  }

  std::optional<client::Failure> contest(std::size_t person) {
    const auto own = of(person).call(v1::ListOwnSanctions{});
    if (!own) return own.error();
    for (const auto& one : own->cases()) {
      if (one.sanction().club_id() != club_.club_id() || one.has_appeal()) continue;
      v1::AppealSanction request;
      request.set_club_id(club_.club_id());
      request.set_sanction_id(one.sanction().sanction_id());
      request.set_text(sandbox_appeal(language_of(club_), seed_, person));
      const auto reply = of(person).call(std::move(request));
      if (reply)
        ++appeals_;
      else if (!is_refusal(reply.error()))
        return reply.error();
    }
    return std::nullopt;
  }

  const v1::Club club_;
  const std::uint64_t room_id_;
  const std::map<std::string, Connection*> by_login_;
  const std::uint64_t seed_;
  std::map<std::size_t, std::uint64_t> numbers_;  // of what was said, by step
  std::size_t held_back_ = 0;
  std::size_t reports_ = 0;
  std::size_t appeals_ = 0;
};

// Brings a sandbox back to where a play begins. Every step is a request that anybody with the right may make.
class Clearing {
 public:
  Clearing(Connection& staff, const v1::ClubSnapshot& club) : staff_(staff), club_(club) {}

  std::optional<client::Failure> run() {
    for (const auto step : {&Clearing::end_raid, &Clearing::decide_appeals, &Clearing::lift_all,
                            &Clearing::close_reports, &Clearing::open_rooms, &Clearing::reject_held,
                            &Clearing::take_away_words, &Clearing::let_in_again}) {
      if (auto failure = (this->*step)()) return failure;
    }
    return std::nullopt;
  }

 private:
  std::uint64_t id() const { return club_.club().club_id(); }

  // What somebody else has settled meanwhile is settled.
  template <typename T>
  std::optional<client::Failure> settle(T request) {
    const auto reply = staff_.call(std::move(request));
    if (reply || reply.error().kind == client::Failure::Kind::Refused) return std::nullopt;
    return reply.error();
  }

  std::optional<client::Failure> end_raid() {
    if (!club_.has_raid()) return std::nullopt;
    v1::EndRaidMode request;
    request.set_club_id(id());
    return settle(std::move(request));
  }

  std::optional<client::Failure> decide_appeals() {
    v1::ListAppeals list;
    list.set_club_id(id());
    const auto open = staff_.call(std::move(list));
    if (!open) return open.error();
    for (const auto& one : open->cases()) {
      v1::DecideAppeal request;
      request.set_club_id(id());
      request.set_sanction_id(one.sanction().sanction_id());
      request.set_grant(true);
      const bool english = language_of(club_.club()) == v1::LANGUAGE_EN;
      request.set_text(english ? "The sandbox is cleared." : "Le bac à sable est vidé.");
      if (auto failure = settle(std::move(request))) return failure;
    }
    return std::nullopt;
  }

  std::optional<client::Failure> lift_all() {
    v1::ListSanctions list;
    list.set_club_id(id());
    list.set_standing(true);
    do {
      const auto page = staff_.call(list);
      if (!page) return page.error();
      for (const auto& one : page->cases()) {
        v1::LiftSanction request;
        request.set_club_id(id());
        request.set_sanction_id(one.sanction().sanction_id());
        if (auto failure = settle(std::move(request))) return failure;
      }
      list.set_before(page->next());
    } while (list.before() != 0);
    return std::nullopt;
  }

  std::optional<client::Failure> close_reports() {
    v1::ListReports list;
    list.set_club_id(id());
    const auto open = staff_.call(std::move(list));
    if (!open) return open.error();
    for (const auto& report : open->reports()) {
      v1::ResolveReport request;
      request.set_club_id(id());
      request.set_report_id(report.report_id());
      request.set_state(v1::REPORT_STATE_DISMISSED);
      if (auto failure = settle(std::move(request))) return failure;
    }
    return std::nullopt;
  }

  std::optional<client::Failure> open_rooms() {
    for (const v1::Room& room : club_.rooms()) {
      if (!room.locked() && room.slow_mode_s() == 0 && room.auto_slow_s() == 0) continue;
      v1::ChangeRoom request;
      request.set_club_id(id());
      request.set_room_id(room.room_id());
      request.set_locked(false);
      request.set_slow_mode_s(0);
      if (auto failure = settle(std::move(request))) return failure;
    }
    return std::nullopt;
  }

  std::optional<client::Failure> reject_held() {
    v1::ListHeld list;
    list.set_club_id(id());
    do {
      const auto page = staff_.call(list);
      if (!page) return page.error();
      for (const auto& one : page->held()) {
        v1::ReviewHeld request;
        request.set_club_id(id());
        request.set_held_id(one.held_id());
        if (auto failure = settle(std::move(request))) return failure;
      }
      list.set_after(page->after());
    } while (list.after() != 0);
    return std::nullopt;
  }

  std::optional<client::Failure> take_away_words() {
    for (const SandboxPerson& person : sandbox_people()) {
      const auto account = account_of(person);
      if (!account) return account.error();
      for (bool more = *account != 0; more;) {
        v1::FindMessages find;
        find.set_club_id(id());
        find.set_account_id(*account);
        const auto found = staff_.call(std::move(find));
        if (!found) return found.error();
        if (found->messages().empty()) break;
        v1::RemoveMessages request;
        request.set_club_id(id());
        request.set_account_id(*account);
        request.set_reason(v1::REASON_CODE_OTHER);
        for (const auto& message : found->messages()) {
          auto& ref = *request.add_messages();
          ref.set_room_id(message.room_id());
          ref.set_number(message.number());
        }
        const auto removed = staff_.call(std::move(request));
        if (!removed) return removed.error();
        more = found->more();
      }
    }
    return std::nullopt;
  }

  // The newcomers come in anew, since they have to be new for the play.
  std::optional<client::Failure> let_in_again() {
    for (const SandboxPerson& person : sandbox_people()) {
      const auto account = account_of(person);
      if (!account) return account.error();
      if (person.newcomer && *account != 0) {
        v1::SetMemberStatus request;
        request.set_club_id(id());
        request.set_account_id(*account);
        request.set_status(v1::MEMBER_STATUS_REMOVED);
        if (auto failure = settle(std::move(request))) return failure;
      }
      const auto added = add_person(staff_, club_.club(), person);
      if (!added) return added.error();
    }
    return std::nullopt;
  }

  // 0: nobody has that login any more.
  client::Result<std::uint64_t> account_of(const SandboxPerson& person) {
    v1::FindAccount request;
    request.set_login(sandbox_login(person, club_.club().slug()));
    const auto found = staff_.call(std::move(request));
    if (found) return found->account_id();
    if (found.error().kind == client::Failure::Kind::Refused) return std::uint64_t{0};
    return std::unexpected(found.error());
  }

  Connection& staff_;
  const v1::ClubSnapshot& club_;
};

}  // namespace

int run(const verb::SandboxCreate& verb, Console& console) {
  if (verb.slug.size() > kSandboxSlug) {
    return console.fail_usage(phrase::sandbox_slug_long, kSandboxSlug);
  }
  PrivateFile logins;
  if (!logins.open(verb.logins_file)) {
    return console.fail_usage(phrase::file_unreadable, verb.logins_file, std::strerror(errno));
  }
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::CreateClub request;
  request.set_slug(verb.slug);
  request.set_name(verb.name.empty() ? console.text(phrase::sandbox_name) : verb.name);
  request.set_kind(v1::CLUB_KIND_SOCIAL);
  request.set_language(verb.language == v1::LANGUAGE_UNSPECIFIED ? console.language()
                                                                 : verb.language);
  request.set_sandbox(true);
  const auto made = (*connection)->call(std::move(request));
  if (!made) return console.fail(made.error());
  const auto club = load_sandbox(console, **connection, verb.slug);
  if (!club) return club.error();
  if (const auto failed = enrol(console, **connection, club->club(), logins, verb.logins_file)) {
    return *failed;
  }
  if (console.json())
    console.print_json(*made);
  else
    console.say(phrase::sandbox_made, made->object_id(), verb.logins_file);
  return kDone;
}

int run(const verb::SandboxRun& verb, Console& console) {
  auto speakers = log_speakers_in(console, verb.logins_file);
  if (!speakers) return speakers.error();
  const auto club = load_sandbox(console, *speakers->front().connection, verb.club);
  if (!club) return club.error();
  std::map<std::string, Connection*> by_login;
  for (const Speaker& speaker : *speakers) by_login[speaker.login] = speaker.connection.get();
  for (const SandboxPerson& person : sandbox_people()) {
    const std::string login = sandbox_login(person, club->club().slug());
    if (!by_login.contains(login)) {
      return console.fail_usage(phrase::sandbox_person_missing, login, verb.logins_file);
    }
  }
  std::uint64_t room_id = 0;
  if (verb.room.empty()) {
    const auto open = std::ranges::find_if(club->rooms(), [](const v1::Room& room) {
      return room.access() == v1::ROOM_ACCESS_ALL && !room.archived();
    });
    if (open != club->rooms().end()) room_id = open->room_id();
  } else {
    const auto room = find_room(console, *club, verb.room);
    if (!room) return room.error();
    room_id = room->room_id();
  }

  const auto play = sandbox_play(language_of(club->club()), verb.seed);
  Performance performance(*club, room_id, std::move(by_login), verb.seed);
  std::optional<client::Failure> failure;
  {
    Progress progress(club->club().name(), play.size(), console.progress_output());
    for (std::size_t at = 0; at < play.size() && !failure; ++at) {
      if (verb.speed > 0) {
        std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(
            static_cast<double>(play[at].pause_ms) / verb.speed));
      }
      failure = performance.perform(play, at);
      progress.set(at + 1);
    }
    if (!failure) failure = performance.contest_all();
    progress.finish();
  }
  if (failure) return console.fail(*failure);
  console.say(phrase::sandbox_played, performance.said(), performance.held_back(),
              performance.reports(), performance.appeals());
  return kDone;
}

int run(const verb::SandboxReset& verb, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto club = load_sandbox(console, **connection, verb.club);
  if (!club) return club.error();
  if (const auto failure = Clearing(**connection, *club).run()) return console.fail(*failure);
  console.say(phrase::done);
  return kDone;
}

}  // namespace amicale::admin
