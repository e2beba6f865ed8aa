// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club's past, judged again. What a message was judged by is in its entry (store.SpamRecord), and the
// memory of the club is the fold of the entries before it: the same rules give the same records.
#include <array>
#include <charconv>
#include <chrono>

#include "server/admin/console.h"
#include "server/admin/spam_files.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/domain/antispam/judge.h"
#include "storage/database.h"
#include "storage/event_run.h"
#include "storage/log_reader.h"

namespace amicale::admin {
namespace {

namespace antispam = domain::antispam;

constexpr std::size_t shown_changes = 20;

// "30d", "12h" in milliseconds.
std::optional<std::int64_t> duration_ms(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size() - 1, number);
  if (error != std::errc() || end != text.data() + text.size() - 1 || number <= 0 ||
      number > 10'000) {
    return std::nullopt;
  }
  switch (text.back()) {
    case 'd': return number * 86'400'000;
    case 'h': return number * 3'600'000;
    default: return std::nullopt;
  }
}

const std::string& body_of(const v1::Event& event) {
  if (event.has_message_posted()) return event.message_posted().body();
  if (event.has_message_edited()) return event.message_edited().body();
  return event.message_held().body();
}

struct Difference {
  std::uint64_t judged = 0, messages = 0, redacted = 0, records = 0;
  struct Change {
    std::uint64_t more = 0, more_trusted = 0, fewer = 0;
  };
  std::array<Change, 5> by_action;  // by antispam::Action
};

}  // namespace

int run(const verb::SpamReplay& verb, Console& console) {
  const auto since = duration_ms(verb.since.empty() ? "30d" : verb.since);
  if (!since) return console.fail(console.text(phrase::spam_since_bad, verb.since), kUsage);
  try {
    const antispam::Filter filter = read_filter(console, verb.model);
    const antispam::Rules rules = read_rules(console, filter, verb.rules);
    storage::DatabaseOptions options;
    options.folder = verb.data;
    options.mode = storage::DatabaseOptions::Mode::open;
    storage::Database database(std::move(options));
    const storage::View view(database);
    const auto club = view.club_id_by_slug(verb.club);
    if (!club) return console.fail(console.text(phrase::spam_no_club, verb.club), kRefused);

    const auto partition = storage::PartitionId::club(*club);
    const std::int64_t from = view.head(partition).time_ms() - *since;
    antispam::Memory memory(rules.limits());
    Difference difference;
    std::size_t shown = 0;
    storage::walk_log(view, partition, [&](const storage::FullEntry& full) {
      v1::Event event;
      store::PrivatePart private_part;
      const auto bytes = storage::unframe_event(full.entry.public_bytes);
      if (!bytes || !event.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())) ||
          !private_part.ParseFromArray(full.entry.private_bytes.data(),
                                       static_cast<int>(full.entry.private_bytes.size()))) {
        throw storage::Error("entry " + std::to_string(full.seq) + " does not parse");
      }
      if (private_part.has_spam() && event.time_ms() > from) {
        ++difference.messages;
        if (body_of(event).empty()) {
          ++difference.redacted;
        } else {
          ++difference.judged;
          const store::SpamRecord& was = private_part.spam();
          const auto verdict = antispam::judge(rules, filter.read(rules, body_of(event)),
                                               antispam::recorded(event, was), memory);
          const auto before = static_cast<std::size_t>(was.why().verdict() - v1::VERDICT_ALLOW);
          const auto after = static_cast<std::size_t>(verdict.action);
          if (verdict.record.SerializeAsString() != was.SerializeAsString()) ++difference.records;
          if (before != after && before < difference.by_action.size()) {
            ++difference.by_action[before].fewer;
            ++difference.by_action[after].more;
            difference.by_action[after].more_trusted += verdict.trust.level >= 2;
            if (shown++ < shown_changes) {
              console.print(fmt::format(
                  "  {} → {} {}: {}", antispam::name_of(static_cast<antispam::Action>(before)),
                  antispam::name_of(verdict.action),
                  verdict.why.findings_size() == 0 ? "" : verdict.why.findings(0).rule_id(),
                  printable(std::string_view(body_of(event)).substr(0, 200))));
            }
          }
        }
      }
      memory.apply(event, private_part);
      return true;
    });
    console.say(phrase::spam_replayed, grouped(difference.judged), grouped(difference.messages),
                grouped(difference.redacted));
    if (difference.records == 0) {
      console.say(phrase::spam_replay_same);
      return kDone;
    }
    for (std::size_t action = 0; action < difference.by_action.size(); ++action) {
      const auto& change = difference.by_action[action];
      if (change.more == 0 && change.fewer == 0) continue;
      console.say(phrase::spam_replay_more,
                  antispam::name_of(static_cast<antispam::Action>(action)), change.more,
                  change.more_trusted, change.fewer);
    }
    console.say(phrase::spam_replay_records, difference.records);
    return kDone;
  } catch (const std::exception& error) {
    return console.fail(error.what(), kRefused);
  }
}

}  // namespace amicale::admin
