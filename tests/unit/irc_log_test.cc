// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/irc_log.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "server/admin/terminal_text.h"

using namespace amicale::admin;

namespace {

constexpr std::int64_t kMinute = 60'000;

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

TEST_CASE("a nick of control characters alone is no author: the line is not read") {
  const auto log = parse_irc_log("[10:00] <\x7f \x02> hello\n[10:01] <ada> hello\n", 0);
  REQUIRE(log.messages.size() == 1);
  CHECK(log.messages[0].nick == "ada");
  CHECK(log.unread_lines == 1);
}

TEST_CASE("messages, actions and what the server says are told apart") {
  const IrcLog log = parse_irc_log(
      "[09:15] <ada> hello there\n"
      "=== bob [~bob@example.org]  has joined #club\n"
      "[09:16]  * bob waves\n"
      "[09:16] <ada>\n"
      "[09:17] <|eve|> a <b> c\n"
      "not a line of a log\n",
      0);
  REQUIRE(log.messages.size() == 3);
  CHECK(log.messages[0].nick == "ada");
  CHECK(log.messages[0].body == "hello there");
  CHECK(log.messages[1].body == "*waves*");
  CHECK(log.messages[1].line == 2);
  CHECK(log.messages[2].nick == "|eve|");
  CHECK(log.messages[2].body == "a <b> c");
  CHECK(log.lines == 6);
  CHECK(log.system_lines == 1);
  CHECK(log.empty_lines == 1);
  CHECK(log.unread_lines == 1);
}

TEST_CASE("a nick that ends in a space, or is nothing else") {
  const IrcLog log = parse_irc_log("[09:15] <brad[] > hi\n[09:15] < > who\n[09:15] <> who\n", 0);
  REQUIRE(log.messages.size() == 1);
  CHECK(log.messages[0].nick == "brad[]");
  CHECK(log.unread_lines == 2);
}

TEST_CASE("time rises across midnight, on a twelve-hour clock, and when a clock is set back") {
  const auto minutes = [](std::string_view text) {
    std::vector<std::int64_t> out;
    for (const auto& message : parse_irc_log(text, 0).messages) {
      out.push_back(message.time_ms / kMinute);
    }
    return out;
  };
  using M = std::vector<std::int64_t>;
  CHECK(minutes("[23:58] <a> x\n[00:01] <a> y\n") == M{1438, 1441});
  CHECK(minutes("[12:59] <a> x\n[01:02] <a> y\n[03:00] <a> z\n") == M{779, 782, 900});
  CHECK(minutes("[10:05] <a> x\n[10:03] <a> y\n[10:06] <a> z\n") == M{605, 605, 606});
}

TEST_CASE("messages of one minute are spread over it in order") {
  const IrcLog log = parse_irc_log("[00:01] <a> x\n[00:01] <a> y\n[00:01] <a> z\n", 0);
  CHECK(log.messages[0].time_ms == kMinute);
  CHECK(log.messages[1].time_ms == kMinute + 20'000);
  CHECK(log.messages[2].time_ms == kMinute + 40'000);
}

TEST_CASE("bytes that are not UTF-8 are repaired visibly and counted; colours are dropped") {
  const IrcLog log = parse_irc_log(
      "[00:01] <a> caf\xE9\n[00:01] <b> \x03"
      "04,12red\x0f and\x02 bold\n",
      0);
  CHECK(log.messages[0].body == "caf\uFFFD");
  CHECK(log.messages[1].body == "red and bold");
  CHECK(log.repaired_lines == 1);
}

TEST_CASE("an annotation makes a reply only between two messages, and the nearest question wins") {
  IrcLog log = parse_irc_log(
      "[00:00] <a> one\n=== b has joined #x\n[00:01] <b> two\n[00:02] <c> three\n", 0);
  apply_annotations(log, "0 0 - \n0 2 - \n0 3 -\n2 3 - \n1 3 -\nnonsense\n0 99 -\n");
  CHECK_FALSE(log.messages[0].answers);
  CHECK(log.messages[1].answers == 0u);
  CHECK(log.messages[2].answers == 1u);
  CHECK(log.replies == 2);
  CHECK(log.annotations_unused == 2);
}

TEST_CASE("the date comes from the file name or is written out") {
  CHECK(date_from_file_name("/data/irc/2004-11-15_03.raw.txt") == 1100476800000);
  CHECK(parse_date("1970-01-02") == 86'400'000);
  CHECK_FALSE(parse_date("2004-02-30"));
  CHECK_FALSE(date_from_file_name("channel.log"));
}

TEST_CASE("the ten real logs read whole, in order and with their replies") {
  const char* folder = std::getenv("AMICALE_TEST_DATA");
  if (!folder) {
    std::puts("skipped: AMICALE_TEST_DATA does not name the folder of real logs");
    return;
  }
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "irc")) {
    const std::string name = entry.path().string();
    if (!name.ends_with(".raw.txt")) continue;
    CAPTURE(name);
    ++files;
    const auto date = date_from_file_name(name);
    REQUIRE(date);
    IrcLog log = parse_irc_log(contents(entry.path()), *date);
    CHECK(log.lines == 1250);
    CHECK(log.unread_lines == 0);
    CHECK(log.messages.size() + log.system_lines + log.empty_lines == log.lines);
    CHECK(log.messages.size() > 1000);
    CHECK(std::is_sorted(log.messages.begin(), log.messages.end(),
                         [](const auto& a, const auto& b) { return a.time_ms < b.time_ms; }));
    CHECK(log.messages.back().time_ms - log.messages.front().time_ms < 24 * 60 * kMinute);
    for (const auto& message : log.messages) CHECK(is_utf8(message.body));
    std::string annotations = name;
    annotations.replace(annotations.size() - 7, 7, "annotation.txt");
    apply_annotations(log, contents(annotations));
    CHECK(log.replies > 150);
  }
  CHECK(files == 10);
}
