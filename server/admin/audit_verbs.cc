// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The provable log on the command line: exported, proved and checked without trusting the server that it came from.
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <fstream>

#include "amicale/v1/event.pb.h"
#include "server/admin/audit_file.h"
#include "server/admin/data_folder.h"
#include "server/admin/failure_text.h"
#include "server/admin/lookup.h"
#include "server/admin/table.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/queries/queries.h"
#include "server/runtime/clock.h"
#include "storage/audit.h"
#include "storage/database.h"
#include "storage/signing_key.h"
#include "storage/verify.h"

namespace amicale::admin {
namespace {

using client::AuditFault;

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    constexpr char digits[] = "0123456789abcdef";
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string out;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, value, 16).ptr !=
        text.data() + i + 2) {
      return std::nullopt;
    }
    out.push_back(static_cast<char>(value));
  }
  return out;
}

// A file that has its name only once it is whole.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)), partial_(path_ + ".partial") {
    out_.open(partial_, std::ios::binary | std::ios::trunc);
    // It says who did what to whom.
    std::error_code ignored;
    std::filesystem::permissions(
        partial_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
        ignored);
  }
  ~WholeFile() {
    if (!kept_) ::unlink(partial_.c_str());
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void add(const v1::AuditLine& line) { out_ << to_audit_line(line) << '\n'; }
  bool keep() {
    out_.close();
    kept_ = out_.good() && std::rename(partial_.c_str(), path_.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  std::string partial_;
  std::ofstream out_;
  bool kept_ = false;
};

// One page of records, from a server or from a folder.
using Page = std::function<OrExit<v1::GetAuditProofReply>(const v1::GetAuditProof&)>;

struct Wanted {
  v1::StreamId stream;
  std::uint64_t account_id = 0;
  bool whole = true;  // without paths: every record is there
};

// Writes keys, head and records of one size of the tree, page by page, checking each as it comes.
int write_file(Console& console, const Wanted& wanted, const v1::GetAuditKeysReply& keys,
               const Page& page, const std::string& path,
               const std::function<void(const v1::ProvenRecord&)>& show) {
  WholeFile file(path);
  client::AuditFile check;
  const auto add = [&](const v1::AuditLine& line) {
    file.add(line);
    return check.take(line);
  };
  const auto wrong = [&](AuditFault fault) {
    return console.fail(console.text(phrase_for(fault)), kRefused);
  };
  v1::AuditLine line;
  for (const auto& key : keys.keys()) {
    *line.mutable_key() = key;
    if (const auto fault = add(line)) return wrong(*fault);
  }
  v1::GetAuditProof request;
  *request.mutable_stream() = wanted.stream;
  request.set_account_id(wanted.account_id);
  Progress progress(console.text(phrase::audit_exporting), 0, console.progress_output());
  for (bool first = true; first || request.after() != 0; first = false) {
    const auto reply = page(request);
    if (!reply) return reply.error();
    if (first) {
      if (!reply->has_head() || reply->records().empty()) {
        progress.finish();
        return console.fail(console.text(phrase::audit_nothing), kRefused);
      }
      *line.mutable_head() = reply->head();
      if (const auto fault = add(line)) return wrong(*fault);
      request.set_size(reply->head().size());
      if (wanted.whole) progress.set_total(request.size());
    }
    for (const auto& proven : reply->records()) {
      *line.mutable_record() = proven;
      if (wanted.whole) {
        if (const auto fault = client::check_record(check.head(), proven)) return wrong(*fault);
        line.mutable_record()->clear_path();
      }
      if (const auto fault = add(line)) return wrong(*fault);
      if (show) show(proven);
      progress.advance();
    }
    request.set_after(reply->next());
  }
  progress.finish();
  if (const auto fault = check.finish()) return wrong(*fault);
  if (!file.keep()) {
    return console.fail_usage(phrase::file_unreadable, path, std::strerror(errno));
  }
  console.say(phrase::audit_written, path, grouped(check.records()), grouped(check.head().size()),
              hex(check.head().public_key()));
  return kDone;
}

v1::StreamId site_stream() { return client::Stream::site().proto(); }

// Of a club that the person may have been banned from: then only its number is known to them.
OrExit<v1::StreamId> stream_of(const Console& console, Connection& connection,
                               const std::string& club) {
  if (club.empty()) return site_stream();
  std::uint64_t id = 0;
  const auto end = club.data() + club.size();
  if (std::from_chars(club.data(), end, id).ptr == end) return client::Stream::club(id).proto();
  const auto found = find_club(console, connection, club);
  if (!found)
    return std::unexpected(console.fail(console.text(phrase::audit_club_number), kRefused));
  return client::Stream::club(found->club_id()).proto();
}

Page asking(const Console& console, Connection& connection) {
  return [&](const v1::GetAuditProof& request) -> OrExit<v1::GetAuditProofReply> {
    auto reply = connection.call(request);
    if (!reply) return std::unexpected(console.fail(reply.error()));
    return std::move(*reply);
  };
}

void show_record(const Console& console, const v1::ProvenRecord& proven) {
  const auto& record = proven.record();
  const auto* field = v1::Event::descriptor()->FindFieldByNumber(static_cast<int>(record.act()));
  const std::string act = field ? field->name() : std::to_string(record.act());
  const std::string actor = record.automatic() ? console.text(phrase::audit_automatic)
                            : proven.opening().actor_salt().empty()
                                ? console.text(phrase::audit_erased)
                                : std::to_string(proven.opening().actor());
  console.say(phrase::audit_record, record.number(), local_time(record.time_ms()), act, actor,
              record.seq());
}

struct Checked {
  std::string trusted;
  std::optional<v1::AuditHead> pinned;
};
// What the person trusts: a key in hexadecimal, or a file kept from before.
OrExit<Checked> trust(const Console& console, const verb::AuditVerify& verb) {
  Checked checked;
  if (!verb.key.empty()) {
    const auto key = from_hex(verb.key);
    if (!key || key->size() != 32) {
      return std::unexpected(console.fail_usage(phrase::audit_bad_key, printable(verb.key)));
    }
    checked.trusted = *key;
  }
  if (!verb.pinned.empty()) {
    std::ifstream in(verb.pinned, std::ios::binary);
    if (!in) {
      return std::unexpected(
          console.fail_usage(phrase::file_unreadable, verb.pinned, std::strerror(errno)));
    }
    checked.pinned = audit_head_of(in);
    if (!checked.pinned || !client::is_signed(*checked.pinned)) {
      return std::unexpected(
          console.fail(console.text(phrase::audit_no_head, printable(verb.pinned)), kRefused));
    }
  }
  return checked;
}

int say_good(const Console& console, const client::AuditFile& file) {
  const auto& head = file.head();
  console.say(file.is_whole() ? phrase::audit_good : phrase::audit_good_proof,
              grouped(file.records()), grouped(head.size()), local_time(head.time_ms()),
              hex(head.public_key()));
  return kDone;
}

int verify_file(const verb::AuditVerify& verb, Console& console) {
  auto checked = trust(console, verb);
  if (!checked) return checked.error();
  std::ifstream in(verb.file, std::ios::binary | std::ios::ate);
  if (!in) return console.fail_usage(phrase::file_unreadable, verb.file, std::strerror(errno));
  const auto size = static_cast<std::uint64_t>(in.tellg());
  in.seekg(0);
  client::AuditFile file(std::move(checked->trusted), std::move(checked->pinned));
  Progress progress(console.text(phrase::audit_checking), size, console.progress_output());
  const auto finding = read_audit(in, file, [&](std::uint64_t bytes) { progress.set(bytes); });
  progress.finish();
  if (finding) {
    return console.fail(
        console.text(phrase::audit_line, finding->line, console.text(phrase_for(finding->fault))),
        kRefused);
  }
  return say_good(console, file);
}

// The folder itself: rows against logs, then each tree as an outsider would check it.
int verify_folder(const verb::AuditVerify& verb, Console& console) {
  const auto checked = trust(console, verb);
  if (!checked) return checked.error();
  return on_folder(console, [&] {
    StageProgress stages(console);
    storage::Database database(existing(verb.data, stages));
    const auto report = storage::verify(database, stages.function());
    stages.finish();
    for (const auto& problem : report.problems) console.print(printable(problem));
    if (!report.good()) {
      return console.fail(console.text(phrase::verify_bad, report.problems.size()), kRefused);
    }
    const auto key =
        storage::SigningKey::load_or_create(database.folder(), runtime::SystemClock().now_ms());
    const storage::Snapshot snapshot(database);
    const storage::View view(snapshot);
    bool pinned_met = !checked->pinned;
    for (const auto partition : view.partitions()) {
      const auto records = storage::audit_size(view, partition);
      if (records == 0) continue;
      std::optional<v1::AuditHead> pinned;
      if (checked->pinned && storage::partition_of(checked->pinned->stream()) == partition) {
        pinned = checked->pinned;
        pinned_met = true;
      }
      client::AuditFile file(checked->trusted, pinned);
      std::optional<AuditFault> fault;
      v1::AuditLine line;
      const auto take = [&] {
        if (!fault) fault = file.take(line);
      };
      for (const auto& one : key.keys()) {
        *line.mutable_key() = one;
        take();
      }
      auto head = storage::audit_head(view, partition, records, database.epoch());
      key.sign(head);
      *line.mutable_head() = head;
      take();
      Progress progress(storage::to_string(partition), records, console.progress_output());
      for (std::uint64_t number = 1; number <= records && !fault; ++number) {
        const auto record = storage::audit_record(view, partition, number);
        if (!record) {
          fault = AuditFault::Truncated;
          break;
        }
        line.mutable_record()->clear_path();
        *line.mutable_record()->mutable_opening() = storage::audit_opening(view, *record);
        *line.mutable_record()->mutable_record() = *record;
        take();
        progress.set(number);
      }
      progress.finish();
      if (!fault) fault = file.finish();
      if (fault) {
        return console.fail(storage::to_string(partition) + ": " + console.text(phrase_for(*fault)),
                            kRefused);
      }
      console.print(storage::to_string(partition) + ": " +
                    console.text(phrase::audit_good, grouped(file.records()), grouped(records),
                                 local_time(head.time_ms()), hex(head.public_key())));
    }
    if (!pinned_met) {
      return console.fail(console.text(phrase::audit_truncated), kRefused);
    }
    return static_cast<int>(kDone);
  });
}

int export_from_folder(const verb::AuditExport& verb, Console& console) {
  return on_folder(console, [&] {
    StageProgress stages(console);
    storage::Database database(existing(verb.data, stages));
    stages.finish();
    const storage::Snapshot snapshot(database);
    const storage::View view(snapshot);
    Wanted wanted{.stream = site_stream(), .account_id = 0, .whole = true};
    if (!verb.club.empty()) {
      const auto id = view.club_id_by_slug(verb.club);
      if (!id) {
        return console.fail(console.text(phrase::no_such_club, printable(verb.club)), kRefused);
      }
      wanted.stream = client::Stream::club(*id).proto();
    }
    const auto key =
        storage::SigningKey::load_or_create(database.folder(), runtime::SystemClock().now_ms());
    v1::GetAuditKeysReply keys;
    for (const auto& one : key.keys()) *keys.add_keys() = one;
    queries::Caller caller;
    caller.site_role = v1::SITE_ROLE_OWNER;  // whoever has the folder has everything
    const queries::AuditSigner signer{key, database.epoch()};
    const Page page = [&](const v1::GetAuditProof& request) -> OrExit<v1::GetAuditProofReply> {
      auto reply = queries::audit_proof(view, caller, request, signer);
      if (!reply) {
        return std::unexpected(
            console.fail(domain::to_wire(reply.error(), console.language()).message(), kRefused));
      }
      return std::move(*reply);
    };
    return write_file(console, wanted, keys, page, verb.file, {});
  });
}

}  // namespace

int run(const verb::AuditExport& verb, Console& console) {
  if (!verb.data.empty()) return export_from_folder(verb, console);
  auto connection = console.connect(/*reconnect=*/true);
  if (!connection) return connection.error();
  const auto stream = stream_of(console, **connection, verb.club);
  if (!stream) return stream.error();
  const auto keys = (*connection)->call(v1::GetAuditKeys{});
  if (!keys) return console.fail(keys.error());
  const Wanted wanted{.stream = *stream, .account_id = 0, .whole = true};
  return write_file(console, wanted, *keys, asking(console, **connection), verb.file, {});
}

int run(const verb::AuditProve& verb, Console& console) {
  auto connection = console.connect(/*reconnect=*/true);
  if (!connection) return connection.error();
  const auto stream = stream_of(console, **connection, verb.club);
  if (!stream) return stream.error();
  std::uint64_t account = (*connection)->me().account_id();
  if (!verb.member.empty() && stream->kind() == v1::STREAM_KIND_SITE) {
    v1::FindAccount find;
    find.set_login(verb.member);
    const auto found = (*connection)->call(find);
    if (!found) return console.fail(found.error());
    account = found->account_id();
  } else if (!verb.member.empty()) {
    const auto found = find_member(console, **connection, stream->id(), verb.member);
    if (!found) return found.error();
    account = *found;
  }
  const auto keys = (*connection)->call(v1::GetAuditKeys{});
  if (!keys) return console.fail(keys.error());
  const Wanted wanted{.stream = *stream, .account_id = account, .whole = false};
  return write_file(console, wanted, *keys, asking(console, **connection), verb.file,
                    [&](const v1::ProvenRecord& proven) { show_record(console, proven); });
}

int run(const verb::AuditVerify& verb, Console& console) {
  if (verb.file.empty() == verb.data.empty()) return console.fail_usage(phrase::audit_which);
  return verb.data.empty() ? verify_file(verb, console) : verify_folder(verb, console);
}

int run(const verb::AuditRotate& verb, Console& console) {
  return on_folder(console, [&] {
    StageProgress stages(console);
    // Opened so that no server runs on it meanwhile.
    const storage::Database database(existing(verb.data, stages));
    stages.finish();
    const auto key =
        storage::SigningKey::rotate(database.folder(), runtime::SystemClock().now_ms());
    console.say(phrase::audit_rotated, hex(key.public_key()), key.keys().size());
    return static_cast<int>(kDone);
  });
}

}  // namespace amicale::admin
