// SPDX-License-Identifier: Apache-2.0
//
// What is hashed and what is signed, byte for byte; the grammar is at the top of audit.proto:
//
//   record     := "amicale audit record" 1:u8 stream.kind:u8 stream.id:u64 number:u64 seq:u64 time_ms:u64 act:u32 automatic:u8
//                 previous:32 entry_hash:32 actor:32 subject:32 details:32
//   leaf       := SHA256(0:u8 record)              node := SHA256(1:u8 left:32 right:32)
//   actor      := SHA256(2:u8 salt:32 account:u64) subject := SHA256(3:u8 salt:32 account:u64)
//   details    := SHA256(4:u8 salt:32 bytes)
//   head       := "amicale audit head" 1:u8 stream.kind:u8 stream.id:u64 epoch:u64 size:u64 root:32 seq:u64 entry_hash:32 time_ms:u64
//   hand-over  := "amicale audit key" 1:u8 previous public key:32 public key:32 since_ms:u64
import { sha256 } from "@noble/hashes/sha2.js";

import type { AuditHead, AuditKey, AuditRecord } from "../gen/amicale/v1/audit_pb.js";
import type { StreamId } from "../gen/amicale/v1/common_pb.js";
import { ascii, concat, u32, u64, u8 } from "./bytes.js";
import { Stream } from "./stream.js";

export const HASH_BYTES = 32;
const FORMAT = 1;

/** First byte of what is hashed. */
export const Label = { Leaf: 0, Node: 1, Actor: 2, Subject: 3, Details: 4 } as const;

const RECORD = ascii("amicale audit record");
const HEAD = ascii("amicale audit head");
const KEY = ascii("amicale audit key");

function streamBytes(id: StreamId | undefined): Uint8Array {
  const stream = Stream.from(id);
  return concat(u8(stream.kind), u64(stream.id));
}

/** Of a record whose hashes have their length: see `isWellFormed`. */
export function recordBytes(record: AuditRecord): Uint8Array {
  return concat(
    RECORD, u8(FORMAT), streamBytes(record.stream), u64(record.number), u64(record.seq),
    u64(record.timeMs), u32(record.act), u8(record.automatic ? 1 : 0), record.previous,
    record.entryHash, record.actor, record.subject, record.details,
  );
}

export function headBytes(head: AuditHead): Uint8Array {
  return concat(
    HEAD, u8(FORMAT), streamBytes(head.stream), u64(head.epoch), u64(head.size), head.root,
    u64(head.seq), head.entryHash, u64(head.timeMs),
  );
}

/** What `from` signs to hand over to `to`. */
export function handOverBytes(from: AuditKey, to: AuditKey): Uint8Array {
  return concat(KEY, u8(FORMAT), from.publicKey, to.publicKey, u64(to.sinceMs));
}

export function leafOf(record: AuditRecord): Uint8Array {
  return sha256(concat(u8(Label.Leaf), recordBytes(record)));
}

export function nodeOf(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(u8(Label.Node), left, right));
}

export function commitmentOf(
  label: typeof Label.Actor | typeof Label.Subject | typeof Label.Details,
  salt: Uint8Array,
  value: Uint8Array,
): Uint8Array {
  return sha256(concat(u8(label), salt, value));
}

// A stream's kind is one byte of what is hashed and signed: a greater one would stand for another.
function hasKindOfOneByte(id: StreamId | undefined): boolean {
  const { kind } = Stream.from(id);
  return kind >= 0 && kind <= 255;
}

/** Every field has its length and its range. */
export function isWellFormed(record: AuditRecord): boolean {
  return (
    hasKindOfOneByte(record.stream) && record.number > 0n && record.seq > 0n &&
    [record.previous, record.entryHash, record.actor, record.subject, record.details].every(
      (hash) => hash.length === HASH_BYTES,
    )
  );
}

/** As `isWellFormed`; the key and the signature are checked where the signature is. */
export function isWellFormedHead(head: AuditHead): boolean {
  return (
    hasKindOfOneByte(head.stream) && head.size > 0n && head.root.length === HASH_BYTES &&
    head.entryHash.length === HASH_BYTES
  );
}
