// SPDX-License-Identifier: AGPL-3.0-or-later
//
// One's own session: login, logout, whoami, join, password, call.
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <iostream>
#include <iterator>

#include "server/admin/console.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

std::string this_device(const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return ("amicale @ " + std::string(host)).substr(0, 64);
}

int keep_session(const Console& console, const std::string& url, const std::string& login,
                 const std::string& token) {
  const auto& file = console.options().profile_file;
  if (save_profile(file, {url, login, token})) return kDone;
  return console.fail_usage(phrase::profile_unwritable, file.string());
}

// The code of an invitation link: what follows its last slash.
std::string code_of(const std::string& link) { return link.substr(link.rfind('/') + 1); }

// "https://host/i/CODE" also says where the server is.
std::string url_of(const std::string& link) {
  const std::size_t page = link.rfind("/i/");
  return link.find("://") == std::string::npos || page == std::string::npos
             ? std::string()
             : websocket_url(link.substr(0, page));
}

// The token of who is logged in on that server, and does not name another account: they enter with the one that they have.
std::string token_here(const Console& console, const std::string& url, const std::string& login) {
  if (!login.empty()) return {};
  if (!console.options().token.empty()) return console.options().token;
  const auto saved = load_profile(console.options().profile_file);
  return saved && saved->url == url ? saved->token : std::string();
}

int enter(const Console& console, const Connection::Target& target, const v1::Register& asked) {
  auto connection = console.connect_to(target);
  if (!connection) return connection.error();
  v1::AcceptInvitation request;
  request.set_code(asked.code());
  request.set_charter_version(asked.charter_version());
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (console.json()) {
    console.print_json(*reply);
  } else if (reply->club_id() != 0) {
    console.say(phrase::joined_waiting, console.text(name_of(reply->status())));
  } else {
    console.say(phrase::done);
  }
  return kDone;
}

}  // namespace

int run(const verb::Login& verb, Console& console) {
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
  v1::Login request;
  request.set_login(login);
  request.set_password(*password);
  request.set_device_name(this_device(verb.device));
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (const int code = keep_session(console, target->url, login, reply->token()); code != kDone)
    return code;
  console.say(phrase::logged_in, login, target->url);
  return kDone;
}

int run(const verb::Logout&, Console& console) {
  auto connection = console.connect();
  if (!connection) return connection.error();
  const auto reply = (*connection)->call(v1::Logout{});
  // The server may close the connection before its answer is read: the device is gone either way.
  if (!reply && reply.error().kind == client::Failure::Kind::Refused)
    return console.fail(reply.error());
  forget_profile(console.options().profile_file);
  console.say(phrase::logged_out);
  return kDone;
}

int run(const verb::WhoAmI&, Console& console) {
  auto target = console.target(true);
  if (!target) return target.error();
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  const auto& me = (*connection)->me();
  if (console.json()) {
    console.print_json(me);
    return kDone;
  }
  console.say(phrase::who_am_i, printable(me.display_name()), me.account_id(),
              printable((*connection)->hello().site_name()), target->url);
  if (me.site_role() >= v1::SITE_ROLE_STAFF)
    console.say(phrase::who_am_i_role, console.text(name_of(me.site_role())));
  return kDone;
}

int run(const verb::Join& verb, Console& console) {
  Connection::Target target;
  if (const std::string url = url_of(verb.link); !url.empty() && console.options().url.empty()) {
    target.url = url;
    target.ca_file = console.options().ca_file;
    target.verify_certificate = !console.options().any_certificate;
    target.language = console.language();
  } else {
    auto configured = console.target(false);
    if (!configured) return configured.error();
    target = std::move(*configured);
  }
  auto connection = console.connect_to(target);
  if (!connection) return connection.error();
  v1::LookUpInvitation look_up;
  look_up.set_code(code_of(verb.link));
  const auto found = (*connection)->call(look_up);
  if (!found) return console.fail(found.error());
  console.say(phrase::invitation_to,
              printable(found->club_name().empty() ? found->site_name() : found->club_name()),
              printable(found->site_name()));
  if (!found->club_purpose().empty()) console.print("  " + printable(found->club_purpose()));

  v1::Register request;
  request.set_charter_version(verb.charter);
  if (found->charter_version() != 0 && verb.charter == 0) {
    v1::GetCharter read;
    read.set_code(look_up.code());
    const auto charter = (*connection)->call(std::move(read));
    if (!charter) return console.fail(charter.error());
    print_charter(console, charter->charter());
    const auto agreed = console.ask(phrase::charter_agree);
    if (!agreed) return agreed.error();
    if (!is_yes(*agreed)) return kDone;
    request.set_charter_version(charter->charter().version());
  }
  request.set_code(look_up.code());
  if (found->login().empty()) {
    target.token = token_here(console, target.url, verb.login);
    if (!target.token.empty()) return enter(console, target, request);
  }
  request.set_client_msg_id(client::Client::new_message_id());
  request.set_login(verb.login);
  request.set_display_name(verb.name);
  request.set_language(console.language());
  request.set_device_name(this_device({}));
  if (!found->login().empty()) {  // the account exists already: only the password is missing
    request.set_login(found->login());
  } else {
    if (verb.login.empty()) {
      auto login = console.ask(phrase::prompt_wanted_login);
      if (!login) return login.error();
      request.set_login(*login);
    }
    if (verb.name.empty()) {
      auto name = console.ask(phrase::prompt_display_name);
      if (!name) return name.error();
      request.set_display_name(*name);
    }
  }
  auto password = console.new_password(verb.password_stdin);
  if (!password) return password.error();
  request.set_password(*password);
  const std::string login = request.login();
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  if (const int code = keep_session(console, target.url, login, reply->token()); code != kDone)
    return code;
  console.say(phrase::logged_in, login, target.url);
  if (reply->club_id() != 0 && reply->status() != v1::MEMBER_STATUS_ACTIVE) {
    console.say(phrase::joined_waiting, console.text(name_of(reply->status())));
  }
  return kDone;
}

int run(const verb::Password& verb, Console& console) {
  auto old_password = console.password(phrase::prompt_old_password, verb.password_stdin);
  if (!old_password) return old_password.error();
  auto new_password = console.new_password(verb.password_stdin);
  if (!new_password) return new_password.error();
  auto connection = console.connect();
  if (!connection) return connection.error();
  v1::ChangePassword request;
  request.set_old_password(*old_password);
  request.set_new_password(*new_password);
  const auto reply = (*connection)->call(std::move(request));
  if (!reply) return console.fail(reply.error());
  console.say(phrase::password_changed);
  return kDone;
}

int run(const verb::Call& verb, Console& console) {
  std::string json = verb.json.empty() ? "{}" : verb.json;
  if (json == "-") json.assign(std::istreambuf_iterator<char>(std::cin), {});
  v1::ClientFrame frame;
  const auto* field = v1::ClientFrame::descriptor()->FindFieldByName(verb.request);
  if (!field) field = v1::ClientFrame::descriptor()->FindFieldByCamelcaseName(verb.request);
  const bool callable =
      field && field->message_type() && field->number() >= v1::ClientFrame::kLoginFieldNumber;
  if (!callable) return console.fail_usage(phrase::unknown_request, printable(verb.request));
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      json, frame.GetReflection()->MutableMessage(&frame, field));
  if (!parsed.ok()) {
    return console.fail_usage(
        phrase::bad_json,
        printable(std::string_view(parsed.message().data(), parsed.message().size())));
  }
  const bool entry = frame.has_login() || frame.has_register_() || frame.has_look_up_invitation() ||
                     frame.has_appeal_site_ban();
  const auto target = console.target(!entry);
  if (!target) return target.error();
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  const auto reply = (*connection)->call_frame(std::move(frame));
  if (!reply) return console.fail(reply.error());
  const auto* answer = v1::Reply::descriptor()->FindFieldByNumber(field->number());
  console.print_json(reply->GetReflection()->GetMessage(*reply, answer));
  return kDone;
}

}  // namespace amicale::admin
