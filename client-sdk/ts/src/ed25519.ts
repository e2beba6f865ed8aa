// SPDX-License-Identifier: Apache-2.0
//
// Ed25519 signatures (RFC 8032), judged as the C++ SDK's OpenSSL judges them.
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, toHex } from "./bytes.js";

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

function numberOf(littleEndian: Uint8Array): bigint {
  let value = 0n;
  for (let i = littleEndian.length - 1; i >= 0; --i) {
    value = (value << 8n) | BigInt(littleEndian[i] ?? 0);
  }
  return value;
}

type Point = InstanceType<typeof Point>;

// The keys met last, unpacked. A site signs everything by one key: a table of its multiples makes each check three times as fast,
// and is worth making for a key that comes again and again.
const KNOWN_KEYS = 8;
const TABLE_AFTER = 8;  // checks
const known = new Map<string, { readonly point: Point | undefined; checks: number }>();

/** Undefined when the bytes are no key. A point of small order, which signs everything, is none. */
function pointOf(key: Uint8Array): Point | undefined {
  const name = toHex(key);
  const met = known.get(name) ?? { point: unpacked(key), checks: 0 };
  known.delete(name);
  known.set(name, met);  // the last of the list
  if (known.size > KNOWN_KEYS) known.delete([...known.keys()][0] ?? name);
  if (++met.checks === TABLE_AFTER) met.point?.precompute(4);
  return met.point;
}

function unpacked(key: Uint8Array): Point | undefined {
  try {
    const point = Point.fromBytes(key);
    return point.isSmallOrder() ? undefined : point;
  } catch {
    return undefined;  // on no curve, or written in another way than the one
  }
}

/**
 * Whether `key` signed `bytes`. Any lengths; never throws. About a millisecond.
 *
 * The equation is RFC 8032's without the cofactor, R = [S]B - [k]A, compared as bytes. The library's own `verify` has it with
 * the cofactor: whoever holds the key could make signatures that it takes and that OpenSSL does not, so that what a browser
 * pinned would be no evidence elsewhere.
 */
export function isSignature(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const r = signature.subarray(0, 32);
  const s = numberOf(signature.subarray(32));
  if (s >= ORDER) return false;
  const point = pointOf(key);
  if (point === undefined) return false;
  const k = numberOf(sha512(concat(r, key, bytes))) % ORDER;
  return equal(Point.BASE.multiplyUnsafe(s).subtract(point.multiplyUnsafe(k)).toBytes(), r);
}
