// SPDX-License-Identifier: Apache-2.0
//
// The provable log seen by a client whose operator cheats.
import assert from "node:assert/strict";
import { test } from "node:test";

import type { AuditHead } from "../gen/amicale/v1/audit_pb.js";
import { RefusalCode } from "../gen/amicale/v1/error_pb.js";
import {
  type AuditAlarm, AuditFault, type AuditFinding, AuditPins, AuditWatch, isSigned, sameHead, Stream,
} from "../src/index.js";
import { CLUB, Keeper, Random, refusal, SigningKey, tamper } from "./keeper.js";

const club = Stream.from(CLUB);

const key = SigningKey.make(new Random(1000).noise(), 1n);
const stranger = SigningKey.make(new Random(2000).noise(), 1n);

/** Asks `server` whatever the watch wants to know, and lists what it found. */
function settle(watch: AuditWatch, server: Keeper, by: SigningKey): AuditFinding[] {
  for (let ask = watch.nextRequest(); ask !== undefined; ask = watch.nextRequest()) {
    watch.answered(ask.stream, server.answer(ask.frame, by));
  }
  const found: AuditFinding[] = [];
  for (let one = watch.nextFinding(); one !== undefined; one = watch.nextFinding()) found.push(one);
  return found;
}

function alarmIn(found: readonly AuditFinding[]): AuditAlarm | undefined {
  return found.find((finding): finding is AuditAlarm => finding.kind === "alarm");
}

function faultIn(found: readonly AuditFinding[]): AuditFault | undefined {
  return alarmIn(found)?.fault;
}

function pinOf(watch: AuditWatch): AuditHead {
  const pin = watch.pinned(club);
  assert.ok(pin);
  return pin;
}

/** A watch that has pinned what `log` is now. */
function watching(log: Keeper, pins?: AuditPins): AuditWatch {
  const watch = new AuditWatch(undefined, pins);
  watch.take(log.head(key));
  assert.equal(faultIn(settle(watch, log, key)), undefined);
  return watch;
}

test("an honest log raises no alarm, however it grows and however late its heads come", () => {
  const random = new Random(1);
  for (let world = 0; world < 40; ++world) {
    const log = new Keeper(random);
    const watch = new AuditWatch();
    for (let step = 0; step < 12; ++step) {
      log.act(random.below(6) + (step === 0 ? 1 : 0));
      watch.take(log.head(key));
      // Sometimes many heads come before the first answer; sometimes the connection goes.
      if (random.below(3) === 0) continue;
      if (random.below(6) === 0) {
        watch.lost();
        continue;
      }
      assert.equal(faultIn(settle(watch, log, key)), undefined);
      if (random.below(3) === 0) {
        watch.takeFromProof(log.head(key, 1 + random.below(log.records.length)));
        assert.equal(faultIn(settle(watch, log, key)), undefined);
      }
    }
    watch.take(log.head(key));
    assert.equal(faultIn(settle(watch, log, key)), undefined);
    assert.equal(pinOf(watch).size, BigInt(log.records.length));
  }
});

test("flip, drop, swap, insert, truncate, fork, rewrite from k: each of 1,000 is detected", () => {
  const tried = new Map<string, number>();
  for (let seed = 0; seed < 1000; ++seed) {
    const random = new Random(seed);
    const log = new Keeper(random).act(2 + random.below(60));
    const watch = watching(log);
    const seen = pinOf(watch);

    const cheat = log.copy(new Random(seed + 5000));
    const way = tamper(cheat, log.records.length, random);
    tried.set(way, (tried.get(way) ?? 0) + 1);
    cheat.act(random.below(5));
    // The operator answers from the changed log, or with what was true of the old one.
    const server = random.below(4) === 0 ? log : cheat;
    let shown = cheat.head(key);
    watch.take(shown);
    let found = settle(watch, server, key);
    // A no is believed to be a mistake twice.
    for (let times = 0; server === log && alarmIn(found) === undefined && times < 2; ++times) {
      shown = cheat.act().head(key);
      watch.take(shown);
      found = settle(watch, log, key);
    }
    const alarm = alarmIn(found);
    assert.ok(alarm, `${way} with seed ${seed} went unseen`);
    const size = BigInt(cheat.records.length);
    if (size < seen.size) assert.equal(alarm.fault, AuditFault.Truncated);
    if (size === seen.size) assert.equal(alarm.fault, AuditFault.Fork);
    if (size > seen.size && !(server === log && alarm.fault === AuditFault.Withheld)) {
      assert.equal(alarm.fault, AuditFault.Rewritten);
    }
    // The pin stays, and both heads are there to show to others.
    assert.ok(sameHead(pinOf(watch), seen));
    assert.ok(alarm.pinned && sameHead(alarm.pinned, seen));
    assert.ok(isSigned(alarm.shown));
    // The same lie again is not told again; the truth is still the truth.
    watch.take(shown);
    assert.equal(faultIn(settle(watch, server, key)), undefined);
    log.act();
    watch.take(log.head(key));
    assert.equal(faultIn(settle(watch, log, key)), undefined);
    assert.equal(pinOf(watch).size, BigInt(log.records.length));
  }
  assert.equal(tried.size, 7);
  for (const [way, times] of tried) assert.ok(times > 100, way);
});

test("another key is trusted when the old one handed over to it, and not otherwise", () => {
  const log = new Keeper(new Random(5)).act(5);
  const watch = watching(log);
  const next = key.rotate(new Random(1001).noise(), 9n);
  watch.take(log.act().head(next));
  assert.equal(faultIn(settle(watch, log, next)), undefined);
  assert.deepEqual(watch.key, next.publicKey);
  assert.equal(pinOf(watch).size, 6n);

  watch.take(log.act().head(stranger));
  assert.equal(faultIn(settle(watch, log, stranger)), AuditFault.UnknownKey);
  assert.equal(pinOf(watch).size, 6n);
  // The old key signs no more.
  watch.take(log.head(key));
  settle(watch, log, next);
  assert.equal(pinOf(watch).size, 6n);
  // Who decides to go on, goes on.
  watch.accept(club);
  watch.take(log.head(stranger));
  assert.equal(faultIn(settle(watch, log, stranger)), undefined);
  assert.deepEqual(watch.key, stranger.publicKey);
});

test("a hand-over that is missing or forged in the middle of the chain ends it", () => {
  const log = new Keeper(new Random(15)).act(3);
  const second = key.rotate(new Random(1001).noise(), 2n);
  const third = second.rotate(new Random(1002).noise(), 3n);
  for (const broken of ["none", "gone", "forged"]) {
    const watch = watching(log);
    watch.take(log.head(third));
    const ask = watch.nextRequest();
    assert.ok(ask);
    const reply = log.answer(ask.frame, third);
    assert.equal(reply.body.case, "getAuditKeys");
    if (reply.body.case !== "getAuditKeys") return;
    const { keys } = reply.body.value;
    if (broken === "gone") keys.splice(1, 1);
    if (broken === "forged" && keys[1]) keys[1] = { ...keys[1], sinceMs: 4n };
    watch.answered(ask.stream, reply);
    const found = settle(watch, log, third);
    assert.equal(faultIn(found), broken === "none" ? undefined : AuditFault.UnknownKey);
  }
});

test("a key that was given is held to from the first head on", () => {
  const log = new Keeper(new Random(6)).act();
  const watch = new AuditWatch(key.publicKey);
  watch.take(log.head(stranger));
  assert.equal(faultIn(settle(watch, log, stranger)), AuditFault.UnknownKey);
  assert.equal(watch.pinned(club), undefined);
});

test("a log that went back is told as that, and only another epoch excuses it", () => {
  const log = new Keeper(new Random(7)).act(8);
  const watch = watching(log);
  // A restore that lost nothing: the next epoch goes on.
  watch.take(log.head(key, 8, 2n));
  assert.equal(faultIn(settle(watch, log, key)), undefined);
  assert.equal(pinOf(watch).epoch, 2n);
  // One that lost the last three acts.
  const older = log.copy(new Random(70)).cut(5);
  watch.take(older.head(key, 5, 3n));
  assert.equal(faultIn(settle(watch, older, key)), AuditFault.Restored);
  older.act(6);
  const last = older.records.at(-1);
  assert.ok(last);
  last.seq += 40n;
  older.chain(5);
  const second = watching(log);
  second.take(older.head(key, 11, 3n));
  assert.equal(faultIn(settle(second, older, key)), AuditFault.Restored);
  // The same under the same epoch is a rewriting.
  const third = watching(log);
  third.take(older.head(key, 11));
  assert.equal(faultIn(settle(third, older, key)), AuditFault.Rewritten);
});

test("a proof that is refused is withheld; a server that is busy is asked again", () => {
  const log = new Keeper(new Random(8)).act(3);
  const watch = watching(log);
  for (let times = 1; times <= 6; ++times) {
    watch.take(log.act().head(key));
    const ask = watch.nextRequest();
    assert.ok(ask);
    watch.answered(ask.stream, refusal(RefusalCode.OVERLOADED));
    const finding = watch.nextFinding();
    assert.equal(finding !== undefined, times === 6);
    if (finding) assert.equal(faultIn([finding]), AuditFault.Withheld);
  }
  watch.take(log.act().head(key));
  assert.equal(faultIn(settle(watch, log, key)), undefined);
  assert.equal(pinOf(watch).size, BigInt(log.records.length));
});

test("keys that are refused are withheld, after as many tries", () => {
  const log = new Keeper(new Random(18)).act(3);
  const watch = watching(log);
  for (let times = 1; times <= 3; ++times) {
    watch.take(log.act().head(stranger));
    const ask = watch.nextRequest();
    assert.equal(ask?.frame.body.case, "getAuditKeys");
    watch.answered(undefined, refusal(RefusalCode.FORBIDDEN));
    const finding = watch.nextFinding();
    assert.equal(finding?.kind === "alarm" ? finding.fault : undefined,
      times === 3 ? AuditFault.Withheld : undefined);
  }
});

test("what was pinned outlives the program, as a text", () => {
  const log = new Keeper(new Random(9)).act(6);
  let text = "";
  watching(log, new AuditPins("", (changed) => { text = changed; }));
  assert.equal(text.split("\n").length, 3);
  const kept = new AuditPins(text);
  assert.deepEqual(kept.loadKey(), key.publicKey);
  assert.equal(kept.text, text);
  const cheat = log.copy(new Random(90));
  const record = cheat.records[2];
  assert.ok(record);
  record.details = new Uint8Array(32).fill(120);
  cheat.chain(2).act();
  const watch = new AuditWatch(undefined, kept);
  watch.take(cheat.head(key));
  assert.equal(faultIn(settle(watch, cheat, key)), AuditFault.Rewritten);
});

test("pins that are no text of ours, or not signed, are as if they were not there", () => {
  const log = new Keeper(new Random(10)).act(4);
  const pins = new AuditPins();
  pins.save({ ...log.head(key), size: 10n });
  assert.ok(new AuditPins(pins.text).load(club) === undefined);
  pins.save(log.head(key));
  pins.saveKey(key.publicKey);
  const good = new AuditPins(pins.text);
  assert.ok(sameHead(good.load(club) ?? log.head(stranger, 1), log.head(key)));
  assert.equal(good.load(Stream.club(8n)), undefined);
  for (const text of ["\n\n", "{}", "[", "null", pins.text.replaceAll("\n", " \n"), "\u0000"]) {
    assert.equal(new AuditPins(text).load(club), undefined);
    assert.equal(new AuditPins(text).loadKey(), undefined);
  }
});

test("a pinned head does not change with the message that it came in", () => {
  const log = new Keeper(new Random(11)).act(4);
  const watch = new AuditWatch();
  const head = log.head(key);
  watch.take(head);
  head.size = 9n;
  assert.equal(pinOf(watch).size, 4n);
});

test("ids and sizes beyond what a number holds are told apart", () => {
  const watch = new AuditWatch();
  const log = new Keeper(new Random(12)).act(2);
  for (const id of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    const head = log.head(key);
    watch.take(key.sign({ ...head, stream: { ...CLUB, id }, size: 2n ** 63n + id % 2n }));
    const pin = watch.pinned(Stream.club(id));
    assert.equal(pin?.size, 2n ** 63n + id % 2n);
  }
  assert.equal(faultIn(settle(watch, log, key)), undefined);
  watch.take(key.sign({ ...log.head(key), stream: { ...CLUB, id: 2n ** 53n }, size: 2n ** 63n + 1n }));
  const ask = watch.nextRequest();
  assert.equal(ask?.frame.body.case, "getAuditConsistency");
  if (ask?.frame.body.case !== "getAuditConsistency") return;
  assert.equal(ask.frame.body.value.fromSize, 2n ** 63n);
  assert.equal(ask.frame.body.value.toSize, 2n ** 63n + 1n);
});
