// SPDX-License-Identifier: Apache-2.0
//
// What a server may send instead of sense: nothing throws, nothing hangs, nothing is pinned that was not signed.
import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { test } from "node:test";

import { AuditHeadSchema, AuditKeySchema, GetAuditKeysReplySchema } from "../gen/amicale/v1/audit_pb.js";
import { StreamKind } from "../gen/amicale/v1/common_pb.js";
import { ReplySchema, ServerFrameSchema } from "../gen/amicale/v1/frame_pb.js";
import {
  AuditFault, AuditFile, AuditWatch, isSigned, readAudit, readServerFrame, Stream,
} from "../src/index.js";
import { CLUB, flipped, Keeper, Random, SigningKey } from "./keeper.js";

const key = SigningKey.make(new Random(1000).noise(), 1n);
const club = Stream.from(CLUB);

function faultOf(watch: AuditWatch): AuditFault | undefined {
  const finding = watch.nextFinding();
  return finding?.kind === "alarm" ? finding.fault : undefined;
}

test("bytes that are no frame are no frame", () => {
  const random = new Random(1);
  const head = new Keeper(random).act(3).head(key);
  const good = toBinary(ServerFrameSchema, create(ServerFrameSchema, { auditHeads: [head] }));
  assert.equal(readServerFrame(good)?.auditHeads.length, 1);
  assert.equal(readServerFrame(good.subarray(0, -1)), undefined);
  assert.equal(readServerFrame(new Uint8Array(11).fill(255)), undefined);
  // A head that says it has 4 GiB of root, and groups within groups.
  assert.equal(readServerFrame(Uint8Array.of(0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f)), undefined);
  assert.equal(readServerFrame(new Uint8Array(1_000_000).fill(0x0b)), undefined);
  const watch = new AuditWatch();
  for (let times = 0; times < 600; ++times) {
    let bytes = flipped(good, random);
    for (let more = random.below(4); more > 0; --more) bytes = flipped(bytes, random);
    const frame = readServerFrame(bytes);
    for (const one of frame?.auditHeads ?? []) watch.take(one);
  }
  for (let one = watch.nextFinding(); one !== undefined; one = watch.nextFinding()) {
    if (one.kind === "checked") assert.ok(isSigned(one.head));
  }
});

test("a head without its parts, of the wrong length, or of a stream that has no log is not signed", () => {
  const good = new Keeper(new Random(2)).act(3).head(key);
  const none = new Uint8Array();
  for (const bad of [
    create(AuditHeadSchema), { ...good, root: none }, { ...good, root: new Uint8Array(31) },
    { ...good, root: new Uint8Array(1_000_000) }, { ...good, entryHash: new Uint8Array(33) },
    { ...good, publicKey: none }, { ...good, publicKey: new Uint8Array(33) },
    { ...good, signature: none }, { ...good, signature: new Uint8Array(65) },
    key.sign({ ...good, size: 0n }), key.sign({ ...good, stream: { ...CLUB, kind: StreamKind.ACCOUNT } }),
    key.sign({ ...good, stream: { ...CLUB, kind: StreamKind.DIRECT } }),
  ]) {
    const watch = new AuditWatch();
    watch.take(bad);
    assert.equal(faultOf(watch), AuditFault.BadSignature);
    assert.equal(watch.key, undefined);
    assert.equal(watch.nextRequest(), undefined);
  }
});

test("a reply of another kind, or one that nobody asked for, proves nothing", () => {
  const log = new Keeper(new Random(3)).act(3);
  const watch = new AuditWatch();
  watch.take(log.head(key));
  watch.nextFinding();
  watch.answered(club, create(ReplySchema));
  watch.answered(undefined, create(ReplySchema));
  watch.answered(Stream.club(9n), create(ReplySchema));
  watch.answered(Stream.account(9n), create(ReplySchema));
  assert.equal(watch.nextFinding(), undefined);
  watch.take(log.act().head(key));
  watch.answered(club, create(ReplySchema));  // not asked yet
  assert.equal(watch.nextFinding(), undefined);
  assert.ok(watch.nextRequest());
  watch.answered(club, create(ReplySchema));
  assert.equal(faultOf(watch), AuditFault.Rewritten);
  assert.equal(watch.pinned(club)?.size, 3n);
});

test("heads by many unknown keys are held back in number, and told once each stream", () => {
  const log = new Keeper(new Random(4)).act(3);
  const watch = new AuditWatch(key.publicKey);
  const random = new Random(5);
  for (let id = 1n; id <= 100n; ++id) {
    const other = SigningKey.make(random.noise(), 1n);
    watch.take(other.sign({ ...log.head(key), stream: { ...CLUB, id } }));
  }
  const ask = watch.nextRequest();
  assert.equal(ask?.frame.body.case, "getAuditKeys");
  assert.equal(watch.nextRequest(), undefined);
  watch.answered(undefined, log.answer(ask!.frame, key));
  let told = 0;
  for (let fault = faultOf(watch); fault !== undefined; fault = faultOf(watch)) {
    assert.equal(fault, AuditFault.UnknownKey);
    ++told;
  }
  assert.equal(told, 64);
});

test("a list of keys without measure is not followed", () => {
  const log = new Keeper(new Random(6)).act(3);
  const next = key.rotate(new Random(7).noise(), 2n);
  const [first, last] = next.keys;
  assert.ok(first && last);
  for (const [more, fault] of [[0, undefined], [100_000, AuditFault.UnknownKey]] as const) {
    const watch = new AuditWatch(key.publicKey);
    watch.take(log.head(next));
    watch.nextRequest();
    // Each hand-over is good; what comes after is never looked at.
    const after = Array.from({ length: more }, () => create(AuditKeySchema, last));
    const value = create(GetAuditKeysReplySchema, { keys: [first, last, ...after] });
    watch.answered(undefined, create(ReplySchema, { body: { case: "getAuditKeys", value } }));
    assert.equal(faultOf(watch), fault);
  }
});

test("whatever a file holds, it is read to a verdict", () => {
  const random = new Random(8);
  const seeds = ["{\"key\":{}}\n", "{\"head\":{\"stream\":{\"kind\":77}}}\n", "{}\n", "{\"record\":{}}\n"];
  for (const text of seeds) assert.ok(readAudit(Buffer.from(text), new AuditFile()));
  for (let times = 0; times < 2000; ++times) {
    const bytes = flipped(Buffer.from(seeds.join("")), random);
    assert.ok(readAudit(bytes, new AuditFile()));
  }
  assert.ok(readAudit(new Uint8Array(5_000_000), new AuditFile()));
  assert.ok(readAudit(new Uint8Array(5_000_000).fill(0x0a), new AuditFile()));
});
