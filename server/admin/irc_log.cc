// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/irc_log.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <map>

#include "server/admin/terminal_text.h"

namespace amicale::admin {
namespace {

constexpr int kDay = 24 * 60;
constexpr int kHalfDay = 12 * 60;
constexpr int kJitter = 10;  // minutes by which a clock is set back rather than a day passing
constexpr std::int64_t kMinuteMs = 60'000;

std::optional<int> number(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// Minutes of the day of "[HH:MM]".
std::optional<int> minute_of(std::string_view line) {
  if (line.size() < 7 || line[0] != '[' || line[3] != ':' || line[6] != ']') return std::nullopt;
  const auto hours = number(line.substr(1, 2)), minutes = number(line.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *hours < 0 || *minutes > 59 || *minutes < 0) {
    return std::nullopt;
  }
  return *hours * 60 + *minutes;
}

// Turns clock readings into minutes that never fall.
class RisingMinutes {
 public:
  std::int64_t read(int minute) {
    if (!last_) {
      last_ = minute;
      return total_ = minute;
    }
    int step = minute - *last_;
    if (step < 0 && step >= -kJitter) return total_;
    if (step < 0) step += step + kHalfDay >= 0 ? kHalfDay : kDay;
    last_ = minute;
    return total_ += step;
  }

 private:
  std::optional<int> last_;
  std::int64_t total_ = 0;
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  return text;
}

// Colours, bold and the like of IRC clients: no part of what was said. Also what no message may
// hold: other control characters.
std::string without_controls(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == 0x03) {  // a colour: up to two digits, perhaps a comma and two more
      std::size_t digits = 0;
      while (digits < 2 && i + 1 < text.size() && std::isdigit(text[i + 1])) ++i, ++digits;
      if (digits && i + 2 < text.size() && text[i + 1] == ',' && std::isdigit(text[i + 2])) {
        i += 2;
        if (i + 1 < text.size() && std::isdigit(text[i + 1])) ++i;
      }
    } else if (c >= 0x20 && c != 0x7F) {
      out.push_back(text[i]);
    } else if (c == '\t') {
      out.push_back(' ');
    }
  }
  return out;
}

struct Said {
  std::string_view nick;
  std::string_view text;
  bool action = false;
};

std::optional<Said> said_in(std::string_view line) {
  std::string_view rest = line.substr(7);
  if (rest.starts_with(" <")) {
    rest.remove_prefix(2);
    const std::size_t end = rest.find('>');
    if (end == std::string_view::npos || trimmed(rest.substr(0, end)).empty()) return std::nullopt;
    return Said{rest.substr(0, end), trimmed(rest.substr(end + 1)), false};
  }
  if (rest.starts_with("  * ")) {
    rest = trimmed(rest.substr(4));
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end == 0) return std::nullopt;
    return Said{rest.substr(0, end), trimmed(rest.substr(end)), true};
  }
  return std::nullopt;
}

// Messages of the same minute share it out, in order.
void spread_over_minutes(std::vector<IrcMessage>& messages) {
  for (std::size_t from = 0; from < messages.size();) {
    std::size_t to = from;
    while (to < messages.size() && messages[to].time_ms == messages[from].time_ms) ++to;
    const std::int64_t minute = messages[from].time_ms;
    const auto count = static_cast<std::int64_t>(to - from);
    for (std::int64_t i = 0; i < count; ++i) {
      messages[from + static_cast<std::size_t>(i)].time_ms = minute + i * kMinuteMs / count;
    }
    from = to;
  }
}

}  // namespace

IrcLog parse_irc_log(std::string_view text, std::int64_t midnight_ms) {
  IrcLog log;
  RisingMinutes minutes;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t index = log.lines++;
    if (raw.starts_with("===")) {
      ++log.system_lines;
      continue;
    }
    const auto minute = minute_of(raw);
    if (!minute) {
      ++(trimmed(raw).empty() ? log.empty_lines : log.unread_lines);
      continue;
    }
    const std::int64_t time_ms = midnight_ms + minutes.read(*minute) * kMinuteMs;
    const std::string repaired = repair_utf8(raw);
    const auto said = said_in(repaired);
    // Of a name made of control characters nothing is left, and no message has no author.
    std::string nick(said ? trimmed(without_controls(said->nick)) : std::string_view());
    if (nick.empty()) {
      ++log.unread_lines;
      continue;
    }
    std::string body(trimmed(without_controls(said->text)));
    if (body.empty()) {
      ++log.empty_lines;
      continue;
    }
    if (said->action) body = "*" + body + "*";
    log.repaired_lines += repaired != raw;
    log.messages.push_back({index, std::move(nick), std::move(body), time_ms, std::nullopt});
  }
  spread_over_minutes(log.messages);
  return log;
}

void apply_annotations(IrcLog& log, std::string_view text) {
  std::map<std::size_t, std::size_t> position_of_line;
  for (std::size_t i = 0; i < log.messages.size(); ++i) position_of_line[log.messages[i].line] = i;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    std::string_view second = trimmed(line.substr(space));
    second = second.substr(0, second.find(' '));
    const auto a = number(line.substr(0, space)), b = number(second);
    if (!a || !b || *a < 0 || *b < 0 || *a == *b) continue;
    const auto asked = position_of_line.find(static_cast<std::size_t>(std::min(*a, *b)));
    const auto answer = position_of_line.find(static_cast<std::size_t>(std::max(*a, *b)));
    if (asked == position_of_line.end() || answer == position_of_line.end()) {
      ++log.annotations_unused;
      continue;
    }
    auto& answers = log.messages[answer->second].answers;
    log.replies += !answers;
    answers = std::max(answers.value_or(0), asked->second);
  }
}

std::optional<std::int64_t> parse_date(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return std::nullopt;
  const auto y = number(date.substr(0, 4)), m = number(date.substr(5, 2)),
             d = number(date.substr(8, 2));
  if (!y || !m || !d || *y < 1970 || *m < 1 || *d < 1) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(*y),
                                        std::chrono::month(static_cast<unsigned>(*m)),
                                        std::chrono::day(static_cast<unsigned>(*d))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day).time_since_epoch().count() * kDay * kMinuteMs;
}

std::optional<std::int64_t> date_from_file_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  return parse_date(name.substr(0, 10));
}

}  // namespace amicale::admin
