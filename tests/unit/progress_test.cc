// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/progress.h"

#include <doctest/doctest.h>

#include "server/admin/terminal_text.h"

using namespace amicale::admin;
using namespace std::chrono_literals;

namespace {

struct Recorder {
  std::string text;
  Progress::Clock::time_point time{};
  Progress::Output output(bool terminal, int columns = 80) {
    return {[this](std::string_view piece) { text += piece; }, [this] { return time; }, terminal,
            columns};
  }
};

}  // namespace

TEST_CASE("on a terminal the bar shows part, count, rate and remaining time") {
  use_utf8_locale();
  Recorder recorder;
  Progress progress("import", 1000, recorder.output(true));
  recorder.time += 10s;
  progress.advance(250);
  CHECK(recorder.text.starts_with("\r\x1b[K"));
  CHECK(recorder.text.find(" 25 %") != std::string::npos);
  CHECK(recorder.text.find("250/1\u00A0000") != std::string::npos);
  CHECK(recorder.text.find("25/s") != std::string::npos);
  CHECK(recorder.text.find("−30 s") != std::string::npos);
  CHECK(columns_of(recorder.text.substr(4)) < 80);
}

TEST_CASE("a narrow terminal never gets a line longer than itself") {
  use_utf8_locale();
  Recorder recorder;
  Progress progress("a label that is rather long", 10, recorder.output(true, 30));
  recorder.time += 1s;
  progress.advance();
  CHECK(columns_of(recorder.text.substr(4)) < 30);
}

TEST_CASE("in a log file there is a line every five seconds and one at the end, without escapes") {
  Recorder recorder;
  {
    Progress progress("import", 100, recorder.output(false));
    for (int i = 0; i < 100; ++i) {
      recorder.time += 110ms;
      progress.advance();
    }
  }
  CHECK(std::count(recorder.text.begin(), recorder.text.end(), '\n') == 3);
  CHECK(recorder.text.find('\x1b') == std::string::npos);
  CHECK(recorder.text.find("100 %") != std::string::npos);
}

TEST_CASE("without a total only count and rate are shown") {
  Recorder recorder;
  Progress progress("scan", 0, recorder.output(false));
  recorder.time += 5s;
  progress.advance(50);
  CHECK(recorder.text == "scan 50  10/s\n");
}

TEST_CASE("durations and numbers are spelled for people") {
  CHECK(spelled(12s) == "12 s");
  CHECK(spelled(185s) == "3 min 05 s");
  CHECK(spelled(7800s) == "2 h 10 min");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1234567) == "1\u00A0234\u00A0567");
}
