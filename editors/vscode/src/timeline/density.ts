/** How many calls there are, column by column and lane by lane: what the strip shows from afar. */

import type { Bucket } from '../protocol.js';
import { toPixel, type Window } from './scale.js';

/** A column of pixels of the strip. */
export interface Column {
  readonly left: number;
  readonly right: number;
  /** The events in it: from, and behind the last. */
  readonly from: number;
  readonly to: number;
  /** One count for each interface. */
  readonly counts: readonly number[];
  readonly failed: number;
}

/** Adds up the buckets that are narrower than a column, and leaves out those not seen. */
export function columns(buckets: readonly Bucket[], window: Window, width: number, narrowest: number): Column[] {
  const found: { left: number; right: number; from: number; to: number; counts: number[]; failed: number }[] = [];
  for (const bucket of buckets) {
    if (bucket.to <= window.from || bucket.from >= window.to) continue;
    const left = Math.max(0, toPixel(bucket.from, window, width));
    const right = Math.min(width, toPixel(bucket.to, window, width));
    const last = found.at(-1);
    if (last !== undefined && last.right - last.left < narrowest && bucket.from === last.to) {
      last.right = right;
      last.to = bucket.to;
      bucket.counts.forEach((count, lane) => (last.counts[lane] = (last.counts[lane] ?? 0) + count));
      last.failed += bucket.failed;
    } else {
      found.push({ left, right, from: bucket.from, to: bucket.to, counts: [...bucket.counts], failed: bucket.failed });
    }
  }
  return found;
}

/** The largest count of any lane. */
export function peak(columns: readonly Column[]): number {
  return columns.reduce((most, { counts }) => counts.reduce((most, count) => Math.max(most, count), most), 0);
}

/** From 0 to 1, so that a single call among thousands is still seen. */
export function strength(count: number, peak: number): number {
  if (count <= 0) return 0;
  const faintest = 0.3;
  return peak <= 1 ? 1 : faintest + (1 - faintest) * (Math.log(count) / Math.log(peak));
}
