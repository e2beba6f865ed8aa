// SPDX-License-Identifier: Apache-2.0
//
// The provable log, seen from outside: what a client checks of the records of those who keep order, so that whoever runs the
// server can't rewrite them, cut them short, or show different ones to different people without being found out.
// audit.proto has the formats; the trees are RFC 6962's. Nothing here trusts the server, and nothing throws for what it sent.
// Names and verdicts are those of the C++ SDK's audit.h.
import type {
  AuditHead, AuditKey, AuditOpening, AuditRecord, GetAuditProofReply, ProvenRecord,
} from "../gen/amicale/v1/audit_pb.js";
import { equal, u64 } from "./bytes.js";
import {
  commitmentOf, HASH_BYTES, handOverBytes, headBytes, isWellFormed, isWellFormedHead, Label, leafOf,
} from "./canonical.js";
import { isSignature, KEY_BYTES } from "./ed25519.js";
import { Stream } from "./stream.js";
import { beginsWith, isIncluded } from "./tree.js";

/** What is wrong with what was shown. The value is the word for logs. */
export const AuditFault = {
  /** A head that its key did not sign, or that is malformed. */
  BadSignature: "bad signature",
  /** Signed by a key that the trusted one did not hand over to. */
  UnknownKey: "unknown key",
  /** Two signed heads of one size: different people are shown different logs. */
  Fork: "fork",
  /** Records that were there are gone. */
  Truncated: "truncated",
  /** The log does not begin with what it was. */
  Rewritten: "rewritten",
  /** The same, under another epoch: the server says that it went back to an older copy. */
  Restored: "restored",
  /** A proof that every honest server gives was refused. */
  Withheld: "withheld",
  /** A record that is malformed, or not at its place in the tree. */
  BadRecord: "bad record",
  /** A person or an event that the record does not commit to. */
  BadOpening: "bad opening",
} as const;
export type AuditFault = (typeof AuditFault)[keyof typeof AuditFault];

// --- Checks, each a pure function of what is given. O(log size) or O(bytes). ---------------------

/** Well-formed, and signed by the key that it names. */
export function isSigned(head: AuditHead): boolean {
  return isWellFormedHead(head) && isSignature(head.publicKey, headBytes(head), head.signature);
}

function sameEnd(one: AuditHead, other: AuditHead): boolean {
  return (
    equal(one.root, other.root) && one.seq === other.seq &&
    equal(one.entryHash, other.entryHash) && one.timeMs === other.timeMs
  );
}

function sameStream(one: AuditHead | AuditRecord, other: AuditHead): boolean {
  return Stream.same(Stream.from(one.stream), Stream.from(other.stream));
}

/** Equal in all that is signed. */
export function sameHead(one: AuditHead, other: AuditHead): boolean {
  return (
    sameStream(one, other) && one.epoch === other.epoch && one.size === other.size &&
    sameEnd(one, other)
  );
}

/** The tree of `newer` begins with the tree of `older`: RFC 6962, 2.1.2. Sizes need not differ. */
export function isConsistent(
  older: AuditHead,
  newer: AuditHead,
  path: readonly Uint8Array[],
): boolean {
  if (older.size === 0n || older.size > newer.size || !sameStream(older, newer)) return false;
  if (older.size === newer.size) return path.length === 0 && sameEnd(older, newer);
  if (older.seq >= newer.seq || older.timeMs > newer.timeMs) return false;
  return beginsWith(newer, older, path);
}

/** `from` signed `to`; only the first key signs itself. */
export function isHandOver(from: AuditKey, to: AuditKey): boolean {
  return (
    from.publicKey.length === KEY_BYTES && to.publicKey.length === KEY_BYTES &&
    isSignature(from.publicKey, handOverBytes(from, to), to.signature)
  );
}

/** A site's keys, oldest first. Each hand-over is checked once, when it is first needed. */
export class KeyChain {
  private readonly good: (boolean | undefined)[] = [];

  constructor(private readonly keys: readonly AuditKey[]) {}

  /** Each key signed by the one before, from `trusted` (one of them) to `wanted` (the same or a later one). */
  handsOver(trusted: Uint8Array, wanted: Uint8Array): boolean {
    const from = this.keys.findIndex((key) => equal(key.publicKey, trusted));
    if (from < 0) return false;
    const to = this.keys.findIndex((key, at) => at >= from && equal(key.publicKey, wanted));
    if (to < 0) return false;
    for (let at = from; at < to; ++at) {
      if (!this.isGood(at)) return false;
    }
    return true;
  }

  private isGood(at: number): boolean {
    const from = this.keys[at];
    const to = this.keys[at + 1];
    if (from === undefined || to === undefined) return false;
    return (this.good[at] ??= isHandOver(from, to));
  }
}

/** See `KeyChain.handsOver`. */
export function isHandedOver(
  keys: readonly AuditKey[],
  trusted: Uint8Array,
  wanted: Uint8Array,
): boolean {
  return new KeyChain(keys).handsOver(trusted, wanted);
}

/** What is told of a record is what it commits to. What is not told is not false; nothing is told without its salt. */
export function isOpening(record: AuditRecord, opening: AuditOpening | undefined): boolean {
  if (opening === undefined) return true;
  const opens = (
    commitment: Uint8Array,
    label: typeof Label.Actor | typeof Label.Subject | typeof Label.Details,
    salt: Uint8Array,
    value: Uint8Array,
  ) => salt.length === HASH_BYTES && equal(commitmentOf(label, salt, value), commitment);
  const { actorSalt, actor, subjectSalt, subject, detailsSalt, details } = opening;
  return (
    (actorSalt.length === 0
      ? actor === 0n
      : opens(record.actor, Label.Actor, actorSalt, u64(actor))) &&
    (subjectSalt.length === 0
      ? subject === 0n
      : opens(record.subject, Label.Subject, subjectSalt, u64(subject))) &&
    (detailsSalt.length === 0
      ? details.length === 0
      : opens(record.details, Label.Details, detailsSalt, details))
  );
}

/** The record stands at its place in the tree of `head` (which is signed), and its opening is true as far as it goes. */
export function checkRecord(head: AuditHead, proven: ProvenRecord): AuditFault | undefined {
  const record = proven.record;
  if (
    record === undefined || !isWellFormed(record) || !sameStream(record, head) ||
    record.seq > head.seq ||
    !isIncluded(record.number - 1n, head.size, leafOf(record), proven.path, head.root)
  ) {
    return AuditFault.BadRecord;
  }
  return isOpening(record, proven.opening) ? undefined : AuditFault.BadOpening;
}

/** Every record of an answer, and its head's signature. */
export function checkProof(reply: GetAuditProofReply): AuditFault | undefined {
  if (reply.head === undefined) {
    return reply.records.length === 0 ? undefined : AuditFault.BadSignature;
  }
  if (!isSigned(reply.head)) return AuditFault.BadSignature;
  for (const proven of reply.records) {
    const fault = checkRecord(reply.head, proven);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
