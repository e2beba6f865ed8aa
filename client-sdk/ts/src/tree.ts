// SPDX-License-Identifier: Apache-2.0
//
// Proofs in a Merkle tree (RFC 6962, 2.1), checked as RFC 9162 says. The cost is that of the path, of which no more than 64 steps
// are taken, whatever is claimed.
import { HASH_BYTES, nodeOf } from "./canonical.js";
import { equal } from "./bytes.js";

/** The leaf at `index`, from 0, is in the tree of that size and root: RFC 9162, 2.1.3.2. */
export function isIncluded(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0n || index >= size) return false;
  let last = size - 1n;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0n || sibling.length !== HASH_BYTES) return false;
    if ((index & 1n) !== 0n || index === last) {
      hash = nodeOf(sibling, hash);
      while ((index & 1n) === 0n && index !== 0n) {
        index >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = nodeOf(hash, sibling);
    }
    index >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(hash, root);
}

export interface Tree {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** The newer tree, which is larger, begins with the older one: RFC 9162, 2.1.4.2. */
export function beginsWith(newer: Tree, older: Tree, path: readonly Uint8Array[]): boolean {
  if (older.size <= 0n || older.size >= newer.size) return false;
  if (path.some((hash) => hash.length !== HASH_BYTES)) return false;
  // A full tree is its own first part.
  const isFull = (older.size & (older.size - 1n)) === 0n;
  const first = isFull ? older.root : path[0];
  if (first === undefined) return false;
  let oldRoot = first;
  let newRoot = first;
  let index = older.size - 1n;
  let last = newer.size - 1n;
  while ((index & 1n) !== 0n) {
    index >>= 1n;
    last >>= 1n;
  }
  for (const hash of isFull ? path : path.slice(1)) {
    if (last === 0n) return false;
    if ((index & 1n) !== 0n || index === last) {
      oldRoot = nodeOf(hash, oldRoot);
      newRoot = nodeOf(hash, newRoot);
      while ((index & 1n) === 0n && index !== 0n) {
        index >>= 1n;
        last >>= 1n;
      }
    } else {
      newRoot = nodeOf(newRoot, hash);
    }
    index >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(oldRoot, older.root) && equal(newRoot, newer.root);
}

/** The root of leaves as they come: keeps one hash for each full subtree. */
export class GrowingTree {
  // Largest first.
  private readonly peaks: { size: bigint; root: Uint8Array }[] = [];

  add(leaf: Uint8Array): void {
    let peak = { size: 1n, root: leaf };
    for (let left = this.peaks.at(-1); left?.size === peak.size; left = this.peaks.at(-1)) {
      this.peaks.pop();
      peak = { size: peak.size * 2n, root: nodeOf(left.root, peak.root) };
    }
    this.peaks.push(peak);
  }

  /** Empty before the first leaf. */
  root(): Uint8Array {
    return this.peaks.reduceRight<Uint8Array | undefined>(
      (right, left) => (right === undefined ? left.root : nodeOf(left.root, right)),
      undefined,
    ) ?? new Uint8Array();
  }
}
