// SPDX-License-Identifier: Apache-2.0
//
// Checks exported files without a server, as `amicale admin audit verify` does; says a line of each.
//   node dist/examples/verify-file.js FILE… [--pinned OLDER_FILE] [--key HEX]
import { createReadStream, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { AuditFile, auditHeadOf, AuditReader, fromHex, isSigned, toHex, type Trusted } from "../src/index.js";

function fail(words: string, code: number): never {
  console.error(words);
  process.exit(code);
}

function trust(options: { key?: string; pinned?: string }): Trusted {
  const key = options.key === undefined ? undefined : fromHex(options.key);
  if (options.key !== undefined && key?.length !== 32) fail("a key is 64 hexadecimal digits", 2);
  if (options.pinned === undefined) return { key };
  const pinned = auditHeadOf(readFileSync(options.pinned));
  if (pinned === undefined || !isSigned(pinned)) fail(`${options.pinned} holds no signed head`, 1);
  return { key, pinned };
}

const { values, positionals } = parseArgs({
  options: { key: { type: "string" }, pinned: { type: "string" } },
  allowPositionals: true,
});
if (positionals.length === 0) fail("usage: verify-file FILE… [--pinned OLDER_FILE] [--key HEX]", 2);
const trusted = trust(values);

async function verdictOf(path: string): Promise<string> {
  const file = new AuditFile(trusted);
  const reader = new AuditReader(file);
  for await (const chunk of createReadStream(path)) reader.take(chunk as Uint8Array);
  const finding = reader.finish();
  if (finding !== undefined) {
    process.exitCode = 1;
    return `line ${finding.line}: ${finding.fault}`;
  }
  const what = file.isWhole ? "log complete and unchanged" : "proof good";
  return `${what}: ${file.records} acts of ${file.head?.size}; key ${toHex(file.head?.publicKey ?? new Uint8Array())}`;
}

for (const path of positionals) console.log(`${path}: ${await verdictOf(path)}`);
