// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Real logs into a room: as history (import), or as if it happened now (replay).
#include <openssl/sha.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "server/admin/console.h"
#include "server/admin/irc_log.h"
#include "server/admin/lookup.h"
#include "server/admin/speakers.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/domain/limits.h"

namespace amicale::admin {
namespace {

namespace limits = domain::limits;

constexpr std::size_t kLogBytes = 256 * 1024 * 1024;  // a year of a busy channel
constexpr std::size_t kBatchBytes =
    48 * 1024;  // below limits::frame_bytes with room for the frame itself
constexpr std::size_t kBatchesUnderWay = 4;

// Cuts to `bytes` at a character's border.
std::string cut_bytes(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  text.resize(bytes - 3);
  while (!is_utf8(text)) text.pop_back();
  return text + "…";
}

std::string sha256(std::string_view text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// The same for the same line of the same file, so that a second import finds every message there.
std::string message_id(const std::string& file_hash, std::size_t line) {
  std::string text = file_hash;
  for (int shift = 56; shift >= 0; shift -= 8)
    text.push_back(static_cast<char>(line >> shift & 0xFF));
  return sha256(text).substr(0, limits::client_msg_id_bytes);
}

struct LoadedLog {
  std::string hash;
  IrcLog log;
};

OrExit<LoadedLog> load_log(const Console& console, const std::string& file, const std::string& date,
                           const std::string& annotations) {
  const auto text = read_file(console, file, kLogBytes);
  if (!text) return std::unexpected(text.error());
  const auto midnight = date.empty() ? date_from_file_name(file) : parse_date(date);
  if (!midnight) return std::unexpected(console.fail_usage(phrase::date_needed, file));
  LoadedLog loaded{sha256(*text), parse_irc_log(*text, *midnight)};
  std::string beside = annotations;
  if (annotations == "auto") {
    beside = file;
    for (const std::string_view ending : {".raw.txt", ".txt", ".log"}) {
      if (!beside.ends_with(ending)) continue;
      beside.resize(beside.size() - ending.size());
      break;
    }
    beside += ".annotation.txt";
    if (!std::filesystem::exists(beside)) beside = "none";
  }
  if (beside != "none") {
    const auto notes = read_file(console, beside, kLogBytes);
    if (!notes) return std::unexpected(notes.error());
    apply_annotations(loaded.log, *notes);
  }
  return loaded;
}

// Sends one log in batches. Few are under way at once; a batch waits for an earlier one when it answers a message of it,
// because the number of that message is only known then.
class LogImport {
 public:
  LogImport(Connection& connection, std::uint64_t club_id, std::uint64_t room_id,
            const LoadedLog& loaded, Progress& progress)
      : connection_(connection),
        club_id_(club_id),
        room_id_(room_id),
        hash_(loaded.hash),
        messages_(loaded.log.messages),
        numbers_(messages_.size()),
        progress_(progress) {}

  std::optional<client::Failure> run() {
    for (std::size_t at = 0; at < messages_.size() && !failure_;) at = send_from(at);
    while (!under_way_.empty()) take_one();
    return failure_;
  }
  std::size_t already_there() const { return already_there_; }

 private:
  struct UnderWay {
    std::size_t from, to;
    std::future<client::Result<v1::ImportMessagesReply>> reply;
  };

  std::size_t send_from(std::size_t from) {
    v1::ImportMessages request;
    request.set_club_id(club_id_);
    request.set_room_id(room_id_);
    std::size_t to = from, bytes = 0;
    while (to < messages_.size() && to - from < limits::import_batch) {
      const IrcMessage& message = messages_[to];
      v1::ImportedMessage imported;
      imported.set_author_name(cut_to(message.nick, limits::name_characters));
      imported.set_time_ms(message.time_ms);
      imported.set_body(cut_bytes(message.body, limits::message_bytes));
      imported.set_client_msg_id(message_id(hash_, message.line));
      if (message.answers && *message.answers >= from) {
        imported.set_reply_to_index(1 + *message.answers - from);
      } else if (message.answers) {
        while (numbers_[*message.answers] == 0 && !under_way_.empty()) take_one();
        imported.set_reply_to_number(numbers_[*message.answers]);
      }
      bytes += imported.ByteSizeLong() + 8;
      if (bytes > kBatchBytes && to > from) break;
      *request.add_messages() = std::move(imported);
      ++to;
    }
    request.set_client_msg_id(message_id(hash_ + std::to_string(to), from));
    while (under_way_.size() >= kBatchesUnderWay) take_one();
    under_way_.push_back({from, to, connection_.client().call(std::move(request))});
    return to;
  }

  void take_one() {
    UnderWay first = std::move(under_way_.front());
    under_way_.pop_front();
    const auto reply = first.reply.get();
    if (!reply) {
      if (!failure_) failure_ = reply.error();
      return;
    }
    for (int i = 0;
         i < reply->numbers_size() && first.from + static_cast<std::size_t>(i) < first.to; ++i) {
      numbers_[first.from + static_cast<std::size_t>(i)] = reply->numbers(i);
    }
    already_there_ += reply->already_there();
    progress_.advance(first.to - first.from);
  }

  Connection& connection_;
  std::uint64_t club_id_, room_id_;
  const std::string& hash_;
  const std::vector<IrcMessage>& messages_;
  std::vector<std::uint64_t> numbers_;
  Progress& progress_;
  std::deque<UnderWay> under_way_;
  std::size_t already_there_ = 0;
  std::optional<client::Failure> failure_;
};

// What came back of the messages said so far. Told by the SDK's threads, read by ours.
class Answers {
 public:
  using Clock = std::chrono::steady_clock;

  void answered(const client::Result<v1::Committed>& result, Clock::duration took) {
    std::lock_guard lock(mutex_);
    if (result)
      latencies_ms_.push_back(std::chrono::duration<double, std::milli>(took).count());
    else
      failures_.push_back(result.error());
    changed_.notify_all();
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return latencies_ms_.size() + failures_.size() >= count; });
  }
  std::size_t count() {
    std::lock_guard lock(mutex_);
    return latencies_ms_.size() + failures_.size();
  }
  const std::vector<client::Failure>& failures() const { return failures_; }
  std::vector<double> sorted_latencies() const {
    auto out = latencies_ms_;
    std::ranges::sort(out);
    return out;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<double> latencies_ms_;
  std::vector<client::Failure> failures_;
};

double percentile(const std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[rank];
}

}  // namespace

int run(const verb::ImportIrc& verb, Console& console) {
  std::vector<LoadedLog> logs;
  std::size_t total = 0;
  for (const auto& file : verb.files) {
    auto loaded = load_log(console, file, verb.date, verb.annotations);
    if (!loaded) return loaded.error();
    total += loaded->log.messages.size();
    logs.push_back(std::move(*loaded));
  }
  auto target = console.target(true);
  if (!target) return target.error();
  target->reconnect = true;
  target->lane_window = kBatchesUnderWay;
  auto connection = console.connect_to(*target);
  if (!connection) return connection.error();
  const auto club = load_club(console, **connection, verb.club);
  if (!club) return club.error();
  const auto room = find_room(console, *club, verb.room);
  if (!room) return room.error();

  IrcLog sum;
  std::size_t already = 0;
  {
    Progress progress("#" + room->name(), total, console.progress_output());
    for (const auto& loaded : logs) {
      LogImport import(**connection, club->club().club_id(), room->room_id(), loaded, progress);
      if (const auto failure = import.run()) {
        progress.finish();
        return console.fail(*failure);
      }
      already += import.already_there();
      sum.replies += loaded.log.replies;
      sum.system_lines += loaded.log.system_lines;
      sum.empty_lines += loaded.log.empty_lines;
      sum.unread_lines += loaded.log.unread_lines;
      sum.repaired_lines += loaded.log.repaired_lines;
      sum.annotations_unused += loaded.log.annotations_unused;
    }
  }
  console.say(phrase::irc_imported, grouped(total - already), grouped(already),
              grouped(sum.replies), grouped(sum.system_lines), grouped(sum.empty_lines),
              grouped(sum.unread_lines));
  if (sum.repaired_lines > 0) console.say(phrase::irc_repaired, grouped(sum.repaired_lines));
  return kDone;
}

int run(const verb::Replay& verb, Console& console) {
  // Without a date in the name the day does not matter: only distances in time do.
  auto loaded =
      load_log(console, verb.file, date_from_file_name(verb.file) ? "" : "1970-01-01", "auto");
  if (!loaded) return loaded.error();
  auto& messages = loaded->log.messages;
  if (verb.limit > 0 && messages.size() > verb.limit) messages.resize(verb.limit);
  auto speakers = log_speakers_in(console, verb.logins_file);
  if (!speakers) return speakers.error();
  const auto club = load_club(console, *speakers->front().connection, verb.club);
  if (!club) return club.error();
  const auto room = find_room(console, *club, verb.room);
  if (!room) return room.error();

  std::map<std::string, std::size_t> speaker_of;  // nicks take the accounts in turn
  Answers answers;
  const auto start = Answers::Clock::now();
  constexpr std::size_t kUnanswered = 500;  // below the SDK's outbox
  {
    Progress progress("#" + room->name(), messages.size(), console.progress_output());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      if (verb.speed > 0) {
        const double wait_ms =
            static_cast<double>(messages[i].time_ms - messages[0].time_ms) / verb.speed;
        std::this_thread::sleep_until(start +
                                      std::chrono::duration_cast<Answers::Clock::duration>(
                                          std::chrono::duration<double, std::milli>(wait_ms)));
      }
      if (i >= kUnanswered) answers.wait_for(i - kUnanswered + 1);
      const auto [speaker, fresh] =
          speaker_of.emplace(messages[i].nick, speaker_of.size() % speakers->size());
      v1::PostMessage post;
      *post.mutable_stream() = client::Stream::club(club->club().club_id()).proto();
      post.set_room_id(room->room_id());
      const bool own_name = !verb.logins_file.empty();
      post.set_body(cut_bytes(
          own_name ? messages[i].body : "**" + messages[i].nick + "** " + messages[i].body,
          limits::message_bytes));
      const auto sent = Answers::Clock::now();
      (*speakers)[speaker->second].connection->client().call<v1::PostMessage>(
          std::move(post), [&answers, sent](client::Result<v1::Committed> result) {
            answers.answered(result, Answers::Clock::now() - sent);
          });
      progress.set(answers.count());
    }
    answers.wait_for(messages.size());
    progress.set(messages.size());
  }
  const double seconds = std::chrono::duration<double>(Answers::Clock::now() - start).count();
  const auto latencies = answers.sorted_latencies();
  console.say(phrase::replayed, grouped(latencies.size()), grouped(answers.failures().size()),
              seconds, static_cast<double>(latencies.size()) / std::max(seconds, 1e-9));
  console.say(phrase::replay_latency, percentile(latencies, 0.5), percentile(latencies, 0.95),
              percentile(latencies, 0.99), latencies.empty() ? 0.0 : latencies.back());
  if (!answers.failures().empty()) return console.fail(answers.failures().front());
  return kDone;
}

}  // namespace amicale::admin
