// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How far a long piece of work has come: a bar with rate and remaining time on a terminal, a plain
// line every few seconds anywhere else (a log file, a pipe).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace amicale::admin {

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  struct Output {
    std::function<void(std::string_view)> write;
    std::function<Clock::time_point()> now;
    bool terminal = false;
    int columns = 80;
  };

  // Standard error and the real clock; a terminal when standard error is one.
  static Output standard_error();

  // `total` 0 = not known: no bar and no remaining time, only the count and the rate.
  Progress(std::string label, std::uint64_t total, Output output);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t count = 1) { set(done_ + count); }
  void set(std::uint64_t done);
  void set_total(std::uint64_t total) { total_ = total; }
  // Writes a line above the bar.
  void note(std::string_view line);
  // The last state, then a line end. Safe to repeat.
  void finish();

 private:
  std::string line(Clock::time_point now) const;
  void draw(Clock::time_point now);

  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  Output output_;
  Clock::time_point started_;
  Clock::time_point drawn_;
  bool finished_ = false;
};

// "1 234 567", with the narrow grouping that both languages read.
std::string grouped(std::uint64_t number);
// "12 s", "3 min 05 s", "2 h 10 min".
std::string spelled(std::chrono::seconds duration);

}  // namespace amicale::admin
