// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/logging.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unicode/utf8.h>

#include <chrono>
#include <memory>

namespace amicale {
namespace {

// Copies `text`, with U+FFFD for every broken sequence and a space for every control character.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const auto begin = at;
    UChar32 point = 0;
    U8_NEXT(bytes, at, size, point);
    if (point < 0)
      out += "\uFFFD";
    else if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
      out += ' ';
    else
      out.append(text, static_cast<std::size_t>(begin), static_cast<std::size_t>(at - begin));
  }
  return out;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool is_name(std::string_view text) {
  if (text.empty() || text.front() < 'a' || text.front() > 'z') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string_view::npos;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 15 &&
         text.find_first_not_of("0123456789") == std::string_view::npos &&
         (text.size() == 1 || text.front() != '0');
}

// Takes `name=value` off the front of `rest`; false when it does not begin with one.
bool take_field(std::string_view& rest, std::string_view& name, std::string_view& value,
                bool& bare) {
  const auto equals = rest.find('=');
  if (equals == std::string_view::npos || !is_name(rest.substr(0, equals))) return false;
  name = rest.substr(0, equals);
  auto after = rest.substr(equals + 1);
  bare = !after.starts_with('"');
  if (!bare) after.remove_prefix(1);
  const auto end = std::min(after.find(bare ? ' ' : '"'), after.size());
  value = after.substr(0, end);
  rest = after.substr(std::min(end + 1, after.size()));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  return true;
}

std::string json_line(std::string_view time, std::string_view level, std::string_view line) {
  std::string words;
  std::string fields;
  for (auto rest = line; !rest.empty();) {
    std::string_view name;
    std::string_view value;
    bool bare = true;
    if (take_field(rest, name, value, bare)) {
      // Members of the line itself keep their names; a field of the same name gets an underscore.
      const bool taken = name == "time" || name == "level" || name == "event";
      fields += fmt::format(",\"{}{}\":{}", name, taken ? "_" : "",
                            bare && is_number(value) ? std::string(value) : json_text(value));
      continue;
    }
    const auto end = std::min(rest.find(' '), rest.size());
    if (!words.empty()) words += ' ';
    words += rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fmt::format(R"({{"time":"{}","level":"{}","event":{}{}}})", time, level, json_text(words),
                     fields);
}

std::string_view level_name(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug: return "debug";
    case spdlog::level::info: return "info";
    case spdlog::level::warn: return "warning";
    default: return "error";
  }
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch())
            .count();
    const std::string_view payload(message.payload.data(), message.payload.size());
    const auto line = format_log_line(format_, ms, level_name(message.level), payload);
    out.append(line.data(), line.data() + line.size());
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(format_);
  }

 private:
  LogFormat format_;
};

}  // namespace

std::string format_log_line(LogFormat format, std::int64_t unix_ms, std::string_view level,
                            std::string_view line) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  const auto time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), unix_ms % 1000);
  const auto clean = printable(line);
  if (format == LogFormat::kJson) return json_line(time, level, clean);
  return fmt::format("{} {} {}", time, level, clean);
}

std::expected<void, std::string> open_log(const Config::Log& config) {
  std::shared_ptr<spdlog::logger> logger;
  try {
    spdlog::sink_ptr sink;
    if (config.file.empty())
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
    logger = std::make_shared<spdlog::logger>("amicale", std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    return std::unexpected(std::string(error.what()));
  }
  logger->set_formatter(std::make_unique<LineFormatter>(
      config.format == "json" ? LogFormat::kJson : LogFormat::kText));
  logger->set_level(spdlog::level::from_str(config.level));
  // Lines are few; one that is still in a buffer when the process dies would be the one that mattered.
  logger->flush_on(spdlog::level::debug);
  // A log that cannot be written (disk full) must not stop the server, nor speak through the log again.
  logger->set_error_handler([](const std::string&) {});
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace amicale
