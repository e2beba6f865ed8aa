// SPDX-License-Identifier: Apache-2.0
//
// The watch: one pin for each stream, and what may follow it.
import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";

import { type AuditHead, AuditHeadSchema, type AuditKey } from "../gen/amicale/v1/audit_pb.js";
import { StreamKind } from "../gen/amicale/v1/common_pb.js";
import { RefusalCode } from "../gen/amicale/v1/error_pb.js";
import { type ClientFrame, ClientFrameSchema, type Reply } from "../gen/amicale/v1/frame_pb.js";
import { AuditFault, isConsistent, isSigned, KeyChain, sameHead } from "./audit.js";
import { equal } from "./bytes.js";
import { Stream } from "./stream.js";

/**
 * Keeps what was pinned across restarts: without one, a client trusts anew at each start. `AuditPins` is one that needs only a
 * place for a text. What a store throws goes through the watch to its caller.
 */
export interface AuditStore {
  /** 32 bytes; undefined = none yet. */
  loadKey(): Uint8Array | undefined;
  saveKey(publicKey: Uint8Array): void;
  load(stream: Stream): AuditHead | undefined;
  save(head: AuditHead): void;
}

/** The log of a stream goes on from what it was: `head` is pinned now. */
export interface AuditChecked {
  readonly kind: "checked";
  readonly stream: Stream;
  readonly head: AuditHead;
}

/**
 * The server showed what an honest one never shows. `pinned` and `shown` are both signed by it: together, a proof for others.
 * Told once for each fault; the pin stays, until `AuditWatch.accept`.
 */
export interface AuditAlarm {
  readonly kind: "alarm";
  readonly stream: Stream;
  readonly fault: AuditFault;
  readonly pinned: AuditHead | undefined;
  readonly shown: AuditHead;
}

export type AuditFinding = AuditChecked | AuditAlarm;

/**
 * What to ask the server: GetAuditConsistency about the stream, or GetAuditKeys (no stream). The frame has no request id yet. Each
 * is followed by `answered`, or by `lost`.
 */
export interface AuditRequest {
  readonly stream: Stream | undefined;
  readonly frame: ClientFrame;
}

// An honest server that is busy answers one of six. A plain no counts double: it is given once, to somebody who loses the right to
// read while the request is under way.
const MOST_REFUSALS = 6;
const NOT_NOW: readonly RefusalCode[] = [
  RefusalCode.RATE_LIMITED, RefusalCode.OVERLOADED, RefusalCode.UNAVAILABLE, RefusalCode.INTERNAL,
];
// Streams whose heads wait for the hand-overs of a new key; above, the oldest gives way.
const MOST_FOREIGN = 64;
// A key a month for 80 years. Each costs a signature: a server could tell of so many that a browser stands still.
const MOST_KEYS = 1000;

const NO_KEYS = new KeyChain([]);

function weightOf(code: RefusalCode): number {
  return NOT_NOW.includes(code) ? 1 : 2;
}

function isAudited(stream: Stream): boolean {
  return stream.kind === StreamKind.CLUB || stream.kind === StreamKind.SITE;
}

interface Asked {
  older: AuditHead;
  newer: AuditHead;
  shown: AuditHead;  // the one of the two that is not pinned
  sent: boolean;
}

interface Watched {
  readonly stream: Stream;
  pin: AuditHead | undefined;
  asked: Asked | undefined;
  next: AuditHead | undefined;  // the newest that came while another one was being checked
  refusals: number;             // in a row, by weight
  told: AuditFault | undefined; // the last alarm
}

// A head by another key, until the hand-overs are there.
interface Foreign {
  readonly head: AuditHead;
  readonly fromProof: boolean;
}

/**
 * Pins the heads of streams, trusting the first one (or the given key's), and follows them. Without sockets and clocks: whoever
 * owns it gives it the heads of the streams that they follow, and only of those (each stream costs a pin), sends what
 * `nextRequest` says, and tells people what `nextFinding` says. Nothing that a server sends makes it throw.
 */
export class AuditWatch {
  private trusted: Uint8Array | undefined;
  private readonly streams = new Map<string, Watched>();
  private foreign: Foreign[] = [];
  private siteKeys = NO_KEYS;  // as last told
  private keysState: "unknown" | "wanted" | "asked" = "unknown";
  private keysRefusals = 0;
  private readonly findings: AuditFinding[] = [];

  /** `key`: 32 bytes that the site was vouched for by, e.g. printed in its charter; absent = trust the first one seen. */
  constructor(key?: Uint8Array, private readonly store?: AuditStore) {
    // What was given counts more than what was seen.
    this.trusted = key ?? store?.loadKey();
  }

  /** Undefined before the first head. */
  get key(): Uint8Array | undefined {
    return this.trusted;
  }

  /** A head that the server pushed or answered a Subscribe with: heads of one stream come in order of size. */
  take(head: AuditHead): void {
    this.takeHead(head, false);
  }

  /** A head that came with a proof: of any size. */
  takeFromProof(head: AuditHead): void {
    this.takeHead(head, true);
  }

  nextRequest(): AuditRequest | undefined {
    if (this.keysState === "wanted") {
      this.keysState = "asked";
      return { stream: undefined, frame: frameOf({ case: "getAuditKeys", value: {} }) };
    }
    for (const { stream, asked } of this.streams.values()) {
      if (asked === undefined || asked.sent) continue;
      asked.sent = true;
      const frame = frameOf({
        case: "getAuditConsistency",
        value: {
          stream: Stream.proto(stream),
          fromSize: asked.older.size,
          toSize: asked.newer.size,
        },
      });
      return { stream, frame };
    }
    return undefined;
  }

  /** `stream`: the request's. */
  answered(stream: Stream | undefined, reply: Reply): void {
    if (stream === undefined || !isAudited(stream)) return this.keysAnswered(reply);
    const it = this.watched(stream);
    const asked = it.asked;
    if (asked === undefined || !asked.sent) return;
    if (reply.refusal !== undefined) return this.refused(it, asked.shown, reply.refusal.code);
    const path = reply.body.case === "getAuditConsistency" ? reply.body.value.path : [];
    this.conclude(it, asked, isConsistent(asked.older, asked.newer, path));
  }

  /** The connection ended: no answer to what was asked will come. */
  lost(): void {
    this.foreign = [];
    this.keysState = "unknown";
    for (const it of this.streams.values()) {
      it.asked = undefined;
      it.next = undefined;
    }
  }

  nextFinding(): AuditFinding | undefined {
    return this.findings.shift();
  }

  /** Undefined = none yet. */
  pinned(stream: Stream): AuditHead | undefined {
    return this.watched(stream).pin;
  }

  /** The person decided to go on after an alarm: the next head of the stream is pinned whatever it is. */
  accept(stream: Stream): void {
    // Another key is believed the same way.
    if (this.watched(stream).told === AuditFault.UnknownKey) this.trusted = undefined;
    this.streams.set(Stream.text(stream), fresh(stream, undefined));
  }

  private watched(stream: Stream): Watched {
    const name = Stream.text(stream);
    let it = this.streams.get(name);
    if (it === undefined) {
      it = fresh(stream, this.store?.load(stream));
      this.streams.set(name, it);
    }
    return it;
  }

  private takeHead(given: AuditHead, fromProof: boolean): void {
    const head = clone(AuditHeadSchema, given);  // evidence that nobody else changes
    const stream = Stream.from(head.stream);
    if (!isAudited(stream) || !isSigned(head)) {
      return this.alarm(stream, AuditFault.BadSignature, head);
    }
    if (this.trusts(head, fromProof)) this.check(head, fromProof);
  }

  private trusts(head: AuditHead, fromProof: boolean): boolean {
    const key = this.trusted;
    if (key !== undefined && equal(head.publicKey, key)) return true;
    if (key === undefined || this.siteKeys.handsOver(key, head.publicKey)) {
      this.trusted = head.publicKey;
      this.store?.saveKey(head.publicKey);
      return true;
    }
    if (this.foreign.length === MOST_FOREIGN) this.foreign.shift();
    this.foreign.push({ head, fromProof });
    if (this.keysState === "unknown") this.keysState = "wanted";
    return false;
  }

  private check(head: AuditHead, fromProof: boolean): void {
    const it = this.watched(Stream.from(head.stream));
    if (it.pin === undefined) return this.pin(it, head);
    for (const known of [it.pin, it.asked?.shown, it.next]) {
      if (known === undefined || known.epoch !== head.epoch) continue;
      if (known.size === head.size) {
        // One size, one head: that is what makes two of them a proof.
        if (!sameHead(known, head)) this.alarm(it.stream, AuditFault.Fork, head);
        return;
      }
      if (head.size < known.size && !fromProof) {
        return this.alarm(it.stream, AuditFault.Truncated, head);
      }
    }
    if (it.asked !== undefined) {
      if (it.next === undefined || head.size > it.next.size || head.epoch !== it.next.epoch) {
        it.next = head;
      }
      return;
    }
    if (head.size >= it.pin.size) return this.compare(it, it.pin, head, head);
    // Under another epoch the past may be shorter: that is what has to be told.
    if (head.epoch !== it.pin.epoch) return this.alarm(it.stream, AuditFault.Restored, head);
    this.compare(it, head, it.pin, head);
  }

  private compare(it: Watched, older: AuditHead, newer: AuditHead, shown: AuditHead): void {
    it.asked = { older, newer, shown, sent: false };
    if (older.size === newer.size) this.conclude(it, it.asked, isConsistent(older, newer, []));
  }

  private conclude(it: Watched, asked: Asked, consistent: boolean): void {
    const { shown } = asked;
    const pinned = it.pin ?? shown;
    it.asked = undefined;
    it.refusals = 0;
    if (!consistent) {
      const goneBack = pinned.epoch !== shown.epoch;
      this.alarm(it.stream, goneBack ? AuditFault.Restored : AuditFault.Rewritten, shown);
    } else if (shown.size >= pinned.size) {
      this.pin(it, shown);
    }
    this.checkNext(it);
  }

  private refused(it: Watched, shown: AuditHead, code: RefusalCode): void {
    it.asked = undefined;
    it.refusals += weightOf(code);
    if (it.refusals < MOST_REFUSALS) {
      // Asked again with the next head, or on the next connection.
      it.next = undefined;
      return;
    }
    it.refusals = 0;
    this.alarm(it.stream, AuditFault.Withheld, shown);
    this.checkNext(it);
  }

  private checkNext(it: Watched): void {
    const next = it.next;
    it.next = undefined;
    if (next !== undefined) this.check(next, true);
  }

  private keysAnswered(reply: Reply): void {
    if (this.keysState !== "asked") return;
    this.keysState = "unknown";
    const foreign = this.foreign;
    this.foreign = [];
    if (reply.refusal !== undefined) {
      this.keysRefusals += weightOf(reply.refusal.code);
      if (this.keysRefusals < MOST_REFUSALS) return;
      this.keysRefusals = 0;
      for (const { head } of foreign) {
        this.alarm(Stream.from(head.stream), AuditFault.Withheld, head);
      }
      return;
    }
    this.keysRefusals = 0;
    this.siteKeys = keyChainOf(reply.body.case === "getAuditKeys" ? reply.body.value.keys : []);
    for (const { head, fromProof } of foreign) {
      const key = this.trusted;
      const isTrusted = key !== undefined &&
        (equal(head.publicKey, key) || this.siteKeys.handsOver(key, head.publicKey));
      if (!isTrusted) {
        this.alarm(Stream.from(head.stream), AuditFault.UnknownKey, head);
      } else if (this.trusts(head, fromProof)) {
        this.check(head, fromProof);
      }
    }
  }

  private pin(it: Watched, head: AuditHead): void {
    it.pin = head;
    it.told = undefined;
    this.store?.save(head);
    this.findings.push({ kind: "checked", stream: it.stream, head });
  }

  private alarm(stream: Stream, fault: AuditFault, shown: AuditHead): void {
    let pinned: AuditHead | undefined;
    if (isAudited(stream)) {
      const it = this.watched(stream);
      // Once for each fault: the same lie may come with every event.
      if (it.told === fault) return;
      it.told = fault;
      pinned = it.pin;
    }
    this.findings.push({ kind: "alarm", stream, fault, pinned, shown });
  }
}

function fresh(stream: Stream, pin: AuditHead | undefined): Watched {
  return { stream, pin, asked: undefined, next: undefined, refusals: 0, told: undefined };
}

function keyChainOf(keys: readonly AuditKey[]): KeyChain {
  return keys.length > MOST_KEYS ? NO_KEYS : new KeyChain(keys);
}

function frameOf(
  body: NonNullable<MessageInitShape<typeof ClientFrameSchema>["body"]>,
): ClientFrame {
  return create(ClientFrameSchema, { body });
}
