// SPDX-License-Identifier: Apache-2.0
//
// The checks, each bit of what they look at.
import { clone, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AuditHeadSchema, AuditOpeningSchema, GetAuditProofReplySchema, type ProvenRecord, ProvenRecordSchema,
} from "../gen/amicale/v1/audit_pb.js";
import type { StreamKind } from "../gen/amicale/v1/common_pb.js";
import {
  AuditFault, beginsWith, checkProof, checkRecord, isConsistent, isIncluded, isSigned, nodeOf,
  sameHead,
} from "../src/index.js";
import { bigEndian, CLUB, Keeper, Random, SigningKey, sha256 } from "./keeper.js";

const key = SigningKey.make(new Random(1000).noise(), 1n);

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

test("no bit of a signed head can be changed", () => {
  const head = new Keeper(new Random(3)).act(9).head(key);
  assert.ok(isSigned(head));
  const bytes = toBinary(AuditHeadSchema, head);
  for (let bit = 0; bit < bytes.length * 8; ++bit) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const other = parsed(() => fromBinary(AuditHeadSchema, changed));
    if (other === undefined) continue;
    // The library reads over a wrong wire type: then nothing was changed.
    if (Buffer.compare(toBinary(AuditHeadSchema, other), bytes) === 0) continue;
    assert.equal(isSigned(other), false, `bit ${bit}`);
  }
});

test("a kind of stream that is more than a byte does not stand for another", () => {
  const head = new Keeper(new Random(3)).act(2).head(key);
  assert.equal(isSigned({ ...head, stream: { ...CLUB, kind: 258 as StreamKind } }), false);
  assert.equal(isSigned({ ...head, stream: { ...CLUB, kind: -254 as StreamKind } }), false);
});

/** The record at `index`, with its path and a true opening of all three of its commitments. */
function openedRecord(log: Keeper, index: number): ProvenRecord {
  const record = log.records[index];
  assert.ok(record);
  const salts = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array];
  const opening = create(AuditOpeningSchema, {
    actorSalt: salts[0], actor: 2n ** 60n + 1n, subjectSalt: salts[1], subject: 12n,
    detailsSalt: salts[2], details: Buffer.from("what was done"),
  });
  record.actor = sha256(Buffer.of(2), opening.actorSalt, bigEndian(opening.actor));
  record.subject = sha256(Buffer.of(3), opening.subjectSalt, bigEndian(opening.subject));
  record.details = sha256(Buffer.of(4), opening.detailsSalt, opening.details);
  log.chain(index);
  return create(ProvenRecordSchema, { record, opening, path: log.path(index) });
}

test("no bit of a record, of its opening or of its path can be changed", () => {
  const log = new Keeper(new Random(4)).act(13);
  const proven = openedRecord(log, 5);
  const head = log.head(key);
  assert.equal(checkRecord(head, proven), undefined);
  const bytes = toBinary(ProvenRecordSchema, proven);
  const known = { writeUnknownFields: false };
  for (let bit = 0; bit < bytes.length * 8; ++bit) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const other = parsed(() => fromBinary(ProvenRecordSchema, changed));
    if (other === undefined) continue;
    // A field that is not known here is nothing that was said; less may be told, if all of it is true.
    if (Buffer.compare(toBinary(ProvenRecordSchema, other, known), bytes) === 0) continue;
    const less = other.opening?.detailsSalt.length === 0 || other.opening?.actorSalt.length === 0 ||
      other.opening?.subjectSalt.length === 0 || other.opening === undefined;
    if (!less) assert.ok(checkRecord(head, other), `bit ${bit}`);
  }
});

test("what a record does not commit to is a bad opening; what is not told is not false", () => {
  const log = new Keeper(new Random(5)).act(6);
  const proven = openedRecord(log, 2);
  const head = log.head(key);
  const nothing = new Uint8Array();
  const fault = (change: Partial<NonNullable<ProvenRecord["opening"]>>) => {
    const opening = { ...clone(AuditOpeningSchema, proven.opening ?? create(AuditOpeningSchema)), ...change };
    return checkRecord(head, { ...proven, opening });
  };
  assert.equal(fault({}), undefined);
  assert.equal(fault({ actor: 12n }), AuditFault.BadOpening);
  assert.equal(fault({ subject: 2n ** 60n + 1n }), AuditFault.BadOpening);
  assert.equal(fault({ details: Buffer.from("what was not") }), AuditFault.BadOpening);
  assert.equal(fault({ actorSalt: nothing }), AuditFault.BadOpening);
  assert.equal(fault({ actorSalt: nothing, actor: 0n }), undefined);
  assert.equal(fault({ subjectSalt: nothing }), AuditFault.BadOpening);
  assert.equal(fault({ subjectSalt: nothing, subject: 0n }), undefined);
  assert.equal(fault({ detailsSalt: nothing }), AuditFault.BadOpening);
  assert.equal(fault({ detailsSalt: nothing, details: nothing }), undefined);
  assert.equal(checkRecord(head, create(ProvenRecordSchema, { record: proven.record!, path: proven.path })), undefined);
});

test("no part of the details can be passed off as their salt", () => {
  const log = new Keeper(new Random(6)).act(6);
  const proven = openedRecord(log, 3);
  const { opening } = proven;
  assert.ok(opening);
  const all = Buffer.concat([opening.detailsSalt, opening.details]);
  for (let at = 1; at <= all.length; ++at) {
    const shifted = { ...opening, detailsSalt: all.subarray(0, at), details: all.subarray(at) };
    const fault = checkRecord(log.head(key), { ...proven, opening: shifted });
    assert.equal(fault, at === 32 ? undefined : AuditFault.BadOpening);
  }
});

test("a record is not later than the head of its tree", () => {
  const log = new Keeper(new Random(12)).act(5);
  const proven = create(ProvenRecordSchema, { record: log.records[4]!, path: log.path(4) });
  const head = log.head(key);
  assert.equal(checkRecord(head, proven), undefined);
  assert.equal(checkRecord(key.sign({ ...head, seq: head.seq - 1n }), proven), AuditFault.BadRecord);
});

test("every leaf of every small tree is included, at its own place only", () => {
  const log = new Keeper(new Random(7));
  for (let size = 1; size <= 20; ++size) {
    const head = log.act().head(key);
    for (let at = 0; at < size; ++at) {
      const record = log.records[at];
      assert.ok(record);
      const proven = create(ProvenRecordSchema, { record, path: log.path(at) });
      assert.equal(checkRecord(head, proven), undefined, `${at} of ${size}`);
      const moved = { ...proven, record: { ...record, number: record.number + 1n } };
      assert.equal(checkRecord(head, moved), AuditFault.BadRecord);
      for (let gone = 0; gone < proven.path.length; ++gone) {
        const path = proven.path.filter((_, i) => i !== gone);
        assert.equal(checkRecord(head, { ...proven, path }), AuditFault.BadRecord);
      }
      const longer = { ...proven, path: [...proven.path, new Uint8Array(32)] };
      assert.equal(checkRecord(head, longer), AuditFault.BadRecord);
    }
  }
});

test("every small tree begins with every smaller one, and with no other", () => {
  const log = new Keeper(new Random(8)).act(17);
  const other = log.copy(new Random(80));
  const first = other.records[0];
  assert.ok(first);
  first.actor = new Uint8Array(32);
  other.chain(0);
  for (let from = 1; from <= 17; ++from) {
    for (let to = from; to <= 17; ++to) {
      const older = log.head(key, from);
      const newer = log.head(key, to);
      const path = log.consistency(from, to);
      assert.ok(isConsistent(older, newer, path), `${from} in ${to}`);
      assert.ok(!isConsistent(older, other.head(key, to), other.consistency(from, to)));
      assert.ok(!isConsistent(older, newer, [...path, new Uint8Array(32)]));
      if (path.length > 0) assert.ok(!isConsistent(older, newer, path.slice(1)));
      if (path.length > 0) assert.ok(!isConsistent(older, newer, path.slice(0, -1)));
      if (from < to) assert.ok(!isConsistent(newer, older, path));
    }
  }
});

test("a tree goes on in time: its last seq grows and its clock does not go back", () => {
  const log = new Keeper(new Random(9)).act(9);
  const older = log.head(key, 4);
  const newer = log.head(key, 9);
  const path = log.consistency(4, 9);
  assert.ok(!isConsistent(older, { ...newer, seq: older.seq }, path));
  assert.ok(!isConsistent(older, { ...newer, timeMs: older.timeMs - 1n }, path));
  assert.ok(!isConsistent(older, { ...newer, stream: { ...CLUB, id: 8n } }, path));
  assert.ok(!isConsistent({ ...older, size: 0n }, newer, path));
  assert.ok(!sameHead(older, newer));
});

test("a path is as long as its tree is high, even where the hashes would fit", () => {
  const [leaf, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const root = nodeOf(leaf, other);
  assert.ok(isIncluded(0n, 2n, leaf, [other], root));
  assert.ok(!isIncluded(0n, 3n, leaf, [other], root));
  assert.ok(!isIncluded(0n, 2n, leaf, [other, other], nodeOf(root, other)));
  assert.ok(!isIncluded(0n, 1n, leaf, [other], nodeOf(other, leaf)));
  assert.ok(!beginsWith({ size: 4n, root }, { size: 1n, root: leaf }, [other]));
  const more = nodeOf(root, other);
  assert.ok(!beginsWith({ size: 2n, root: more }, { size: 1n, root: leaf }, [other, other]));
  assert.ok(beginsWith({ size: 3n, root: more }, { size: 1n, root: leaf }, [other, other]));
  // Three leaves in four, and the same one level higher.
  const three = nodeOf(root, leaf);
  const four = nodeOf(root, nodeOf(leaf, other));
  assert.ok(beginsWith({ size: 4n, root: four }, { size: 3n, root: three }, [leaf, other, root]));
  const higher = [{ size: 4n, root: nodeOf(other, four) }, { size: 3n, root: nodeOf(other, three) }] as const;
  assert.ok(!beginsWith(...higher, [leaf, other, root, other]));
});

test("sizes and paths without measure are refused at once", () => {
  const leaf = new Uint8Array(32);
  const path = Array.from({ length: 100_000 }, () => leaf);
  assert.equal(isIncluded(0n, 2n ** 64n - 1n, leaf, path, leaf), false);
  assert.equal(isIncluded(2n ** 64n - 2n, 2n ** 64n - 1n, leaf, path, leaf), false);
  assert.equal(isIncluded(2n ** 64n - 1n, 2n ** 64n - 1n, leaf, path, leaf), false);
  const log = new Keeper(new Random(10)).act(3);
  const huge = { ...log.head(key), size: 2n ** 64n - 1n, seq: 2n ** 64n - 1n };
  assert.equal(isConsistent(log.head(key, 1), huge, path), false);
  assert.equal(isConsistent({ ...log.head(key, 1), size: 2n ** 64n - 2n }, huge, path), false);
});

test("an answer is its head's signature and all of its records", () => {
  const log = new Keeper(new Random(11)).act(7);
  const reply = create(GetAuditProofReplySchema, {
    head: log.head(key),
    records: [openedRecord(log, 1), openedRecord(log, 4)],
  });
  assert.equal(checkProof(reply), AuditFault.BadRecord);  // opened after the first was proven
  reply.head = log.head(key);
  reply.records = [1, 4].map((at) => create(ProvenRecordSchema, { record: log.records[at]!, path: log.path(at) }));
  assert.equal(checkProof(reply), undefined);
  assert.equal(checkProof({ ...reply, head: { ...log.head(key), epoch: 2n } }), AuditFault.BadSignature);
  assert.equal(checkProof(create(GetAuditProofReplySchema, { records: reply.records })), AuditFault.BadSignature);
  assert.equal(checkProof(create(GetAuditProofReplySchema)), undefined);
  assert.equal(checkProof(create(GetAuditProofReplySchema, { head: reply.head, records: [{}] })), AuditFault.BadRecord);
});
