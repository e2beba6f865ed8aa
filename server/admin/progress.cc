// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "server/admin/terminal_text.h"

namespace amicale::admin {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenDraws = 100ms;  // smooth to the eye, nothing for the machine
constexpr auto kBetweenLines = 5s;     // in a log file

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, "\u00A0");
  return digits;
}

std::string spelled(std::chrono::seconds duration) {
  const auto s = std::max<std::int64_t>(0, duration.count());
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
}

Progress::Output Progress::standard_error() {
  Output output;
  output.write = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  output.now = [] { return Clock::now(); };
  output.terminal = ::isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (output.terminal && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    output.columns = size.ws_col;
  }
  return output;
}

Progress::Progress(std::string label, std::uint64_t total, Output output)
    : label_(std::move(label)), total_(total), output_(std::move(output)) {
  started_ = drawn_ = output_.now();
}

Progress::~Progress() { finish(); }

void Progress::set(std::uint64_t done) {
  done_ = done;
  const auto now = output_.now();
  const Clock::duration pause = output_.terminal ? Clock::duration(kBetweenDraws) : kBetweenLines;
  if (now - drawn_ < pause) return;
  draw(now);
}

void Progress::draw(Clock::time_point now) {
  drawn_ = now;
  output_.write(output_.terminal ? "\r\x1b[K" + line(now) : line(now) + "\n");
}

void Progress::note(std::string_view text) {
  if (!output_.terminal) return output_.write(printable(text) + "\n");
  output_.write("\r\x1b[K" + printable(text) + "\n" + (finished_ ? "" : line(output_.now())));
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  draw(output_.now());
  if (output_.terminal) output_.write("\n");
}

std::string Progress::line(Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string tail = total_ ? fmt::format(" {}/{}", grouped(done_), grouped(total_))
                            : fmt::format(" {}", grouped(done_));
  if (rate > 0) tail += fmt::format("  {:.{}f}/s", rate, rate < 10 ? 1 : 0);
  if (finished_) {
    tail += "  " + spelled(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5)));
  } else if (total_ > done_ && rate > 0) {
    const double left = static_cast<double>(total_ - done_) / rate;
    tail += "  −" + spelled(std::chrono::seconds(static_cast<std::int64_t>(left + 0.5)));
  }
  if (total_ == 0) return cut_to(label_ + tail, output_.columns - 1);

  const double part = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const std::string percent = fmt::format(" {:3.0f} %", part * 100);
  const int room = output_.columns - 1 - columns_of(label_) - columns_of(percent + tail) - 3;
  std::string bar;
  if (output_.terminal && room >= 10) {
    const int cells = std::min(room, 40);
    const int eighths = static_cast<int>(part * cells * 8);
    bar = " ▕";
    for (int cell = 0; cell < cells; ++cell) {
      static constexpr const char* kParts[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
      bar += kParts[std::clamp(eighths - cell * 8, 0, 8)];
    }
    bar += "▏";
  }
  return cut_to(label_ + bar + percent + tail, output_.columns - 1);
}

}  // namespace amicale::admin
