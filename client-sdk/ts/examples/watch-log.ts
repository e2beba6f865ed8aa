// SPDX-License-Identifier: Apache-2.0
//
// Follows the provable log of one club and prints what is found of it, a line each, until the connection ends.
//   AMICALE_TOKEN=… node dist/examples/watch-log.js ws://localhost:8080 CLUB_ID PINS_FILE
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { WebSocket } from "ws";

import { ClientFrameSchema, type Reply, type ServerFrame } from "../gen/amicale/v1/frame_pb.js";
import { Capability } from "../gen/amicale/v1/session_pb.js";
import { type AuditFinding, AuditPins, AuditWatch, readServerFrame, Stream } from "../src/index.js";

type Body = NonNullable<MessageInitShape<typeof ClientFrameSchema>["body"]>;

const [url, clubId, pinsFile] = process.argv.slice(2);
const token = Buffer.from(process.env["AMICALE_TOKEN"] ?? "", "base64url");
if (url === undefined || clubId === undefined || pinsFile === undefined || token.length === 0) {
  console.error("usage: AMICALE_TOKEN=… watch-log URL CLUB_ID PINS_FILE");
  process.exit(2);
}
const club = Stream.club(BigInt(clubId));
const pins = new AuditPins(existsSync(pinsFile) ? readFileSync(pinsFile, "utf8") : "", (text) => {
  writeFileSync(`${pinsFile}.partial`, text);
  renameSync(`${pinsFile}.partial`, pinsFile);
});
const watch = new AuditWatch(undefined, pins);

const socket = new WebSocket(`${url}/v1/ws`, "amicale.v1");
socket.binaryType = "arraybuffer";
const waiting = new Map<number, (reply: Reply) => void>();
let lastRequest = 0;

function ask(body: Body, answered: (reply: Reply) => void): void {
  waiting.set(++lastRequest, answered);
  socket.send(toBinary(ClientFrameSchema, create(ClientFrameSchema, { requestId: lastRequest, body })));
}

function show(finding: AuditFinding): void {
  if (finding.kind === "checked") return console.log(`checked ${finding.head.size}`);
  console.log(`alarm ${finding.fault}: ${finding.shown.size} after ${finding.pinned?.size ?? "nothing"}`);
}

// After every frame: what the watch wants to know is asked, and what it found is told.
function settle(): void {
  for (let wanted = watch.nextRequest(); wanted !== undefined; wanted = watch.nextRequest()) {
    const { stream, frame } = wanted;
    console.log(`asked ${frame.body.case}`);
    ask(frame.body as Body, (reply) => watch.answered(stream, reply));
  }
  for (let found = watch.nextFinding(); found !== undefined; found = watch.nextFinding()) show(found);
}

function take(frame: ServerFrame): void {
  for (const reply of frame.replies) {
    waiting.get(reply.requestId)?.(reply);
    waiting.delete(reply.requestId);
  }
  for (const head of frame.auditHeads) {
    if (Stream.same(Stream.from(head.stream), club)) watch.take(head);
  }
  settle();
}

function authenticated(): void {
  ask({ case: "subscribe", value: { stream: Stream.proto(club) } }, subscribed);
}

function subscribed(reply: Reply): void {
  if (reply.body.case !== "subscribe") return console.log(`refused: ${reply.refusal?.message ?? ""}`);
  const head = reply.body.value.auditHead;
  if (head !== undefined && Stream.same(Stream.from(head.stream), club)) watch.take(head);
}

socket.on("open", () => {
  const capabilities = 1n << BigInt(Capability.AUDIT - 1);
  ask({ case: "hello", value: { protocolMin: 1, protocolMax: 1, clientName: "watch-log/0.1", capabilities } }, () => {});
  ask({ case: "authenticate", value: { token: new Uint8Array(token) } }, authenticated);
});
socket.on("message", (data: ArrayBuffer) => {
  const frame = readServerFrame(new Uint8Array(data));
  if (frame === undefined) return socket.close();
  take(frame);
});
socket.on("error", (error) => console.log(`no connection: ${error.message}`));
socket.on("close", (code) => {
  watch.lost();
  console.log(`closed ${code}`);
});
