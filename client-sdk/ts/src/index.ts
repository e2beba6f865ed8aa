// SPDX-License-Identifier: Apache-2.0
//
// The provable log of an Amicale site, checked without trusting the server. See README.md.
export {
  AuditFault, checkProof, checkRecord, isConsistent, isHandedOver, isHandOver, isOpening, isSigned,
  KeyChain, sameHead,
} from "./audit.js";
export {
  AUDIT_LINE_BYTES, AuditFile, type AuditFileFinding, auditHeadOf, AuditReader, fromAuditLine,
  readAudit, toAuditLine, type Trusted,
} from "./audit-file.js";
export { AuditPins } from "./audit-pins.js";
export {
  type AuditAlarm, type AuditChecked, type AuditFinding, type AuditRequest, type AuditStore,
  AuditWatch,
} from "./audit-watch.js";
export { fromHex, toHex } from "./bytes.js";
export {
  commitmentOf, handOverBytes, headBytes, Label, leafOf, nodeOf, recordBytes,
} from "./canonical.js";
export { isSignature } from "./ed25519.js";
export { readServerFrame } from "./server-frame.js";
export { Stream } from "./stream.js";
export { beginsWith, GrowingTree, isIncluded, type Tree } from "./tree.js";
