/** What the panel *Timeline* and the extension say to each other. */

import type { Hostcall, Message, System, Timeline } from '../protocol.js';

/** What is shown of a system: its nodes, or the hostcalls of the one that was moved last. */
export type Shown = 'nodes' | 'hostcalls';

export type ToPanel =
  | { readonly kind: 'timeline'; readonly timeline: Timeline; readonly recording: string; readonly ofSystem: boolean }
  /** The messages are those of the part that was asked for, or some of them. */
  | { readonly kind: 'system'; readonly system: System; readonly messages: readonly Message[]; readonly recording: string }
  /** Nothing to show, and why. */
  | { readonly kind: 'nothing'; readonly why: string }
  | { readonly kind: 'moving' }
  | { readonly kind: 'hostcalls'; readonly from: number; readonly hostcalls: readonly Hostcall[]; readonly recording: string };

export type FromPanel =
  | { readonly kind: 'ready'; readonly buckets: number }
  /** The strip has been zoomed: finer buckets are wanted. */
  | { readonly kind: 'buckets'; readonly buckets: number }
  | { readonly kind: 'hostcalls'; readonly from: number; readonly count: number; readonly recording: string }
  /** Another part of the order of a system is seen, of which 1 is the whole. */
  | { readonly kind: 'part'; readonly from: number; readonly to: number; readonly buckets: number }
  | { readonly kind: 'show'; readonly what: Shown }
  | { readonly kind: 'message'; readonly number: number; readonly end: 'sent' | 'received' }
  /** A node goes where it is at this part of the order. */
  | { readonly kind: 'node'; readonly threadId: number; readonly part: number }
  | { readonly kind: 'event'; readonly event: number }
  | { readonly kind: 'position'; readonly position: string }
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };
