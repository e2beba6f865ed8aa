// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a verb works with: where to print, in which language, which server. One for each run of the program.
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "server/admin/arguments.h"
#include "server/admin/connection.h"
#include "server/admin/phrases.h"
#include "server/admin/profile.h"
#include "server/admin/progress.h"

namespace google::protobuf {
class Message;
}

namespace amicale::admin {

// An exit code, as the failure of a verb's step. What went wrong has been printed.
template <typename T>
using OrExit = std::expected<T, int>;

class Console {
 public:
  explicit Console(CommonOptions options) : options_(std::move(options)) {}

  const CommonOptions& options() const { return options_; }
  v1::Language language() const { return options_.language; }
  bool json() const { return options_.json; }

  template <typename... Args>
  std::string text(const Phrase& phrase, const Args&... args) const {
    return admin::say(language(), phrase, args...);
  }
  std::string text(const Phrase& phrase) const { return std::string(phrase.in(language())); }

  // To standard output, with a line end.
  void print(std::string_view line) const;
  template <typename... Args>
  void say(const Phrase& phrase, const Args&... args) const {
    print(text(phrase, args...));
  }
  // To standard output as protobuf's JSON, names as in the .proto files.
  void print_json(const google::protobuf::Message& message) const;

  // To standard error, as "amicale: …". Return the exit code, for `return console.fail(…)`.
  int fail(std::string_view what, int exit_code) const;
  template <typename... Args>
  int fail_usage(const Phrase& phrase, const Args&... args) const {
    return fail(text(phrase, args...), kUsage);
  }
  // Says it in the user's language: what the server wrote, or what the network did.
  int fail(const client::Failure& failure) const;

  // What came of a command, or why nothing did. `made` may have one {}: the number of what was made. Returns the exit code.
  int report(const client::Result<v1::Committed>& reply, const Phrase& made = phrase::done) const;

  // Where to connect: the command line and the environment, else the saved session.
  OrExit<Connection::Target> target(bool with_token) const;
  // Logged in, or an exit code.
  OrExit<std::unique_ptr<Connection>> connect(bool reconnect = false) const;
  OrExit<std::unique_ptr<Connection>> connect_to(const Connection::Target& target) const;

  Progress::Output progress_output() const { return Progress::standard_error(); }

  // Asks on the terminal without showing what is typed; or takes one line of standard input.
  OrExit<std::string> password(const Phrase& prompt, bool from_standard_input) const;
  OrExit<std::string> new_password(bool from_standard_input) const;  // asked twice
  OrExit<std::string> ask(const Phrase& prompt) const;

 private:
  CommonOptions options_;
};

// The whole of a file, at most `limit` bytes. Prints why not.
OrExit<std::string> read_file(const Console& console, const std::string& path, std::size_t limit);

}  // namespace amicale::admin
