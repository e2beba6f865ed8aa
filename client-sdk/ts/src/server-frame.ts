// SPDX-License-Identifier: Apache-2.0
import { fromBinary } from "@bufbuild/protobuf";

import { type ServerFrame, ServerFrameSchema } from "../gen/amicale/v1/frame_pb.js";

/** Bytes as they came from a socket. Undefined when they are no frame: the connection is then of no more use. */
export function readServerFrame(bytes: Uint8Array): ServerFrame | undefined {
  try {
    return fromBinary(ServerFrameSchema, bytes);
  } catch {
    return undefined;
  }
}
