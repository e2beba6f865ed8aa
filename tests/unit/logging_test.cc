// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/logging.h"

#include <doctest/doctest.h>

namespace amicale {
namespace {

std::string text(std::string_view line) {
  return format_log_line(LogFormat::kText, 1'700'000'000'123, "info", line);
}
std::string json(std::string_view line) {
  return format_log_line(LogFormat::kJson, 1'700'000'000'123, "info", line);
}

TEST_CASE("a line of the log has its time in UTC, its level and its fields") {
  CHECK(text("connection refused connection=7 reason=cap") ==
        "2023-11-14T22:13:20.123Z info connection refused connection=7 reason=cap");
}

TEST_CASE("a JSON line makes each field a member, and numbers numbers") {
  CHECK(
      json("connection refused connection=7 reason=cap") ==
      R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"connection refused","connection":7,"reason":"cap"})");
  CHECK(
      json(R"(task failed task=x error="it is \ broken" id=0007)") ==
      R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"task failed","task":"x","error":"it is \\ broken","id":"0007"})");
}

TEST_CASE("a field cannot take the place of the line's own members") {
  CHECK(json("x level=debug") ==
        R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"x","level_":"debug"})");
}

TEST_CASE("nothing that is logged can begin a line of its own") {
  CHECK(text("bad name=\"a\n2023 info forged\"").find('\n') == std::string::npos);
  CHECK(json("bad name=\"a\r\nforged\"").find('\n') == std::string::npos);
  CHECK(text("bad \xe2\x80\xa8 line").find("\xe2\x80\xa8") == std::string::npos);
}

TEST_CASE("bytes that are not UTF-8 are replaced") {
  CHECK(text("bad \xff\xc3 end") == "2023-11-14T22:13:20.123Z info bad \uFFFD\uFFFD end");
  CHECK(text("café") == "2023-11-14T22:13:20.123Z info café");
}

TEST_CASE("unfinished quotes and stray signs stay readable JSON") {
  CHECK(json("x error=\"no end") ==
        R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"x","error":"no end"})");
  CHECK(json("a = b =c d=") ==
        R"({"time":"2023-11-14T22:13:20.123Z","level":"info","event":"a = b =c","d":""})");
}

TEST_CASE("a log file that cannot be opened is an error, not a crash") {
  Config::Log config;
  config.level = "info";
  config.file = "/dev/null/amicale.log";
  CHECK_FALSE(open_log(config));
}

}  // namespace
}  // namespace amicale
