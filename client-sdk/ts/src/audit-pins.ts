// SPDX-License-Identifier: Apache-2.0
//
// What a client has seen of one site's provable log, as a text: lines as in an export, the key first, then one head for each stream.
// It is the form of the file that the operator's command keeps beside its session.
import { clone, create } from "@bufbuild/protobuf";

import {
  type AuditHead, AuditHeadSchema, AuditKeySchema, type AuditLine, AuditLineSchema,
} from "../gen/amicale/v1/audit_pb.js";
import { fromAuditLine, toAuditLine } from "./audit-file.js";
import { isSigned } from "./audit.js";
import type { AuditStore } from "./audit-watch.js";
import { KEY_BYTES } from "./ed25519.js";
import { Stream } from "./stream.js";

/**
 * Pins that live wherever an app can put a text: localStorage, a file, a row. One for each site. What can't be read, or is not
 * signed, is as if it were not there.
 */
export class AuditPins implements AuditStore {
  private key: Uint8Array | undefined;
  private readonly heads = new Map<string, AuditHead>();

  /** `text`: as `text` gave it at the last change, or empty. `changed` is told the whole new text after each change. */
  constructor(text = "", private readonly changed?: (text: string) => void) {
    for (const written of text.split("\n")) {
      const line = fromAuditLine(written)?.line;
      if (line?.case === "key" && line.value.publicKey.length === KEY_BYTES) {
        this.key = line.value.publicKey;
      }
      if (line?.case === "head" && isSigned(line.value)) this.put(line.value);
    }
  }

  get text(): string {
    const key = create(AuditKeySchema, { publicKey: this.key ?? new Uint8Array() });
    const lines: AuditLine["line"][] = [{ case: "key", value: key }];
    for (const head of this.heads.values()) lines.push({ case: "head", value: head });
    return lines.map((line) => `${toAuditLine(create(AuditLineSchema, { line }))}\n`).join("");
  }

  loadKey(): Uint8Array | undefined {
    return this.key;
  }

  saveKey(publicKey: Uint8Array): void {
    this.key = publicKey;
    this.changed?.(this.text);
  }

  load(stream: Stream): AuditHead | undefined {
    return this.heads.get(Stream.text(stream));
  }

  save(head: AuditHead): void {
    this.put(clone(AuditHeadSchema, head));
    this.changed?.(this.text);
  }

  private put(head: AuditHead): void {
    this.heads.set(Stream.text(Stream.from(head.stream)), head);
  }
}
