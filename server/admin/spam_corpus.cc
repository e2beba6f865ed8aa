// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/spam_corpus.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "server/admin/irc_log.h"
#include "server/domain/text.h"

namespace amicale::admin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t mail_bytes = 2'000;

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> files_ending_in(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().filename().string().ends_with(ending)) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

// Bytes that are no UTF-8 are read as Latin-1, which old mail mostly is.
std::string as_utf8(std::string_view text) {
  if (domain::is_utf8(text)) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      out += static_cast<char>(0xc0 | (byte >> 6));
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return out;
}

// What a reader sees of a page: without its tags.
std::string without_tags(std::string_view text) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool opens = c == '<' && i + 1 < text.size() &&
                       (text[i + 1] == '/' || text[i + 1] == '!' ||
                        ((text[i + 1] | 0x20) >= 'a' && (text[i + 1] | 0x20) <= 'z'));
    if (opens) {
      inside = true;
      out += ' ';
    }
    if (!inside) out += c;
    if (c == '>') inside = false;
  }
  return out;
}

std::string subject_and_body(std::string_view mail) {
  const auto end = std::min(mail.find("\n\n"), mail.size());
  std::string_view headers = mail.substr(0, end);
  std::string text;
  while (!headers.empty()) {
    const auto line_end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, line_end);
    if (line.starts_with("Subject:")) text = line.substr(8);
    headers.remove_prefix(std::min(line_end + 1, headers.size()));
  }
  text += '\n';
  text += without_tags(mail.substr(end));
  // Runs of white space say nothing and would fill the bound.
  std::string tight;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      tight += c;
    } else if (!tight.empty() && tight.back() != ' ' && tight.back() != '\n') {
      tight += c == '\n' ? '\n' : ' ';
    }
    if (tight.size() >= mail_bytes) break;
  }
  return as_utf8(tight);
}

}  // namespace

std::vector<domain::antispam::Example> parse_labelled(std::string_view lines) {
  std::vector<domain::antispam::Example> examples;
  while (!lines.empty()) {
    const auto end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) continue;
    const std::string_view label = line.substr(0, tab);
    if (label != "ham" && label != "spam") continue;
    examples.push_back({std::string(line.substr(tab + 1)), label == "spam"});
  }
  return examples;
}

std::vector<Corpus> read_labelled_folder(const fs::path& folder) {
  std::vector<Corpus> all;
  for (const fs::path& file : files_ending_in(folder, ".tsv")) {
    Corpus corpus{file.filename().string(), parse_labelled(contents(file))};
    if (!corpus.examples.empty()) all.push_back(std::move(corpus));
  }
  return all;
}

Corpus read_mails(const fs::path& folder) {
  Corpus corpus{"mails", {}};
  std::set<std::string> seen;
  for (const fs::path& file : files_ending_in(folder, ".txt")) {
    const std::string group = file.parent_path().filename().string();
    const bool ham = group.find("ham") != std::string::npos;
    const bool spam = group.find("spam") != std::string::npos;
    if (ham == spam) continue;
    std::string text = subject_and_body(contents(file));
    if (!seen.insert(text).second) continue;
    corpus.examples.push_back({std::move(text), spam});
  }
  return corpus;
}

std::vector<fs::path> irc_files(const fs::path& folder) {
  return files_ending_in(folder, ".raw.txt");
}

std::vector<SaidLine> read_irc(const fs::path& file) {
  const IrcLog log = parse_irc_log(contents(file), 0);
  std::vector<SaidLine> said;
  said.reserve(log.messages.size());
  for (const IrcMessage& message : log.messages) {
    said.push_back({message.nick, message.body, message.time_ms});
  }
  return said;
}

}  // namespace amicale::admin
