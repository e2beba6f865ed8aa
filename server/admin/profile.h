// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Where this person is logged in: one server, one device token. Kept in
// $XDG_CONFIG_HOME/amicale/session (else ~/.config/amicale/session), readable by its owner only:
//   url = wss://chat.example.org
//   login = ada
//   token = 43 characters of base64url
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace amicale::admin {

struct Profile {
  std::string url;
  std::string login;
  std::string token;  // 32 bytes
};

enum class ProfileFault { absent, unreadable, open_to_others, malformed };

std::filesystem::path default_profile_file();
// Refuses a file that others may read: the token in it is already theirs.
std::expected<Profile, ProfileFault> load_profile(const std::filesystem::path& file);
// Replaces the file in one step, mode 0600. False: the folder or the disk would not.
bool save_profile(const std::filesystem::path& file, const Profile& profile);
bool forget_profile(const std::filesystem::path& file);

// 43 characters of base64url as the 32 bytes of a token.
std::optional<std::string> token_from_text(std::string_view text);

// What people type becomes a URL that the SDK takes: http:// is ws://, https:// is wss://, and a bare host is wss://
// except on this machine.
std::string websocket_url(std::string_view typed);

}  // namespace amicale::admin
