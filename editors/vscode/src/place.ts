/** Places in time that people type. */

import type { Seek } from './protocol.js';

/** `123`, `1,234` or `50%`. */
export function readPlace(text: string, events: number): Seek | undefined {
  const [, number, sign] = /^\s*([\d,]+(?:\.\d+)?)\s*(%?)\s*$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  const value = Number(number.replaceAll(',', ''));
  if (sign === '%') return value <= 100 ? { percent: value } : undefined;
  return Number.isInteger(value) && value < events ? { event: value } : undefined;
}
