/** What the panel *Timeline* and the extension say to each other. */

import type { Hostcall, Timeline } from '../protocol.js';

export type ToPanel =
  | { readonly kind: 'timeline'; readonly timeline: Timeline; readonly recording: string }
  /** Nothing to show, and why. */
  | { readonly kind: 'nothing'; readonly why: string }
  | { readonly kind: 'moving' }
  | { readonly kind: 'hostcalls'; readonly from: number; readonly hostcalls: readonly Hostcall[]; readonly recording: string };

export type FromPanel =
  | { readonly kind: 'ready'; readonly buckets: number }
  /** The strip has been zoomed: finer buckets are wanted. */
  | { readonly kind: 'buckets'; readonly buckets: number }
  | { readonly kind: 'hostcalls'; readonly from: number; readonly count: number; readonly recording: string }
  | { readonly kind: 'event'; readonly event: number }
  | { readonly kind: 'position'; readonly position: string }
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };
