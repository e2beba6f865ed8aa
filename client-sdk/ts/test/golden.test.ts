// SPDX-License-Identifier: Apache-2.0
//
// Files that a server and the operator's command wrote, after a rotation of the key: what both SDKs read must stay what was written.
import { fromBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import type { AuditOpening } from "../gen/amicale/v1/audit_pb.js";
import { MemberStatus } from "../gen/amicale/v1/common_pb.js";
import { EventSchema } from "../gen/amicale/v1/event_pb.js";
import { AuditFault, AuditFile, auditHeadOf, fromAuditLine, isSigned, readAudit, toHex } from "../src/index.js";

const golden = (name: string) => readFileSync(new URL(`../../test/golden/${name}.jsonl`, import.meta.url));

const KEY = "de6ce3cbbe61f3c98f94176837ffc18b31c31d1510199871aa698243b1c6cc20";

function openingsOf(bytes: Buffer): AuditOpening[] {
  return bytes.toString().split("\n").flatMap((text) => {
    const line = fromAuditLine(text)?.line;
    return line?.case === "record" && line.value.opening ? [line.value.opening] : [];
  });
}

test("an export of a real server is complete and unchanged, and its proof of a person's case is good", () => {
  for (const [name, records, whole] of [["export", 17n, true], ["proof", 7n, false]] as const) {
    const bytes = golden(name);
    const head = auditHeadOf(bytes);
    assert.ok(head && isSigned(head));
    assert.equal(toHex(head.publicKey), KEY);
    const file = new AuditFile({ pinned: head });
    assert.equal(readAudit(bytes, file), undefined);
    assert.equal(file.records, records);
    assert.equal(file.isWhole, whole);
    assert.equal(file.head?.size, 17n);
  }
});

test("a person's proof tells what was done to them, and by whom", () => {
  const openings = openingsOf(golden("proof"));
  assert.ok(openings.every((opening) => opening.subject === openings[0]?.subject));
  const last = fromBinary(EventSchema, openings.at(-1)?.details ?? new Uint8Array()).body;
  assert.equal(last.case, "memberChanged");
  if (last.case === "memberChanged") assert.equal(last.value.member?.status, MemberStatus.PAUSED);
});

test("a byte of the details that moves into their salt is found", () => {
  const text = golden("proof").toString();
  const [opening] = openingsOf(golden("proof"));
  assert.ok(opening && opening.details.length > 3);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const all = Buffer.concat([opening.detailsSalt, opening.details]);
  const changed = text
    .replace(base64(opening.detailsSalt), base64(all.subarray(0, 35)))
    .replace(base64(opening.details), base64(all.subarray(35)));
  assert.notEqual(changed, text);
  assert.equal(readAudit(Buffer.from(changed), new AuditFile())?.fault, AuditFault.BadOpening);
});
