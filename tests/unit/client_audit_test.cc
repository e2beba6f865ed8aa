// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The provable log seen by a client whose operator cheats: holds the key, rebuilds the tree over whatever was changed, signs it,
// and proves what can be proved of it.
#include "amicale/client/audit.h"

#include <algorithm>
#include <random>

#include "storage/audit.h"
#include "storage/signing_key.h"
#include "tests/support/simulated_client.h"
#include "tests/unit/storage_site.h"

namespace amicale::client {

using storage_test::TempFolder;

namespace {

const auto club = Stream::club(7);
using Random = std::mt19937_64;

uint64_t below(Random& random, uint64_t bound) { return random() % bound; }

std::string noise(Random& random) {
  std::string bytes(32, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string sha256(const std::string& bytes) {
  return std::string(storage::bytes_of(storage::Sha256::of_thread().add(bytes).finish()));
}

// A list of records with the tree over it, word for word as RFC 6962 defines it: slow, and plainly right.
struct Keeper {
  explicit Keeper(uint64_t seed) : random(seed) {}

  void act() {
    v1::AuditRecord record;
    *record.mutable_stream() = club.proto();
    record.set_number(records.size() + 1);
    record.set_seq(records.empty() ? 1 : records.back().seq() + 1 + below(random, 5));
    record.set_time_ms(1000 + static_cast<int64_t>(record.seq()));
    record.set_act(v1::Event::kMemberChangedFieldNumber);
    record.set_entry_hash(noise(random));
    record.set_actor(noise(random));
    record.set_subject(noise(random));
    record.set_details(noise(random));
    records.push_back(record);
    chain(records.size() - 1);
  }
  // Makes everything from `from` on fit together again: numbers, chain, leaves.
  void chain(size_t from) {
    leaves.resize(records.size());
    for (size_t i = from; i < records.size(); ++i) {
      records[i].set_number(i + 1);
      records[i].set_previous(i == 0 ? std::string(32, '\0') : leaves[i - 1]);
      const auto leaf = storage::leaf_of(records[i]);
      leaves[i] = std::string(storage::bytes_of(leaf));
    }
  }

  static size_t split(size_t n) {
    size_t k = 1;
    while (k * 2 < n) k *= 2;
    return k;
  }
  std::string root(size_t from, size_t to) const {
    if (to - from == 1) return leaves[from];
    const size_t k = from + split(to - from);
    return sha256(std::string(1, '\1') + root(from, k) + root(k, to));
  }
  std::vector<std::string> path(size_t m, size_t from, size_t to) const {
    if (to - from == 1) return {};
    const size_t k = from + split(to - from);
    auto found = m < k ? path(m, from, k) : path(m, k, to);
    found.push_back(m < k ? root(k, to) : root(from, k));
    return found;
  }
  std::vector<std::string> consistency(size_t m, size_t from, size_t to, bool whole) const {
    if (m == to) return whole ? std::vector<std::string>{} : std::vector{root(from, to)};
    const size_t k = from + split(to - from);
    auto found = m <= k ? consistency(m, from, k, whole) : consistency(m, k, to, false);
    found.push_back(m <= k ? root(k, to) : root(from, k));
    return found;
  }

  v1::AuditHead head(size_t size, const storage::SigningKey& key, uint64_t epoch = 1) const {
    v1::AuditHead made;
    *made.mutable_stream() = club.proto();
    made.set_epoch(epoch);
    made.set_size(size);
    made.set_root(root(0, size));
    made.set_seq(records[size - 1].seq());
    made.set_entry_hash(records[size - 1].entry_hash());
    made.set_time_ms(records[size - 1].time_ms());
    key.sign(made);
    return made;
  }
  v1::AuditHead head(const storage::SigningKey& key) const { return head(records.size(), key); }

  // Answers like a server that has this log.
  v1::Reply answer(const v1::ClientFrame& request, const storage::SigningKey& key) const {
    v1::Reply reply;
    if (request.has_get_audit_keys()) {
      for (const auto& one : key.keys()) *reply.mutable_get_audit_keys()->add_keys() = one;
      return reply;
    }
    const auto& ask = request.get_audit_consistency();
    if (ask.from_size() == 0 || ask.from_size() > ask.to_size() || ask.to_size() > records.size()) {
      reply.mutable_refusal()->set_code(v1::REFUSAL_CODE_NOT_FOUND);
      return reply;
    }
    auto& proof = *reply.mutable_get_audit_consistency();
    for (auto& hash : consistency(ask.from_size(), 0, ask.to_size(), true)) proof.add_path(hash);
    return reply;
  }

  Random random;
  std::vector<v1::AuditRecord> records;
  std::vector<std::string> leaves;
};

struct Site {
  TempFolder folder;
  storage::SigningKey key = storage::SigningKey::load_or_create(folder.path(), 1);
};

// Asks `server` whatever the watch wants to know, and lists what it found.
std::vector<AuditFinding> settle(AuditWatch& watch, const Keeper& server,
                                 const storage::SigningKey& key) {
  while (auto request = watch.next_request()) {
    watch.answered(request->stream, server.answer(request->frame, key));
  }
  std::vector<AuditFinding> found;
  while (auto finding = watch.next_finding()) found.push_back(*finding);
  return found;
}

std::optional<AuditFault> alarm_in(const std::vector<AuditFinding>& found) {
  for (const auto& finding : found) {
    if (const auto* alarm = std::get_if<AuditAlarm>(&finding)) return alarm->fault;
  }
  return std::nullopt;
}

// One of seven ways to cheat about the first `seen` records. Answers its name.
const char* tamper(Keeper& log, size_t seen, Random& random) {
  const size_t k = below(random, seen);
  auto& records = log.records;
  switch (below(random, 7)) {
    case 0: {
      auto& record = records[k];
      std::string* fields[] = {record.mutable_entry_hash(), record.mutable_actor(),
                               record.mutable_subject(), record.mutable_details()};
      auto& bytes = *fields[below(random, 4)];
      bytes[below(random, bytes.size())] ^= static_cast<char>(1 << below(random, 8));
      log.chain(k);
      return "flip";
    }
    case 1:
      records.erase(records.begin() + static_cast<long>(k));
      log.chain(k);
      return "drop";
    case 2: {
      const size_t other = (k + 1 + below(random, seen - 1)) % seen;
      std::swap(*records[k].mutable_details(), *records[other].mutable_details());
      std::swap(*records[k].mutable_subject(), *records[other].mutable_subject());
      log.chain(std::min(k, other));
      return "swap";
    }
    case 3: {
      auto extra = records[k];
      extra.set_details(noise(random));
      records.insert(records.begin() + static_cast<long>(k), extra);
      log.chain(k);
      return "insert";
    }
    case 4:
      records.resize(std::max<size_t>(k, 1));
      log.chain(0);
      return "truncate";
    case 5:
      for (size_t i = k; i < records.size(); ++i) records[i].set_subject(noise(random));
      log.chain(k);
      return "rewrite";
    default: {
      const size_t size = records.size();
      records.resize(std::max<size_t>(k, 1));
      log.chain(0);
      while (records.size() < size) log.act();
      return "fork";
    }
  }
}

}  // namespace

TEST_CASE("an honest log raises no alarm, however it grows and however late its heads come") {
  const Site site;
  Random random(1);
  for (int world = 0; world < 100; ++world) {
    Keeper log(random());
    AuditWatch watch;
    for (int step = 0; step < 12; ++step) {
      for (auto more = below(random, 6) + (step == 0); more > 0; --more) log.act();
      watch.take(log.head(site.key));
      // Sometimes many heads come before the first answer; sometimes the connection goes.
      if (below(random, 3) == 0) continue;
      if (below(random, 6) == 0) {
        watch.lost();
        continue;
      }
      const auto found = settle(watch, log, site.key);
      CHECK_FALSE(alarm_in(found));
      if (below(random, 3) == 0) {
        watch.take_from_proof(log.head(1 + below(random, log.records.size()), site.key));
        CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
      }
    }
    watch.take(log.head(site.key));
    CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
    REQUIRE(watch.pinned(club));
    CHECK(watch.pinned(club)->size() == log.records.size());
  }
}

TEST_CASE("flip, drop, swap, insert, truncate, fork, rewrite from k: each of 1,000 is detected") {
  const Site site;
  std::map<std::string, int> tried;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    Keeper log(seed);
    for (auto more = 2 + below(random, 60); more > 0; --more) log.act();
    AuditWatch watch({}, nullptr);
    watch.take(log.head(site.key));
    CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
    const auto seen = *watch.pinned(club);

    Keeper cheat = log;
    cheat.random.seed(seed + 5000);
    const std::string way = tamper(cheat, log.records.size(), random);
    ++tried[way];
    for (auto more = below(random, 5); more > 0; --more) cheat.act();
    // The operator answers from the changed log, or with what was true of the old one.
    const bool old_answers = below(random, 4) == 0;
    auto shown = cheat.head(site.key);
    watch.take(shown);
    auto found = settle(watch, old_answers ? log : cheat, site.key);
    // A no is believed to be a mistake twice.
    for (int times = 0; old_answers && !alarm_in(found) && times < 2; ++times) {
      cheat.act();
      shown = cheat.head(site.key);
      watch.take(shown);
      found = settle(watch, log, site.key);
    }
    const auto fault = alarm_in(found);
    REQUIRE_MESSAGE(fault, way, " with seed ", seed, " went unseen");
    const auto size = cheat.records.size();
    if (size < seen.size()) CHECK(*fault == AuditFault::Truncated);
    if (size == seen.size()) CHECK(*fault == AuditFault::Fork);
    if (size > seen.size()) {
      CHECK((*fault == AuditFault::Rewritten || (old_answers && *fault == AuditFault::Withheld)));
    }
    // The pin stays, and both heads are there to show to others.
    CHECK(same_head(*watch.pinned(club), seen));
    const auto& alarm = std::get<AuditAlarm>(found.front());
    CHECK(same_head(*alarm.pinned, seen));
    CHECK(is_signed(alarm.shown));
    // The same lie again is not told again; the truth is still the truth.
    watch.take(shown);
    CHECK_FALSE(alarm_in(settle(watch, old_answers ? log : cheat, site.key)));
    log.act();
    watch.take(log.head(site.key));
    CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
    CHECK(watch.pinned(club)->size() == log.records.size());
  }
  CHECK(tried.size() == 7);
  for (const auto& [way, times] : tried) CHECK_MESSAGE(times > 100, way);
}

TEST_CASE("no byte of a signed head can be changed") {
  const Site site;
  Keeper log(3);
  for (int i = 0; i < 9; ++i) log.act();
  const auto bytes = log.head(site.key).SerializeAsString();
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      v1::AuditHead head;
      if (!head.ParseFromString(changed)) continue;
      CHECK_FALSE(is_signed(head));
    }
  }
}

TEST_CASE("no byte of a record, of its opening or of its path can be changed") {
  Site site;
  Keeper log(4);
  for (int i = 0; i < 13; ++i) log.act();
  const auto head = log.head(site.key);
  v1::ProvenRecord proven;
  *proven.mutable_record() = log.records[5];
  for (auto& hash : log.path(5, 0, 13)) proven.add_path(hash);
  // A real opening of one field.
  const std::string salt(32, 's');
  proven.mutable_opening()->set_details_salt(salt);
  proven.mutable_opening()->set_details("what was done");
  CHECK(check_record(head, proven) == AuditFault::BadOpening);
  proven.clear_opening();
  REQUIRE_FALSE(check_record(head, proven));
  const auto bytes = proven.SerializeAsString();
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    v1::ProvenRecord other;
    if (!other.ParseFromString(changed)) continue;
    // A field that is not known here is nothing that was said.
    other.DiscardUnknownFields();
    other.mutable_record()->DiscardUnknownFields();
    if (other.SerializeAsString() == bytes) continue;
    CHECK_MESSAGE(check_record(head, other), i);
  }
}

TEST_CASE("another key is trusted when the old one handed over to it, and not otherwise") {
  Site site;
  Keeper log(5);
  for (int i = 0; i < 5; ++i) log.act();
  AuditWatch watch;
  watch.take(log.head(site.key));
  settle(watch, log, site.key);
  const auto next = storage::SigningKey::rotate(site.folder.path(), 9);
  log.act();
  watch.take(log.head(next));
  CHECK_FALSE(alarm_in(settle(watch, log, next)));
  CHECK(watch.key() == next.public_key());
  CHECK(watch.pinned(club)->size() == 6);

  const Site stranger;
  log.act();
  watch.take(log.head(stranger.key));
  CHECK(alarm_in(settle(watch, log, stranger.key)) == AuditFault::UnknownKey);
  CHECK(watch.pinned(club)->size() == 6);
  // The old key signs no more.
  watch.take(log.head(site.key));
  settle(watch, log, next);
  CHECK(watch.pinned(club)->size() == 6);
  // Who decides to go on, goes on.
  watch.accept(club);
  watch.take(log.head(stranger.key));
  CHECK_FALSE(alarm_in(settle(watch, log, stranger.key)));
  CHECK(watch.key() == stranger.key.public_key());
}

TEST_CASE("a key that was given is held to from the first head on") {
  const Site site, stranger;
  Keeper log(6);
  log.act();
  AuditWatch watch(site.key.public_key());
  watch.take(log.head(stranger.key));
  CHECK(alarm_in(settle(watch, log, stranger.key)) == AuditFault::UnknownKey);
  CHECK_FALSE(watch.pinned(club));
}

TEST_CASE("a log that went back is told as that, and only another epoch excuses it") {
  const Site site;
  Keeper log(7);
  for (int i = 0; i < 8; ++i) log.act();
  AuditWatch watch;
  watch.take(log.head(site.key));
  settle(watch, log, site.key);
  // A restore that lost nothing: the next epoch goes on.
  watch.take(log.head(8, site.key, 2));
  CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
  CHECK(watch.pinned(club)->epoch() == 2);
  // One that lost the last three acts.
  Keeper older = log;
  older.records.resize(5);
  older.chain(0);
  watch.take(older.head(5, site.key, 3));
  CHECK(alarm_in(settle(watch, older, site.key)) == AuditFault::Restored);
  for (int i = 0; i < 6; ++i) older.act();
  older.records.back().set_seq(older.records.back().seq() + 40);
  older.chain(5);
  AuditWatch second;
  second.take(log.head(site.key));
  second.take(older.head(11, site.key, 3));
  CHECK(alarm_in(settle(second, older, site.key)) == AuditFault::Restored);
}

TEST_CASE("a proof that is refused is withheld; a server that is busy is asked again") {
  const Site site;
  Keeper log(8);
  for (int i = 0; i < 3; ++i) log.act();
  AuditWatch watch;
  watch.take(log.head(site.key));
  settle(watch, log, site.key);
  v1::Reply refusal;
  refusal.mutable_refusal()->set_code(v1::REFUSAL_CODE_OVERLOADED);
  for (int times = 1; times <= 6; ++times) {
    log.act();
    watch.take(log.head(site.key));
    const auto request = watch.next_request();
    REQUIRE(request);
    watch.answered(request->stream, refusal);
    const auto finding = watch.next_finding();
    CHECK(finding.has_value() == (times == 6));
    if (finding) CHECK(std::get<AuditAlarm>(*finding).fault == AuditFault::Withheld);
  }
  log.act();
  watch.take(log.head(site.key));
  CHECK_FALSE(alarm_in(settle(watch, log, site.key)));
  CHECK(watch.pinned(club)->size() == log.records.size());
}

TEST_CASE("what was pinned outlives the program") {
  struct Kept final : AuditStore {
    std::string load_key() override { return key; }
    void save_key(const std::string& public_key) override { key = public_key; }
    std::optional<v1::AuditHead> load(Stream stream) override {
      const auto found = heads.find(stream);
      return found == heads.end() ? std::nullopt : std::optional(found->second);
    }
    void save(const v1::AuditHead& head) override { heads[Stream::from(head.stream())] = head; }
    std::string key;
    std::map<Stream, v1::AuditHead> heads;
  } kept;
  const Site site;
  Keeper log(9);
  for (int i = 0; i < 6; ++i) log.act();
  {
    AuditWatch watch({}, &kept);
    watch.take(log.head(site.key));
    settle(watch, log, site.key);
  }
  CHECK(kept.key == site.key.public_key());
  AuditWatch watch({}, &kept);
  Keeper cheat = log;
  cheat.records[2].set_details(std::string(32, 'x'));
  cheat.chain(2);
  cheat.act();
  watch.take(cheat.head(site.key));
  CHECK(alarm_in(settle(watch, cheat, site.key)) == AuditFault::Rewritten);
}

TEST_CASE(
    "the core watches the log of what it follows, asks for each proof, and tells what it found") {
  const Site site;
  Keeper log(21);
  for (int i = 0; i < 5; ++i) log.act();
  testing::SimulatedServer server;
  const Keeper* shown = &log;
  server.prove = [&](const v1::ClientFrame& request) { return shown->answer(request, site.key); };
  server.audit_heads[club] = log.head(site.key);
  testing::SimulatedClient client(server);
  client.core.follow(club, std::nullopt, client.now);
  client.go_online();
  REQUIRE(client.last<AuditChecked>() != nullptr);
  CHECK(client.last<AuditChecked>()->head.size() == 5);
  // What is not followed is no concern of this client.
  auto other = log.head(site.key);
  other.mutable_stream()->set_id(8);
  server.push(other);
  log.act();
  log.act();
  server.push(log.head(site.key));
  client.settle();
  CHECK(client.last<AuditChecked>()->head.size() == 7);
  CHECK(client.last<AuditAlarm>() == nullptr);

  Keeper cheat = log;
  cheat.records[3].set_actor(std::string(32, 'z'));
  cheat.chain(3);
  cheat.act();
  shown = &cheat;
  server.push(cheat.head(site.key));
  client.settle();
  REQUIRE(client.last<AuditAlarm>() != nullptr);
  CHECK(client.last<AuditAlarm>()->fault == AuditFault::Rewritten);
  CHECK(client.last<AuditAlarm>()->stream == club);
  client.core.accept_audit(club);
  cheat.act();
  server.push(cheat.head(site.key));
  client.settle();
  CHECK(client.last<AuditChecked>()->head.size() == 9);
}

// --- Files ---------------------------------------------------------------------------------------

namespace {

struct File {
  std::vector<v1::AuditLine> lines;
  size_t first_record = 0;
};

File export_of(const Keeper& log, const storage::SigningKey& key) {
  File file;
  for (const auto& one : key.keys()) *file.lines.emplace_back().mutable_key() = one;
  *file.lines.emplace_back().mutable_head() = log.head(key);
  file.first_record = file.lines.size();
  for (const auto& record : log.records) {
    *file.lines.emplace_back().mutable_record()->mutable_record() = record;
  }
  return file;
}

std::optional<AuditFault> check(const std::vector<v1::AuditLine>& lines, AuditFile file) {
  for (const auto& line : lines) {
    if (const auto fault = file.take(line)) return fault;
  }
  return file.finish();
}

}  // namespace

TEST_CASE("an export is good, and any change of any line of it is found without the network") {
  Site site;
  storage::SigningKey::rotate(site.folder.path(), 2);
  const auto key = storage::SigningKey::rotate(site.folder.path(), 3);
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    Keeper log(seed);
    for (auto more = 2 + below(random, 20); more > 0; --more) log.act();
    const auto good = export_of(log, key);
    REQUIRE_FALSE(check(good.lines, AuditFile()));
    auto lines = good.lines;
    const size_t at = below(random, lines.size());
    switch (below(random, 5)) {
      case 0: {
        auto bytes = lines[at].SerializeAsString();
        bytes[below(random, bytes.size())] ^= static_cast<char>(1 << below(random, 8));
        v1::AuditLine changed;
        if (!changed.ParseFromString(bytes)) continue;
        lines[at] = changed;
        break;
      }
      case 1: {
        const size_t dropped = good.first_record + below(random, log.records.size());
        lines.erase(lines.begin() + static_cast<long>(dropped));
        break;
      }
      case 2: std::swap(lines[at], lines[(at + 1) % lines.size()]); break;
      case 3: lines.insert(lines.begin() + static_cast<long>(at), lines[at]); break;
      default: lines.resize(at); break;
    }
    CHECK_MESSAGE(check(lines, AuditFile()), seed);
  }
}

TEST_CASE("an export that was made anew by who has the key is found by what was pinned before") {
  const Site site;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Keeper log(seed);
    for (auto more = 2 + below(random, 30); more > 0; --more) log.act();
    const auto pinned = log.head(site.key);
    Keeper cheat = log;
    const std::string way = tamper(cheat, log.records.size(), random);
    if (cheat.records.back().number() < 2) continue;
    // As a whole it is without a flaw, if its seqs still ascend.
    std::sort(cheat.records.begin(), cheat.records.end(),
              [](const auto& a, const auto& b) { return a.seq() < b.seq(); });
    cheat.chain(0);
    const auto file = export_of(cheat, site.key);
    CHECK_MESSAGE(check(file.lines, AuditFile({}, pinned)), way, " with seed ", seed);
    const auto honest = export_of(log, site.key);
    CHECK_FALSE(check(honest.lines, AuditFile({}, pinned)));
    log.act();
    const auto later = export_of(log, site.key);
    CHECK_FALSE(check(later.lines, AuditFile({}, pinned)));
  }
}

TEST_CASE("an export by a key that is not the trusted one is refused") {
  const Site site, stranger;
  Keeper log(11);
  for (int i = 0; i < 4; ++i) log.act();
  const auto file = export_of(log, site.key);
  CHECK_FALSE(check(file.lines, AuditFile(site.key.public_key())));
  CHECK(check(file.lines, AuditFile(stranger.key.public_key())) == AuditFault::UnknownKey);
  CHECK(check({}, AuditFile()) == AuditFault::Truncated);
}

TEST_CASE("a proof of some records is a file too, and tells nothing about the others") {
  const Site site;
  Keeper log(12);
  for (int i = 0; i < 20; ++i) log.act();
  File file;
  *file.lines.emplace_back().mutable_key() = site.key.keys().front();
  *file.lines.emplace_back().mutable_head() = log.head(site.key);
  for (const size_t i : {3u, 11u, 19u}) {
    auto& proven = *file.lines.emplace_back().mutable_record();
    *proven.mutable_record() = log.records[i];
    for (auto& hash : log.path(i, 0, 20)) proven.add_path(hash);
  }
  AuditFile reading;
  for (const auto& line : file.lines) REQUIRE_FALSE(reading.take(line));
  CHECK_FALSE(reading.finish());
  CHECK_FALSE(reading.is_whole());
  CHECK(reading.records() == 3);
  auto other = file.lines;
  other[3].mutable_record()->mutable_record()->set_time_ms(1);
  CHECK(check(other, AuditFile()) == AuditFault::BadRecord);
  std::swap(file.lines[2], file.lines[3]);
  CHECK(check(file.lines, AuditFile()) == AuditFault::BadRecord);
}

}  // namespace amicale::client
