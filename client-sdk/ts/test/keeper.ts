// SPDX-License-Identifier: Apache-2.0
//
// A site whose operator may cheat: holds the key, rebuilds the tree over whatever was changed, signs it, and proves what can be
// proved of it. Shares no code with what it tests: bytes are laid by Node's Buffer, hashed and signed by OpenSSL.
import { create } from "@bufbuild/protobuf";
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

import {
  type AuditHead, AuditHeadSchema, type AuditKey, AuditKeySchema, type AuditRecord,
  AuditRecordSchema, GetAuditConsistencyReplySchema, GetAuditKeysReplySchema,
} from "../gen/amicale/v1/audit_pb.js";
import { type StreamId, StreamIdSchema, StreamKind } from "../gen/amicale/v1/common_pb.js";
import { RefusalCode } from "../gen/amicale/v1/error_pb.js";
import { EventSchema } from "../gen/amicale/v1/event_pb.js";
import { type ClientFrame, type Reply, ReplySchema } from "../gen/amicale/v1/frame_pb.js";

/** SplitMix64: the same sequence for the same seed. */
export class Random {
  private state: bigint;

  constructor(seed: number) {
    this.state = BigInt(seed);
  }
  next(): bigint {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }
  below(bound: number): number {
    return Number(this.next() % BigInt(bound));
  }
  noise(): Uint8Array {
    const bytes = Buffer.alloc(32);
    for (let at = 0; at < 32; at += 8) bytes.writeBigUInt64BE(this.next(), at);
    return new Uint8Array(bytes);
  }
}

export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function bigEndian(value: bigint, bytes = 8): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * bytes, "0"), "hex");
}

function streamBytes(stream: StreamId | undefined): Buffer {
  return Buffer.concat([Buffer.of(stream?.kind ?? 0), bigEndian(stream?.id ?? 0n)]);
}

export function leafOf(record: AuditRecord): Uint8Array {
  return sha256(
    Buffer.of(0), Buffer.from("amicale audit record\x01"), streamBytes(record.stream),
    bigEndian(record.number), bigEndian(record.seq), bigEndian(record.timeMs),
    bigEndian(BigInt(record.act), 4), Buffer.of(record.automatic ? 1 : 0), record.previous,
    record.entryHash, record.actor, record.subject, record.details,
  );
}

/** Ed25519 keys as OpenSSL keeps them. */
export class SigningKey {
  private constructor(private readonly secret: KeyObject, readonly keys: readonly AuditKey[]) {}

  static make(seed: Uint8Array, sinceMs: bigint): SigningKey {
    const secret = secretOf(seed);
    const publicKey = publicOf(secret);
    const signature = sign(null, handOver(publicKey, publicKey, sinceMs), secret);
    return new SigningKey(secret, [create(AuditKeySchema, { publicKey, sinceMs, signature })]);
  }
  /** The same site with another key, which this one signs. */
  rotate(seed: Uint8Array, sinceMs: bigint): SigningKey {
    const secret = secretOf(seed);
    const publicKey = publicOf(secret);
    const signature = sign(null, handOver(this.publicKey, publicKey, sinceMs), this.secret);
    const key = create(AuditKeySchema, { publicKey, sinceMs, signature });
    return new SigningKey(secret, [...this.keys, key]);
  }
  get publicKey(): Uint8Array {
    return this.keys.at(-1)?.publicKey ?? new Uint8Array();
  }
  sign(head: AuditHead): AuditHead {
    head.publicKey = this.publicKey;
    const bytes = Buffer.concat([
      Buffer.from("amicale audit head\x01"), streamBytes(head.stream), bigEndian(head.epoch),
      bigEndian(head.size), head.root, bigEndian(head.seq), head.entryHash, bigEndian(head.timeMs),
    ]);
    head.signature = new Uint8Array(sign(null, bytes, this.secret));
    return head;
  }
}

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

function secretOf(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

function publicOf(secret: KeyObject): Uint8Array {
  const der = createPublicKey(secret).export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(-32));
}

function handOver(from: Uint8Array, to: Uint8Array, sinceMs: bigint): Buffer {
  return Buffer.concat([Buffer.from("amicale audit key\x01"), from, to, bigEndian(sinceMs)]);
}

export const CLUB: StreamId = create(StreamIdSchema, { kind: StreamKind.CLUB, id: 7n });

/** A list of records with the tree over it, word for word as RFC 6962 defines it: slow, and plainly right. */
export class Keeper {
  records: AuditRecord[] = [];
  private leaves: Uint8Array[] = [];

  constructor(private random: Random) {}

  copy(random: Random): Keeper {
    const other = new Keeper(random);
    other.records = this.records.map((record) => ({ ...record }));
    other.leaves = [...this.leaves];
    return other;
  }

  act(times = 1): this {
    for (; times > 0; --times) {
      const before = this.records.at(-1)?.seq;
      const seq = before === undefined ? 1n : before + 1n + BigInt(this.random.below(5));
      this.records.push(create(AuditRecordSchema, {
        stream: CLUB,
        seq,
        timeMs: 1000n + seq,
        act: EventSchema.field["memberChanged"]?.number ?? 0,
        entryHash: this.random.noise(),
        actor: this.random.noise(),
        subject: this.random.noise(),
        details: this.random.noise(),
      }));
      this.chain(this.records.length - 1);
    }
    return this;
  }
  /** Makes everything from `from` on fit together again: numbers, chain, leaves. */
  chain(from: number): this {
    this.leaves.length = Math.min(this.leaves.length, from);
    for (const [i, record] of this.records.entries()) {
      if (i < from) continue;
      record.number = BigInt(i + 1);
      record.previous = this.leaves[i - 1] ?? new Uint8Array(32);
      this.leaves.push(leafOf(record));
    }
    return this;
  }
  /** The leaves of the records as they are, whether they fit together or not. */
  rehash(): this {
    this.leaves = this.records.map(leafOf);
    return this;
  }
  cut(size: number): this {
    this.records.length = size;
    return this.chain(0);
  }

  root(from: number, to: number): Uint8Array {
    if (to - from === 1) return this.leaves[from] ?? new Uint8Array();
    const k = from + split(to - from);
    return sha256(Buffer.of(1), this.root(from, k), this.root(k, to));
  }
  path(m: number, from = 0, to = this.records.length): Uint8Array[] {
    if (to - from === 1) return [];
    const k = from + split(to - from);
    return m < k
      ? [...this.path(m, from, k), this.root(k, to)]
      : [...this.path(m, k, to), this.root(from, k)];
  }
  consistency(m: number, to: number, from = 0, whole = true): Uint8Array[] {
    if (m === to) return whole ? [] : [this.root(from, to)];
    const k = from + split(to - from);
    return m <= k
      ? [...this.consistency(m, k, from, whole), this.root(k, to)]
      : [...this.consistency(m, to, k, false), this.root(from, k)];
  }

  head(key: SigningKey, size = this.records.length, epoch = 1n): AuditHead {
    const last = this.records[size - 1];
    if (last === undefined) throw new Error("no tree has this size");
    return key.sign(create(AuditHeadSchema, {
      stream: CLUB,
      epoch,
      size: BigInt(size),
      root: this.root(0, size),
      seq: last.seq,
      entryHash: last.entryHash,
      timeMs: last.timeMs,
    }));
  }

  /** Answers like a server that has this log. */
  answer(request: ClientFrame, key: SigningKey): Reply {
    if (request.body.case === "getAuditKeys") {
      const value = create(GetAuditKeysReplySchema, { keys: [...key.keys] });
      return create(ReplySchema, { body: { case: "getAuditKeys", value } });
    }
    if (request.body.case !== "getAuditConsistency") throw new Error("not a watch's request");
    const { fromSize, toSize } = request.body.value;
    if (fromSize === 0n || fromSize > toSize || toSize > BigInt(this.records.length)) {
      return refusal(RefusalCode.NOT_FOUND);
    }
    const value = create(GetAuditConsistencyReplySchema, {
      path: this.consistency(Number(fromSize), Number(toSize)),
    });
    return create(ReplySchema, { body: { case: "getAuditConsistency", value } });
  }
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

export function refusal(code: RefusalCode): Reply {
  return create(ReplySchema, { refusal: { code } });
}

const WAYS = ["flip", "drop", "swap", "insert", "truncate", "rewrite", "fork"] as const;

/** One of seven ways to cheat about the first `seen` records. Answers its name. */
export function tamper(log: Keeper, seen: number, random: Random): string {
  const k = random.below(seen);
  const { records } = log;
  const record = records[k];
  const way = WAYS[random.below(WAYS.length)];
  if (record === undefined || way === undefined) throw new Error("nothing to cheat about");
  switch (way) {
    case "flip": {
      const field = (["entryHash", "actor", "subject", "details"] as const)[random.below(4)];
      if (field !== undefined) record[field] = flipped(record[field], random);
      log.chain(k);
      break;
    }
    case "drop":
      records.splice(k, 1);
      log.chain(k);
      break;
    case "swap": {
      const at = (k + 1 + random.below(seen - 1)) % seen;
      const other = records[at];
      if (other === undefined) throw new Error("no such record");
      [record.details, other.details] = [other.details, record.details];
      [record.subject, other.subject] = [other.subject, record.subject];
      log.chain(Math.min(k, at));
      break;
    }
    case "insert":
      records.splice(k, 0, { ...record, details: random.noise() });
      log.chain(k);
      break;
    case "truncate":
      log.cut(Math.max(k, 1));
      break;
    case "rewrite":
      for (const later of records.slice(k)) later.subject = random.noise();
      log.chain(k);
      break;
    case "fork": {
      const size = records.length;
      log.cut(Math.max(k, 1));
      log.act(size - log.records.length);
      break;
    }
  }
  return way;
}

/** The same bytes but for one bit. */
export function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const other = Uint8Array.from(bytes);
  const at = random.below(other.length);
  other[at] = (other[at] ?? 0) ^ (1 << random.below(8));
  return other;
}

