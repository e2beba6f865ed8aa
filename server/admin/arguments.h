// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The command line, read: what `amicale` was asked, or what to print instead.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "amicale/v1/common.pb.h"
#include "server/admin/verbs.h"

namespace amicale::admin {

// What every verb may be told.
struct CommonOptions {
  std::string url;    // empty = the saved session's
  std::string token;  // 32 bytes, from AMICALE_TOKEN; empty = the saved session's
  std::string ca_file;
  std::filesystem::path profile_file;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  bool any_certificate = false;
  bool json = false;
};

struct Invocation {
  CommonOptions common;
  Verb verb;
};

// Help, the version, or what is wrong with the command line.
struct Printed {
  std::string text;
  int exit_code = 0;
};

// `arguments` without the program's name. Reads AMICALE_URL, AMICALE_TOKEN and the language variables.
std::expected<Invocation, Printed> parse_arguments(std::vector<std::string> arguments);

}  // namespace amicale::admin
