// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/profile.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "server/auth/token.h"

namespace amicale::admin {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

}  // namespace

std::filesystem::path default_profile_file() {
  if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder && *folder) {
    return std::filesystem::path(folder) / "amicale" / "session";
  }
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home && *home ? home : ".") / ".config" / "amicale" / "session";
}

std::expected<Profile, ProfileFault> load_profile(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return std::unexpected(ProfileFault::absent);
  if ((status.st_mode & 077) != 0) return std::unexpected(ProfileFault::open_to_others);
  std::ifstream in(file);
  if (!in) return std::unexpected(ProfileFault::unreadable);
  Profile profile;
  for (std::string line; std::getline(in, line);) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string_view key = trimmed(std::string_view(line).substr(0, equals));
    const std::string_view value = trimmed(std::string_view(line).substr(equals + 1));
    if (key == "url") profile.url = value;
    if (key == "login") profile.login = value;
    if (key == "token") profile.token = token_from_text(value).value_or("");
  }
  if (profile.url.empty() || profile.token.empty()) return std::unexpected(ProfileFault::malformed);
  return profile;
}

bool save_profile(const std::filesystem::path& file, const Profile& profile) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  const std::string text = "url = " + profile.url + "\nlogin = " + profile.login +
                           "\ntoken = " + auth::to_base64url(profile.token) + "\n";
  const std::string next = file.string() + ".new";
  ::unlink(next.c_str());
  const int descriptor = ::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  bool good = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  good = ::fsync(descriptor) == 0 && good;
  good = ::close(descriptor) == 0 && good;
  return good && ::rename(next.c_str(), file.c_str()) == 0;
}

bool forget_profile(const std::filesystem::path& file) {
  std::error_code error;
  return std::filesystem::remove(file, error) && !error;
}

std::optional<std::string> token_from_text(std::string_view text) {
  auto bytes = auth::from_base64url(trimmed(text));
  if (bytes && bytes->size() != 32) return std::nullopt;
  return bytes;
}

std::string websocket_url(std::string_view typed) {
  std::string text(trimmed(typed));
  while (text.ends_with('/')) text.pop_back();
  if (text.empty() || text.starts_with("ws://") || text.starts_with("wss://")) return text;
  if (text.starts_with("http://")) return "ws://" + text.substr(7);
  if (text.starts_with("https://")) return "wss://" + text.substr(8);
  const bool here =
      text.starts_with("localhost") || text.starts_with("127.") || text.starts_with("[::1]");
  return (here ? "ws://" : "wss://") + text;
}

}  // namespace amicale::admin
