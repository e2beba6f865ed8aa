// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/console.h"

#include <google/protobuf/util/json_util.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iostream>

#include "server/admin/failure_text.h"
#include "server/admin/terminal_text.h"

namespace amicale::admin {
namespace {

// Echo off for as long as it lives.
class Silence {
 public:
  Silence() {
    good_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!good_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    good_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~Silence() {
    if (good_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool good_ = false;
};

}  // namespace

void Console::print(std::string_view line) const {
  std::fwrite(line.data(), 1, line.size(), stdout);
  if (!line.ends_with('\n')) std::fputc('\n', stdout);
}

void Console::print_json(const google::protobuf::Message& message) const {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string out;
  if (google::protobuf::util::MessageToJsonString(message, &out, options).ok()) print(out);
}

int Console::fail(std::string_view what, int exit_code) const {
  std::fflush(stdout);
  std::cerr << "amicale: " << what << "\n";
  return exit_code;
}

int Console::fail(const client::Failure& failure) const {
  const bool refused = failure.kind == client::Failure::Kind::Refused ||
                       failure.kind == client::Failure::Kind::TooLarge;
  if (json() && failure.kind == client::Failure::Kind::Refused) print_json(failure.refusal);
  // Which of the things that were sent is at fault.
  const std::string field =
      failure.refusal.field().empty() ? "" : " [" + printable(failure.refusal.field()) + "]";
  return fail(explain(failure, language()) + field, refused ? kRefused : kNoConnection);
}

int Console::report(const client::Result<v1::Committed>& reply, const Phrase& made) const {
  if (!reply) return fail(reply.error());
  if (json()) {
    print_json(*reply);
  } else if (reply->proposal_id() != 0) {
    say(phrase::proposal_waits, reply->proposal_id());
  } else if (reply->first_seq() == 0) {
    say(phrase::already_so);
  } else {
    say(made, reply->object_id());
  }
  return kDone;
}

OrExit<Connection::Target> Console::target(bool with_token) const {
  Connection::Target target;
  target.url = options_.url;
  target.ca_file = options_.ca_file;
  target.verify_certificate = !options_.any_certificate;
  target.language = language();
  if (with_token) target.token = options_.token;
  if (!target.url.empty() && (!with_token || !target.token.empty())) return target;

  const auto profile = load_profile(options_.profile_file);
  if (!profile) {
    const std::string file = options_.profile_file.string();
    switch (profile.error()) {
      case ProfileFault::open_to_others:
        return std::unexpected(fail_usage(phrase::profile_open, file));
      case ProfileFault::unreadable:
      case ProfileFault::malformed:
        return std::unexpected(fail_usage(phrase::profile_unreadable, file));
      case ProfileFault::absent:
        return std::unexpected(
            fail_usage(target.url.empty() && !with_token ? phrase::no_url : phrase::not_logged_in));
    }
  }
  // A saved token goes to the server that gave it and to no other.
  if (with_token && target.token.empty()) {
    if (!target.url.empty() && target.url != profile->url) {
      return std::unexpected(fail_usage(phrase::other_server, target.url));
    }
    target.token = profile->token;
  }
  if (target.url.empty()) target.url = profile->url;
  return target;
}

OrExit<std::unique_ptr<Connection>> Console::connect(bool reconnect) const {
  auto where = target(true);
  if (!where) return std::unexpected(where.error());
  where->reconnect = reconnect;
  return connect_to(*where);
}

OrExit<std::unique_ptr<Connection>> Console::connect_to(const Connection::Target& target) const {
  auto connection = std::make_unique<Connection>(target);
  if (const auto failure = connection->open()) return std::unexpected(fail(*failure));
  return connection;
}

OrExit<std::string> Console::ask(const Phrase& prompt) const {
  std::cerr << prompt.in(language()) << " " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return std::unexpected(fail_usage(phrase::no_input));
  return line;
}

OrExit<std::string> Console::password(const Phrase& prompt, bool from_standard_input) const {
  std::string line;
  if (from_standard_input || ::isatty(STDIN_FILENO) != 1) {
    if (!from_standard_input) return std::unexpected(fail_usage(phrase::no_terminal));
    if (!std::getline(std::cin, line)) return std::unexpected(fail_usage(phrase::no_input));
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
  std::cerr << prompt.in(language()) << " " << std::flush;
  bool read = false;
  {
    Silence silence;
    read = static_cast<bool>(std::getline(std::cin, line));
  }
  std::cerr << "\n";
  if (!read) return std::unexpected(fail_usage(phrase::no_input));
  return line;
}

OrExit<std::string> Console::new_password(bool from_standard_input) const {
  auto first = password(phrase::prompt_new_password, from_standard_input);
  if (!first || from_standard_input) return first;
  const auto second = password(phrase::prompt_repeat_password, false);
  if (!second) return second;
  if (*first != *second) return std::unexpected(fail_usage(phrase::passwords_differ));
  return first;
}

OrExit<std::string> read_file(const Console& console, const std::string& path, std::size_t limit) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in)
    return std::unexpected(console.fail_usage(phrase::file_unreadable, path, std::strerror(errno)));
  const auto size = in.tellg();
  if (size < 0 || static_cast<std::size_t>(size) > limit) {
    return std::unexpected(console.fail_usage(phrase::file_too_large, path, limit));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(text.data(), size)) {
    return std::unexpected(console.fail_usage(phrase::file_unreadable, path, std::strerror(errno)));
  }
  return text;
}

}  // namespace amicale::admin
