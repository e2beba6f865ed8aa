// SPDX-License-Identifier: Apache-2.0
//
// Exported files, as messages and as text.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";

import { type AuditLine, AuditLineSchema } from "../gen/amicale/v1/audit_pb.js";
import {
  AUDIT_LINE_BYTES, AuditFault, AuditFile, type AuditFileFinding, auditHeadOf, AuditReader,
  fromAuditLine, readAudit, sameHead, toAuditLine, type Trusted,
} from "../src/index.js";
import { flipped, Keeper, Random, SigningKey, tamper } from "./keeper.js";

const key = SigningKey.make(new Random(1000).noise(), 1n);
const stranger = SigningKey.make(new Random(2000).noise(), 1n);

function lineOf(line: AuditLine["line"]): AuditLine {
  return create(AuditLineSchema, { line });
}

function begin(log: Keeper, by: SigningKey): AuditLine[] {
  return [
    ...by.keys.map((one) => lineOf({ case: "key", value: one })),
    lineOf({ case: "head", value: log.head(by) }),
  ];
}

function recordLine(log: Keeper, at: number, path: Uint8Array[]): AuditLine {
  const record = log.records[at];
  assert.ok(record);
  return create(AuditLineSchema, { line: { case: "record", value: { record, path } } });
}

function exportOf(log: Keeper, by: SigningKey): AuditLine[] {
  return [...begin(log, by), ...log.records.map((_, at) => recordLine(log, at, []))];
}

function proofOf(log: Keeper, by: SigningKey, places: readonly number[]): AuditLine[] {
  return [...begin(log, by), ...places.map((at) => recordLine(log, at, log.path(at)))];
}

function check(lines: readonly AuditLine[], trusted: Trusted = {}): AuditFault | undefined {
  const file = new AuditFile(trusted);
  for (const line of lines) {
    const fault = file.take(line);
    if (fault !== undefined) return fault;
  }
  return file.finish();
}

function textOf(lines: readonly AuditLine[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${toAuditLine(line)}\n`).join(""));
}

test("an export is good, and any change of any line of it is found without the network", () => {
  const second = key.rotate(new Random(1001).noise(), 2n);
  const third = second.rotate(new Random(1002).noise(), 3n);
  let changed = 0;
  for (let seed = 0; seed < 1000; ++seed) {
    const random = new Random(seed);
    const log = new Keeper(random).act(2 + random.below(20));
    const good = exportOf(log, third);
    if (seed % 10 === 0) assert.equal(check(good), undefined);
    const lines = [...good];
    const at = random.below(lines.length);
    const line = lines[at];
    const other = lines[(at + 1) % lines.length];
    assert.ok(line && other);
    switch (random.below(5)) {
      case 0: {
        const bytes = toBinary(AuditLineSchema, line);
        try {
          lines[at] = fromBinary(AuditLineSchema, flipped(bytes, random));
        } catch {
          continue;
        }
        // The library reads over a wrong wire type: then nothing was changed.
        if (Buffer.compare(toBinary(AuditLineSchema, lines[at]!), bytes) === 0) continue;
        break;
      }
      case 1: lines.splice(4 + random.below(log.records.length), 1); break;
      case 2: [lines[at], lines[(at + 1) % lines.length]] = [other, line]; break;
      case 3: lines.splice(at, 0, line); break;
      default: lines.length = at; break;
    }
    assert.ok(check(lines), `seed ${seed}`);
    ++changed;
  }
  assert.ok(changed > 850);
});

test("an export that was made anew by who has the key is found by what was pinned before", () => {
  for (let seed = 0; seed < 100; ++seed) {
    const random = new Random(seed);
    const log = new Keeper(random).act(2 + random.below(30));
    const pinned = log.head(key);
    const cheat = log.copy(random);
    const way = tamper(cheat, log.records.length, random);
    if (cheat.records.length < 2) continue;
    // As a whole it is without a flaw, if its seqs still ascend.
    cheat.records.sort((a, b) => Number(a.seq - b.seq));
    cheat.chain(0);
    assert.ok(check(exportOf(cheat, key), { pinned }), `${way} with seed ${seed}`);
    assert.equal(check(exportOf(log, key), { pinned }), undefined);
    assert.equal(check(exportOf(log.act(), key), { pinned }), undefined);
  }
});

test("each way to change the past has its name", () => {
  const log = new Keeper(new Random(13)).act(8);
  const pinned = log.head(key);
  const shorter = log.copy(new Random(14)).cut(5);
  assert.equal(check(exportOf(shorter, key), { pinned }), AuditFault.Truncated);
  const other = shorter.act(5);
  assert.equal(check(exportOf(other, key), { pinned }), AuditFault.Rewritten);
  const elsewhere = { ...pinned, epoch: 2n };
  assert.equal(check(exportOf(other, key), { pinned: elsewhere }), AuditFault.Restored);
  assert.equal(check(exportOf(log.copy(new Random(15)).cut(5), key), { pinned: elsewhere }), AuditFault.Restored);
  assert.equal(check(exportOf(log, key).slice(0, -1)), AuditFault.Truncated);
  const club8 = { ...pinned, stream: { ...pinned.stream!, id: 8n } };
  assert.equal(check(exportOf(log, key), { pinned: club8 }), AuditFault.BadRecord);
});

test("an export is a chain too: each record names the leaf before", () => {
  const log = new Keeper(new Random(21)).act(6);
  const record = log.records[3];
  assert.ok(record);
  record.previous = new Uint8Array(32);
  assert.equal(check(exportOf(log.rehash(), key)), AuditFault.BadRecord);
});

test("an export by a key that is not the trusted one is refused", () => {
  const log = new Keeper(new Random(11)).act(4);
  const lines = exportOf(log, key);
  assert.equal(check(lines, { key: key.publicKey }), undefined);
  assert.equal(check(lines, { key: stranger.publicKey }), AuditFault.UnknownKey);
  assert.equal(check([]), AuditFault.Truncated);
  // Handed over to, the old one is trusted still; and the last key signs.
  const next = key.rotate(new Random(1001).noise(), 2n);
  assert.equal(check(exportOf(log, next), { key: key.publicKey }), undefined);
  const [first, second] = exportOf(log, next);
  assert.ok(first && second);
  assert.equal(check([first, second, ...lines.slice(1)]), AuditFault.UnknownKey);
});

test("a proof of some records is a file too, and tells nothing about the others", () => {
  const log = new Keeper(new Random(12)).act(20);
  const lines = proofOf(log, key, [3, 11, 19]);
  const reading = new AuditFile();
  for (const line of lines) assert.equal(reading.take(line), undefined);
  assert.equal(reading.finish(), undefined);
  assert.equal(reading.isWhole, false);
  assert.equal(reading.records, 3n);
  assert.equal(check([...lines.slice(0, 3), ...lines.slice(4)]), undefined);
  const [keyLine, head, one, two] = lines;
  assert.ok(keyLine && head && one && two);
  assert.equal(check([keyLine, head, two, one]), AuditFault.BadRecord);
  assert.equal(check([keyLine, head, one, one]), AuditFault.BadRecord);
  assert.equal(check([keyLine, head]), AuditFault.Truncated);
});

test("a line of an export comes back as it was, and is written in one way only", () => {
  const log = new Keeper(new Random(16)).act(3);
  for (const line of [...exportOf(log, key), ...proofOf(log, key, [1])]) {
    const text = toAuditLine(line);
    const back = fromAuditLine(text);
    assert.ok(back);
    assert.deepEqual(toBinary(AuditLineSchema, back), toBinary(AuditLineSchema, line));
    for (const other of [` ${text}`, `${text} `, `${text}{}`, `\ufeff${text}`, text.replace(":", ": ")]) {
      assert.equal(fromAuditLine(other), undefined);
    }
    for (const [field, value] of [["\"seq\":\"", "\"seq\":\"0"], ["_", "\\u005f"], ["{", "{\"x\":1,"]] as const) {
      if (text.includes(field)) assert.equal(fromAuditLine(text.replace(field, value)), undefined);
    }
  }
  for (const text of [
    "", "{", "null", "1", "[]", "\"\"", "{\"key\":{}, \"key\":{}}", "{\"unknown\":1}", "{\"key\":null}",
    "{\"key\":[]}", "{\"__proto__\":{}}", "{\"key\":{\"public_key\":\"?\"}}", "{\"head\":{\"size\":\"-1\"}}",
    "{\"head\":{\"size\":\"18446744073709551616\"}}", "{\"head\":{\"size\":1}}", "{\"head\":{\"size\":1.5}}",
    "{\"record\":{\"record\":{\"act\":4294967296}}}", "{\"record\":{\"path\":[null]}}",
    "[".repeat(AUDIT_LINE_BYTES), "{\"key\":".repeat(100_000), " ".repeat(AUDIT_LINE_BYTES + 1),
  ]) {
    assert.equal(fromAuditLine(text), undefined, text.slice(0, 40));
  }
});

test("the same verdict, in whatever pieces a file comes", () => {
  const bytes = textOf(exportOf(new Keeper(new Random(17)).act(4), key));
  const broken = Uint8Array.from(bytes);
  broken[900] = (broken[900] ?? 0) ^ 1;
  for (const whole of [bytes, broken]) {
    const expected = readAudit(whole, new AuditFile());
    for (const piece of [1, 7, 64, 1000, whole.length]) {
      const reader = new AuditReader(new AuditFile());
      for (let at = 0; at < whole.length; at += piece) reader.take(whole.subarray(at, at + piece));
      assert.deepEqual(reader.finish(), expected, `pieces of ${piece}`);
    }
  }
  assert.equal(readAudit(bytes, new AuditFile()), undefined);
  assert.ok(readAudit(broken, new AuditFile()));
});

test("no bit of a file can be changed", () => {
  const log = new Keeper(new Random(18)).act(5);
  for (const lines of [exportOf(log, key), proofOf(log, key, [0, 3])]) {
    const bytes = textOf(lines);
    for (let at = 0; at < bytes.length; at += 11) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      assert.ok(readAudit(changed, new AuditFile()), `byte ${at}`);
    }
  }
});

test("a file that ends in the middle of a line, or has a line too long, is told with its place", () => {
  const lines = exportOf(new Keeper(new Random(19)).act(2), key);
  const text = Buffer.from(textOf(lines.slice(0, 1)));
  const finding = (...parts: (Uint8Array | string)[]): AuditFileFinding | undefined =>
    readAudit(Buffer.concat(parts.map((part) => Buffer.from(part as string))), new AuditFile());
  const bad = (line: number, fault: AuditFault) => ({ line, fault });
  assert.deepEqual(finding(text.subarray(0, -1)), bad(1, AuditFault.BadRecord));
  assert.deepEqual(finding(text, "x".repeat(AUDIT_LINE_BYTES + 1), "\n"), bad(2, AuditFault.BadRecord));
  assert.deepEqual(finding(text, "x".repeat(3 * AUDIT_LINE_BYTES)), bad(2, AuditFault.BadRecord));
  assert.deepEqual(finding(text), bad(2, AuditFault.Truncated));
  assert.deepEqual(finding(), bad(1, AuditFault.Truncated));
  assert.deepEqual(finding("\n"), bad(1, AuditFault.BadRecord));
  assert.deepEqual(finding("\ufeff", text), bad(1, AuditFault.BadRecord));
  assert.deepEqual(finding(Buffer.of(0xff, 0x0a)), bad(1, AuditFault.BadRecord));
  assert.deepEqual(finding(text, text), bad(2, AuditFault.UnknownKey));
});

test("a file's head is found without checking, for a pin", () => {
  const log = new Keeper(new Random(20)).act(3);
  const found = auditHeadOf(textOf(exportOf(log, key)));
  assert.ok(found && sameHead(found, log.head(key)));
  const [first, , record] = exportOf(log, key);
  assert.ok(first && record);
  for (const bytes of [textOf([first]), textOf([record, ...begin(log, key)]), Buffer.from("x\n"), Buffer.of(0xff, 0x0a), Buffer.of()]) {
    assert.equal(auditHeadOf(bytes), undefined);
  }
});
