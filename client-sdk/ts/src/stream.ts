// SPDX-License-Identifier: Apache-2.0
//
// Which log is read.
import { create } from "@bufbuild/protobuf";

import { type StreamId, StreamIdSchema, StreamKind } from "../gen/amicale/v1/common_pb.js";

/** Names one stream: the client's view of one log. A plain value; compare and keep it by `text`. */
export interface Stream {
  readonly kind: StreamKind;
  readonly id: bigint;
}

const WORDS: Record<number, string> = {
  [StreamKind.SITE]: "site",
  [StreamKind.CLUB]: "club",
  [StreamKind.ACCOUNT]: "account",
  [StreamKind.DIRECT]: "direct",
};

export const Stream = {
  site: (): Stream => ({ kind: StreamKind.SITE, id: 1n }),
  club: (clubId: bigint): Stream => ({ kind: StreamKind.CLUB, id: clubId }),
  account: (accountId: bigint): Stream => ({ kind: StreamKind.ACCOUNT, id: accountId }),
  direct: (directId: bigint): Stream => ({ kind: StreamKind.DIRECT, id: directId }),
  /** An absent id is that of no stream, as protobuf reads it. */
  from: (id: StreamId | undefined): Stream => ({
    kind: id?.kind ?? StreamKind.UNSPECIFIED,
    id: id?.id ?? 0n,
  }),
  proto: (stream: Stream): StreamId =>
    create(StreamIdSchema, { kind: stream.kind, id: stream.id }),
  same: (one: Stream, other: Stream): boolean => one.kind === other.kind && one.id === other.id,
  /** "club/7": for logs, and as the key of a map. */
  text: (stream: Stream): string => `${WORDS[stream.kind] ?? stream.kind}/${stream.id}`,
};
