// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/runtime/spawn.h"

#include <doctest/doctest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>
#include <stdexcept>

namespace amicale::runtime {
namespace {

// What is logged while it lives.
class Heard {
 public:
  Heard() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(words_);
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("heard", std::move(sink)));
  }
  ~Heard() { spdlog::set_default_logger(before_); }
  std::string words() const { return words_.str(); }

 private:
  std::ostringstream words_;
  std::shared_ptr<spdlog::logger> before_;
};

Task<> wait_twice(asio::steady_timer& timer, bool& ended) {
  struct End {
    bool& ended;
    ~End() { ended = true; }
  } end{ended};
  for (;;) {
    timer.expires_after(std::chrono::milliseconds(0));
    auto [error] = co_await timer.async_wait(as_result);
    if (error) co_return;
  }
}

Task<> fail() {
  throw std::runtime_error("no such thing");
  co_return;
}

TEST_CASE(
    "a task that is told to end between two waits ends without a word; one that fails says why") {
  Heard heard;
  asio::io_context here;
  TaskGroup tasks(here.get_executor());
  asio::steady_timer timer(here);
  bool ended = false;
  tasks.spawn("waits", wait_twice(timer, ended));
  // Its first wait is over, and its next turn queued, when it is told.
  here.run_one();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  asio::post(here, [&] { tasks.cancel(); });
  here.run();
  CHECK(ended);
  CHECK(tasks.size() == 0);
  CHECK(heard.words().empty());

  here.restart();
  tasks.spawn("fails", fail());
  here.run();
  CHECK(heard.words().find("task failed task=fails error=\"no such thing\"") != std::string::npos);
}

}  // namespace
}  // namespace amicale::runtime
