// SPDX-License-Identifier: Apache-2.0
//
// Exported files of the provable log, checked without a server: first what their lines say, then the lines as text.
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";

import {
  type AuditHead, type AuditKey, type AuditLine, AuditLineSchema, type AuditRecord,
  type ProvenRecord,
} from "../gen/amicale/v1/audit_pb.js";
import { AuditFault, checkRecord, isHandOver, isOpening, isSigned } from "./audit.js";
import { equal } from "./bytes.js";
import { HASH_BYTES, isWellFormed, leafOf } from "./canonical.js";
import { Stream } from "./stream.js";
import { GrowingTree } from "./tree.js";

export interface Trusted {
  /** The head's key must be this one or be handed over by it; absent = the pinned head's key, else the file's first one. */
  readonly key?: Uint8Array | undefined;
  /** A whole export must begin with this head's tree. */
  readonly pinned?: AuditHead | undefined;
}

/**
 * Takes an exported file line by line: the keys, the head, the records. A whole export has every record without a path; a proof
 * has some, each with its path. Finds any change of any line. After a fault nothing more is asked of it.
 */
export class AuditFile {
  private readonly trusted: Uint8Array | undefined;
  private readonly pinned: AuditHead | undefined;
  private pinnedRoot: Uint8Array | undefined;  // of the file's tree at the pinned size
  private readonly keys: AuditKey[] = [];
  private shown: AuditHead | undefined;
  private whole = false;
  private count = 0n;
  private last: AuditRecord | undefined;
  private lastLeaf: Uint8Array = new Uint8Array(HASH_BYTES);
  private readonly tree = new GrowingTree();

  constructor(trusted: Trusted = {}) {
    this.pinned = trusted.pinned;
    this.trusted = trusted.key ?? trusted.pinned?.publicKey;
  }

  /** Undefined before its line came. */
  get head(): AuditHead | undefined {
    return this.shown;
  }
  get records(): bigint {
    return this.count;
  }
  /** An export; false: a proof of some records. */
  get isWhole(): boolean {
    return this.whole;
  }

  take(line: AuditLine): AuditFault | undefined {
    switch (line.line.case) {
      case "key": return this.takeKey(line.line.value);
      case "head": return this.takeHead(line.line.value);
      case "record": return this.takeRecord(line.line.value);
      default: return AuditFault.BadRecord;
    }
  }

  /** After the last line. */
  finish(): AuditFault | undefined {
    const { shown: head, last, pinned } = this;
    if (head === undefined || last === undefined) return AuditFault.Truncated;
    if (!this.whole) return undefined;
    if (this.count < head.size) return AuditFault.Truncated;
    if (
      !equal(this.tree.root(), head.root) || last.seq !== head.seq ||
      !equal(last.entryHash, head.entryHash) || last.timeMs !== head.timeMs
    ) {
      return AuditFault.Rewritten;
    }
    if (pinned === undefined) return undefined;
    const goneBack = pinned.epoch !== head.epoch;
    if (pinned.size > this.count) return goneBack ? AuditFault.Restored : AuditFault.Truncated;
    if (this.pinnedRoot === undefined || !equal(this.pinnedRoot, pinned.root)) {
      return goneBack ? AuditFault.Restored : AuditFault.Rewritten;
    }
    return undefined;
  }

  private takeKey(key: AuditKey): AuditFault | undefined {
    if (this.shown !== undefined) return AuditFault.UnknownKey;
    // Only the first signs itself.
    const before = this.keys.at(-1);
    if (before !== undefined && equal(before.publicKey, key.publicKey)) {
      return AuditFault.UnknownKey;
    }
    if (!isHandOver(before ?? key, key)) return AuditFault.UnknownKey;
    this.keys.push(key);
    return undefined;
  }

  private takeHead(head: AuditHead): AuditFault | undefined {
    const first = this.keys[0];
    const last = this.keys.at(-1);
    if (first === undefined || last === undefined) return AuditFault.UnknownKey;
    if (this.shown !== undefined || !isSigned(head)) return AuditFault.BadSignature;
    // The last key signs: an older one would leave out what came since. Each was handed over when it was taken.
    const trusted = this.trusted ?? first.publicKey;
    if (
      !equal(head.publicKey, last.publicKey) ||
      !this.keys.some((key) => equal(key.publicKey, trusted))
    ) {
      return AuditFault.UnknownKey;
    }
    if (
      this.pinned !== undefined &&
      !Stream.same(Stream.from(this.pinned.stream), Stream.from(head.stream))
    ) {
      return AuditFault.BadRecord;
    }
    this.shown = head;
    return undefined;
  }

  private takeRecord(proven: ProvenRecord): AuditFault | undefined {
    if (this.shown === undefined) return AuditFault.BadSignature;
    if (this.count === 0n) this.whole = proven.path.length === 0;
    return this.whole ? this.takeNext(this.shown, proven) : this.takeProven(this.shown, proven);
  }

  // Of a proof: at its place by its path.
  private takeProven(head: AuditHead, proven: ProvenRecord): AuditFault | undefined {
    const record = proven.record;
    if (record === undefined || record.number <= (this.last?.number ?? 0n)) {
      return AuditFault.BadRecord;
    }
    const fault = checkRecord(head, proven);
    if (fault !== undefined) return fault;
    ++this.count;
    this.last = record;
    return undefined;
  }

  // Of a whole export: the next in the chain.
  private takeNext(head: AuditHead, proven: ProvenRecord): AuditFault | undefined {
    const record = proven.record;
    if (
      record === undefined || proven.path.length !== 0 || !isWellFormed(record) ||
      !Stream.same(Stream.from(record.stream), Stream.from(head.stream)) ||
      record.number !== this.count + 1n || !equal(record.previous, this.lastLeaf) ||
      record.seq <= (this.last?.seq ?? 0n) || record.timeMs < (this.last?.timeMs ?? 0n) ||
      record.number > head.size
    ) {
      return AuditFault.BadRecord;
    }
    if (!isOpening(record, proven.opening)) return AuditFault.BadOpening;
    this.last = record;
    this.lastLeaf = leafOf(record);
    ++this.count;
    this.tree.add(this.lastLeaf);
    if (this.count === this.pinned?.size) this.pinnedRoot = this.tree.root();
    return undefined;
  }
}

// --- As text: one AuditLine in each line, in protobuf's JSON form ----------------------------------

/** One event and its proof, in base64. */
export const AUDIT_LINE_BYTES = 1024 * 1024;

/** Without a line end. */
export function toAuditLine(line: AuditLine): string {
  return JSON.stringify(toJson(AuditLineSchema, line, { useProtoFieldName: true }));
}

/** Undefined when the text is not exactly what `toAuditLine` writes: a line has one way to be written. */
export function fromAuditLine(text: string): AuditLine | undefined {
  if (text.length > AUDIT_LINE_BYTES) return undefined;
  try {
    const line = fromJson(AuditLineSchema, JSON.parse(text) as JsonValue);
    return toAuditLine(line) === text ? line : undefined;
  } catch {
    return undefined;
  }
}

/** `line` from 1; one past the last when the whole does not fit together. */
export interface AuditFileFinding {
  readonly line: number;
  readonly fault: AuditFault;
}

/** Cuts bytes that come in pieces of any size into lines. Holds at most one line. */
class Lines {
  private held = new Uint8Array(1024);
  private size = 0;

  /** False: what came is no line of ours, too long. */
  take(chunk: Uint8Array, told: (line: Uint8Array) => boolean): boolean {
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(0x0a, from);
      const to = end < 0 ? chunk.length : end;
      if (this.size + (to - from) > AUDIT_LINE_BYTES) return false;
      this.hold(chunk.subarray(from, to));
      if (end < 0) return true;
      const line = this.held.subarray(0, this.size);
      this.size = 0;
      if (!told(line)) return true;
      from = end + 1;
    }
    return true;
  }

  get isBetweenLines(): boolean {
    return this.size === 0;
  }

  private hold(bytes: Uint8Array): void {
    if (this.size + bytes.length > this.held.length) {
      const more = new Uint8Array(Math.max(2 * this.held.length, this.size + bytes.length));
      more.set(this.held.subarray(0, this.size));
      this.held = more;
    }
    this.held.set(bytes, this.size);
    this.size += bytes.length;
  }
}

/** Reads a file's bytes, in pieces of any size, into an `AuditFile`. The first finding is the verdict. */
export class AuditReader {
  private readonly lines = new Lines();
  // What can't be UTF-8 is no text, and a byte order mark is a byte that changed.
  private readonly text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  private number = 0;
  private finding: AuditFileFinding | undefined;

  constructor(private readonly file: AuditFile) {}

  take(chunk: Uint8Array): AuditFileFinding | undefined {
    if (this.finding !== undefined) return this.finding;
    const isShort = this.lines.take(chunk, (line) => {
      ++this.number;
      this.judge(this.number, this.faultOf(line));
      return this.finding === undefined;
    });
    if (!isShort) this.judge(this.number + 1, AuditFault.BadRecord);
    return this.finding;
  }

  /** After the last piece. Undefined: all is good. */
  finish(): AuditFileFinding | undefined {
    if (this.finding !== undefined) return this.finding;
    const fault = this.lines.isBetweenLines ? this.file.finish() : AuditFault.BadRecord;
    this.judge(this.number + 1, fault);
    return this.finding;
  }

  private faultOf(bytes: Uint8Array): AuditFault | undefined {
    let text;
    try {
      text = this.text.decode(bytes);
    } catch {
      return AuditFault.BadRecord;
    }
    const line = fromAuditLine(text);
    return line === undefined ? AuditFault.BadRecord : this.file.take(line);
  }

  private judge(line: number, fault: AuditFault | undefined): void {
    if (fault !== undefined) this.finding ??= { line, fault };
  }
}

/** Reads a whole file into `file`. Undefined: all is good. */
export function readAudit(bytes: Uint8Array, file: AuditFile): AuditFileFinding | undefined {
  const reader = new AuditReader(file);
  return reader.take(bytes) ?? reader.finish();
}

/** The head that a file is about, unchecked; undefined when it has none. */
export function auditHeadOf(bytes: Uint8Array): AuditHead | undefined {
  let head: AuditHead | undefined;
  new Lines().take(bytes, (bytesOfLine) => {
    const line = fromAuditLine(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesOfLine));
    if (line?.line.case === "head") head = line.line.value;
    return head === undefined && line !== undefined && line.line.case !== "record";
  });
  return head;
}
