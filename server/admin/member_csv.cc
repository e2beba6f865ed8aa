// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/member_csv.h"

#include <algorithm>
#include <map>
#include <optional>

#include "server/admin/csv.h"
#include "server/admin/terminal_text.h"
#include "server/admin/vocabulary.h"
#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::admin {
namespace {

namespace limits = domain::limits;

enum Column { kLogin, kDisplayName, kRole, kLanguage, kExternalId, kColumns };

std::optional<Column> column_from(std::string_view heading) {
  static const std::map<std::string, Column> kNames = {{"login", kLogin},
                                                       {"identifiant", kLogin},
                                                       {"display_name", kDisplayName},
                                                       {"name", kDisplayName},
                                                       {"nom", kDisplayName},
                                                       {"nom affiche", kDisplayName},
                                                       {"role", kRole},
                                                       {"language", kLanguage},
                                                       {"langue", kLanguage},
                                                       {"external_id", kExternalId},
                                                       {"matricule", kExternalId}};
  const auto found = kNames.find(folded(heading));
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1));
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

const Phrase& explained(CsvFault fault) {
  switch (fault) {
    case CsvFault::not_utf8: return phrase::csv_not_utf8;
    case CsvFault::open_quote: return phrase::csv_open_quote;
    case CsvFault::text_after_quote: return phrase::csv_text_after_quote;
    case CsvFault::quote_in_plain_field: break;
  }
  return phrase::csv_quote_in_field;
}

}  // namespace

MemberFile read_members(std::string_view text, v1::Language language) {
  MemberFile file;
  const auto problem = [&](std::size_t line, std::string reason) {
    file.problems.push_back({line, std::move(reason)});
  };
  CsvReader reader(text);
  const auto heading = reader.next();
  if (!heading || !*heading) {
    problem(1, heading ? say(language, explained(heading->error().fault))
                       : say(language, phrase::csv_empty));
    return file;
  }
  std::optional<std::size_t> position[kColumns];
  for (std::size_t i = 0; i < (*heading)->fields.size(); ++i) {
    if (const auto column = column_from(trimmed((*heading)->fields[i]))) position[*column] = i;
  }
  if (!position[kLogin] || !position[kDisplayName]) {
    problem(1, say(language, phrase::csv_columns_missing));
    return file;
  }
  file.usable = true;

  std::map<std::string, std::size_t> line_of_login;
  std::size_t records = 0;
  while (auto record = reader.next()) {
    if (!*record) {
      problem(record->error().line, say(language, explained(record->error().fault)));
      continue;
    }
    const std::size_t line = (*record)->line;
    if (++records > kMemberFileLines) {
      problem(line, say(language, phrase::csv_too_many_lines, kMemberFileLines));
      break;
    }
    const auto field = [&](Column column) {
      const auto& fields = (*record)->fields;
      return position[column] && *position[column] < fields.size()
                 ? trimmed(fields[*position[column]])
                 : std::string();
    };
    if (std::ranges::all_of((*record)->fields, [](const auto& f) { return trimmed(f).empty(); }))
      continue;
    MemberRow row{line,
                  lower(field(kLogin)),
                  field(kDisplayName),
                  v1::CLUB_ROLE_MEMBER,
                  v1::LANGUAGE_UNSPECIFIED,
                  field(kExternalId)};
    if ((*record)->fields.size() != (*heading)->fields.size()) {
      problem(line, say(language, phrase::csv_field_count, (*record)->fields.size(),
                        (*heading)->fields.size()));
      continue;
    }
    if (!domain::check_login(row.login)) {
      problem(line, say(language, phrase::csv_bad_login, printable(row.login),
                        limits::login_min_bytes, limits::login_bytes));
      continue;
    }
    auto shown = domain::check_name(row.display_name, "display_name", limits::name_characters);
    if (!shown) {
      problem(line, say(language, phrase::csv_bad_name, limits::name_characters));
      continue;
    }
    row.display_name = *std::move(shown);
    if (const std::string word = field(kRole); !word.empty()) {
      const auto role = role_from(word);
      if (!role) {
        problem(line, say(language, phrase::csv_bad_role, printable(word), role_words(language)));
        continue;
      }
      row.role = *role;
    }
    if (const std::string word = field(kLanguage); !word.empty()) {
      const auto spoken = language_from(word);
      if (!spoken) {
        problem(line, say(language, phrase::csv_bad_language, printable(word)));
        continue;
      }
      row.language = *spoken;
    }
    if (row.external_id.size() > limits::external_id_bytes) {
      problem(line, say(language, phrase::csv_bad_external_id, limits::external_id_bytes));
      continue;
    }
    const auto [twin, fresh] = line_of_login.emplace(row.login, line);
    if (!fresh) {
      problem(line, say(language, phrase::csv_twice, row.login, twin->second));
      continue;
    }
    file.rows.push_back(std::move(row));
  }
  return file;
}

}  // namespace amicale::admin
