import type { Address } from '@ml/transport';
import type { MemberEvent } from '../events.ts';
import type { Ping } from '../wire/index.ts';

/** What the core wants done after a turn. */
export type Effect =
  | { readonly type: 'packet'; readonly to: Address; readonly bytes: Uint8Array }
  /** Exchange full states with a member, in the background. */
  | { readonly type: 'pushPull'; readonly to: Address }
  /** Send this ping over a stream until `deadline`, and report with `handleStreamPing`. */
  | {
      readonly type: 'streamPing';
      readonly message: Ping;
      readonly to: Address;
      readonly deadline: number;
    }
  /** A ping that was asked for has its answer; undefined: none came. */
  | { readonly type: 'pingDone'; readonly id: number; readonly roundTripMs: number | undefined }
  /** A notice (leaving, an update) has been sent as often as it should, or was overtaken by a newer one. */
  | { readonly type: 'spread'; readonly id: number }
  | { readonly type: 'event'; readonly event: MemberEvent };
