// SPDX-License-Identifier: Apache-2.0
//
// The provable log, seen from outside: what a client checks of the records of those who keep order, so that whoever runs the
// server can't rewrite them, cut them short, or show different ones to different people without being found out.
// audit.proto has the formats; the trees are RFC 6962's. Nothing here trusts the server, and nothing throws for what it sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "amicale/client/stream.h"
#include "amicale/v1/audit.pb.h"
#include "amicale/v1/frame.pb.h"

namespace amicale::client {

// What is wrong with what was shown.
enum class AuditFault {
  BadSignature,  // a head that its key did not sign, or that is malformed
  UnknownKey,    // signed by a key that the trusted one did not hand over to
  Fork,          // two signed heads of one size: different people are shown different logs
  Truncated,     // records that were there are gone
  Rewritten,     // the log does not begin with what it was
  Restored,    // the same, under another epoch: the server says that it went back to an older copy
  Withheld,    // a proof that every honest server gives was refused
  BadRecord,   // a record that is malformed, or not at its place in the tree
  BadOpening,  // a person or an event that the record does not commit to
};

// A word for logs: "rewritten".
std::string_view word_for(AuditFault fault);

// --- Checks, each a pure function of what is given. O(log size) or O(bytes). ---------------------

// Well-formed, and signed by the key that it names.
bool is_signed(const v1::AuditHead& head);
// Equal in all that is signed.
bool same_head(const v1::AuditHead& one, const v1::AuditHead& other);
// The tree of `newer` begins with the tree of `older`: RFC 6962, 2.1.2. Sizes need not differ.
bool is_consistent(const v1::AuditHead& older, const v1::AuditHead& newer,
                   std::span<const std::string> path);
// Each key signed by the one before, from `trusted` (one of them) to `wanted` (the same or a later one).
bool is_handed_over(std::span<const v1::AuditKey> keys, std::string_view trusted,
                    std::string_view wanted);
// The record stands at its place in the tree of `head` (which is signed), and its opening is true as far as it goes.
std::optional<AuditFault> check_record(const v1::AuditHead& head, const v1::ProvenRecord& proven);
// Every record of an answer, and its head's signature.
std::optional<AuditFault> check_proof(const v1::GetAuditProofReply& reply);

// Reads an exported file line by line: the keys, the head, the records. A whole export has every record without a path; a proof
// has some, each with its path. Finds any change of any line.
class AuditFile {
 public:
  // The head's key must be `trusted` or be handed over by it; empty = the pinned head's key, else the file's first one. With
  // `pinned`, a whole export must begin with that head's tree.
  explicit AuditFile(std::string trusted = {}, std::optional<v1::AuditHead> pinned = std::nullopt);

  std::optional<AuditFault> take(const v1::AuditLine& line);
  std::optional<AuditFault> finish() const;  // after the last line

  const v1::AuditHead& head() const { return head_; }
  std::uint64_t records() const { return records_; }
  bool is_whole() const { return whole_; }  // an export; false: a proof of some records

 private:
  std::optional<AuditFault> take_key(const v1::AuditKey& key);
  std::optional<AuditFault> take_head(const v1::AuditHead& head);
  std::optional<AuditFault> take_record(const v1::ProvenRecord& proven);
  std::string root() const;

  std::string trusted_;
  std::optional<v1::AuditHead> pinned_;
  std::string pinned_root_;  // of the file's tree at the pinned size
  std::vector<v1::AuditKey> keys_;
  v1::AuditHead head_;  // size 0 = none came yet
  bool whole_ = false;
  std::uint64_t records_ = 0;
  v1::AuditRecord last_;
  std::string last_leaf_;
  // The full subtrees that make the tree so far, largest first.
  struct Peak {
    std::uint64_t size;
    std::string root;
  };
  std::vector<Peak> peaks_;
};

// --- The watch -----------------------------------------------------------------------------------

// Keeps what was pinned across restarts: without one, a client trusts anew at each start.
class AuditStore {
 public:
  virtual ~AuditStore() = default;

  virtual std::string load_key() = 0;  // 32 bytes; empty = none yet
  virtual void save_key(const std::string& public_key) = 0;
  virtual std::optional<v1::AuditHead> load(Stream stream) = 0;
  virtual void save(const v1::AuditHead& head) = 0;
};

// The log of a stream goes on from what it was: `head` is pinned now.
struct AuditChecked {
  Stream stream;
  v1::AuditHead head;
};

// The server showed what an honest one never shows. `pinned` and `shown` are both signed by it: together, a proof for others.
// Told once for each fault; the pin stays, until AuditWatch::accept.
struct AuditAlarm {
  Stream stream;
  AuditFault fault = AuditFault::BadSignature;
  std::optional<v1::AuditHead> pinned;
  v1::AuditHead shown;
};

using AuditFinding = std::variant<AuditChecked, AuditAlarm>;

// Pins the heads of streams, trusting the first one (or the given key's), and follows them. Without sockets and clocks, as
// SessionCore, which owns it; not thread-safe.
class AuditWatch {
 public:
  // `key`: 32 bytes that the site was vouched for by, e.g. printed in its charter; empty = trust the first one seen.
  explicit AuditWatch(std::string key = {}, AuditStore* store = nullptr);

  // A head that the server pushed or answered a Subscribe with: heads of one stream come in order of size.
  void take(const v1::AuditHead& head);
  // A head that came with a proof: of any size.
  void take_from_proof(const v1::AuditHead& head);

  // What to ask the server: GetAuditConsistency about the stream, or GetAuditKeys (no stream). Each is followed by `answered`, or
  // by `lost`.
  struct Request {
    Stream stream;
    v1::ClientFrame frame;
  };
  std::optional<Request> next_request();
  void answered(Stream stream, const v1::Reply& reply);
  // The connection ended: no answer to what was asked will come.
  void lost();

  std::optional<AuditFinding> next_finding();

  const v1::AuditHead* pinned(Stream stream);  // null = none yet
  const std::string& key() const { return key_; }
  // The person decided to go on after an alarm: the next head of the stream is pinned whatever it is.
  void accept(Stream stream);

 private:
  struct Asked {
    v1::AuditHead older, newer;
    v1::AuditHead shown;  // the one of the two that is not pinned
    bool sent = false;
  };
  struct Watched {
    std::optional<v1::AuditHead> pin;
    std::optional<Asked> asked;
    std::optional<v1::AuditHead> next;  // the newest that came while another one was being checked
    std::uint32_t refusals = 0;         // in a row, by weight
    std::string told;                   // the last alarm
  };

  Watched& watched(Stream stream);
  bool trusts(const v1::AuditHead& head, bool from_proof);
  void take(const v1::AuditHead& head, bool from_proof);
  void check(const v1::AuditHead& head, bool from_proof);
  void pin(Stream stream, Watched& watched, const v1::AuditHead& head);
  void alarm(Stream stream, AuditFault fault, const v1::AuditHead& shown);
  void compare(Stream stream, Watched& watched, Asked asked);
  void conclude(Stream stream, Watched& watched, bool consistent);
  void keys_answered(const v1::Reply& reply);

  AuditStore* store_;
  std::string key_;
  std::map<Stream, Watched> watched_;
  // Heads by another key, until the hand-overs are there.
  struct Foreign {
    v1::AuditHead head;
    bool from_proof;
  };
  std::vector<Foreign> foreign_;
  std::vector<v1::AuditKey> site_keys_;  // as last told
  enum class Keys { unknown, wanted, asked } keys_ = Keys::unknown;
  std::uint32_t keys_refusals_ = 0;
  std::deque<AuditFinding> findings_;
};

}  // namespace amicale::client
