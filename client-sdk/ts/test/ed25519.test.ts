// SPDX-License-Identifier: Apache-2.0
//
// Signatures, beside OpenSSL, which the C++ SDK uses.
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";

import { fromHex, isSignature } from "../src/index.js";
import { flipped, Random } from "./keeper.js";

const { Point } = ed25519;
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function openSsl(key: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const der = Buffer.concat([SPKI, key]);
    return verify(null, bytes, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
  } catch {
    return false;
  }
}

function numberOf(littleEndian: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(littleEndian).reverse().toString("hex")}`);
}

function scalarBytes(value: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse());
}

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  assert.ok(bytes);
  return bytes;
}

test("the signatures of RFC 8032, 7.1", () => {
  for (const [key, message, signature] of [
    ["d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b" +
      "d25bf5f0595bbe24655141438e7a100b"],
    ["3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c" +
      "387b2eaeb4302aeeb00d291612bb0c00"],
    ["fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659" +
      "4a7c15e9716ed28dc027beceea1ec40a"],
  ] as const) {
    assert.ok(isSignature(hex(key), hex(message), hex(signature)));
  }
});

test("whatever is changed, the verdict is OpenSSL's", () => {
  const random = new Random(1);
  for (let times = 0; times < 100; ++times) {
    const secret = random.noise();
    const key = ed25519.getPublicKey(secret);
    const bytes = random.noise().subarray(0, random.below(32));
    const signature = ed25519.sign(bytes, secret);
    assert.ok(isSignature(key, bytes, signature) && openSsl(key, bytes, signature));
    const otherKey = flipped(key, random);
    const other = flipped(signature, random);
    assert.equal(isSignature(otherKey, bytes, signature), openSsl(otherKey, bytes, signature));
    assert.equal(isSignature(key, bytes, other), openSsl(key, bytes, other));
    assert.equal(isSignature(key, bytes, other), false);
    // S + L: the same number, written in another way.
    const s = numberOf(signature.subarray(32)) + Point.Fn.ORDER;
    const longer = Buffer.concat([signature.subarray(0, 32), scalarBytes(s)]);
    assert.equal(isSignature(key, bytes, longer), false);
    assert.equal(openSsl(key, bytes, longer), false);
  }
});

test("a key that comes again and again is judged as at first", () => {
  const random = new Random(4);
  const secrets = Array.from({ length: 12 }, () => random.noise());
  for (let round = 0; round < 12; ++round) {
    for (const secret of round < 6 ? secrets : secrets.slice(0, 3)) {
      const bytes = random.noise();
      const signature = ed25519.sign(bytes, secret);
      assert.ok(isSignature(ed25519.getPublicKey(secret), bytes, signature));
      assert.ok(!isSignature(ed25519.getPublicKey(secret), bytes, flipped(signature, random)));
    }
  }
});

test("a signature that only holds by the cofactor is none, as OpenSSL says", () => {
  // A point of order eight: the whole group's elements times the large prime.
  const small = torsion();
  const random = new Random(2);
  let apart = 0;
  for (let times = 0; times < 40; ++times) {
    const a = numberOf(random.noise()) % Point.Fn.ORDER;
    const r = numberOf(random.noise()) % Point.Fn.ORDER;
    const bytes = random.noise();
    // By who holds the key: the torsion is in the key, in R, or in both.
    const key = Point.BASE.multiply(a).add(times % 3 === 0 ? Point.ZERO : small).toBytes();
    const first = Point.BASE.multiply(r).add(times % 3 === 1 ? Point.ZERO : small).toBytes();
    const k = numberOf(sha512(Buffer.concat([first, key, bytes]))) % Point.Fn.ORDER;
    const signature = Buffer.concat([first, scalarBytes((r + k * a) % Point.Fn.ORDER)]);
    assert.equal(isSignature(key, bytes, signature), openSsl(key, bytes, signature));
    if (ed25519.verify(signature, bytes, key) !== openSsl(key, bytes, signature)) ++apart;
  }
  assert.ok(apart > 20, "the library's own check would have differed");
});

function torsion(): InstanceType<typeof Point> {
  const random = new Random(3);
  for (;;) {
    try {
      const point = Point.fromBytes(random.noise());
      // Times L, in two steps: no single multiplication takes the order itself.
      const found = point.multiplyUnsafe(Point.Fn.ORDER - 1n).add(point);
      if (!found.multiplyUnsafe(4n).is0()) return found;
    } catch {
      continue;  // not on the curve
    }
  }
}

test("a key that signs everything is no key, and what is no point or has no length is none", () => {
  const identity = Point.ZERO.toBytes();
  const s = new Uint8Array(32).fill(1, 0, 1);
  const everything = Buffer.concat([Point.BASE.toBytes(), s]);
  assert.equal(isSignature(identity, Buffer.from("anything"), everything), false);
  for (const length of [0, 1, 31, 33, 64]) {
    assert.equal(isSignature(new Uint8Array(length), new Uint8Array(), new Uint8Array(64)), false);
  }
  for (const length of [0, 1, 63, 65, 1000]) {
    assert.equal(isSignature(Point.BASE.toBytes(), new Uint8Array(), new Uint8Array(length)), false);
  }
  assert.equal(isSignature(new Uint8Array(32).fill(255), new Uint8Array(), new Uint8Array(64)), false);
});
