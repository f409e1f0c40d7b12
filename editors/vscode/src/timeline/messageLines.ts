/** Where messages are on the strip of a system: lines from one lane to another. */

import type { Message } from '../protocol.js';
import { laneTop, type Layout } from './layout.js';
import { toPixel, type Window } from './scale.js';

/** A message as it is drawn, in pixels; what has one end only is a stub. */
export interface MessageLine {
  readonly message: Message;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** So near to an end the pointer must be, or to the line between. */
const REACH = { end: 8, line: 4 };

/** `lanes` has the lane of each thread, `steps` is how long the order is. */
export function messageLines(
  messages: readonly Message[],
  lanes: ReadonlyMap<number, number>,
  steps: number,
  window: Window,
  layout: Layout,
): MessageLine[] {
  return messages.flatMap((message) => {
    const at = (end: Message['from']) => {
      if (!end) return undefined;
      const lane = lanes.get(end.threadId);
      if (lane === undefined) return undefined;
      return { x: layout.left + toPixel(end.part * steps, window, layout.span), y: laneTop(layout, lane) + layout.laneHeight / 2 };
    };
    const [from, to] = [at(message.from), at(message.to)];
    const stub = layout.laneHeight * 0.3;
    if (from !== undefined && to !== undefined) return [{ message, x1: from.x, y1: from.y, x2: to.x, y2: to.y }];
    // What leads nowhere goes down a little, and what comes from nowhere comes from above.
    if (from !== undefined) return [{ message, x1: from.x, y1: from.y, x2: from.x, y2: from.y + stub }];
    if (to !== undefined) return [{ message, x1: to.x, y1: to.y - stub, x2: to.x, y2: to.y }];
    return [];
  });
}

/** The line at a pixel, and which of its ends is nearer, of those that it has. */
export function lineAt(lines: readonly MessageLine[], x: number, y: number): { line: MessageLine; end: 'sent' | 'received' } | undefined {
  let best: { line: MessageLine; end: 'sent' | 'received'; distance: number } | undefined;
  for (const line of lines) {
    const sent = Math.hypot(x - line.x1, y - line.y1);
    const received = Math.hypot(x - line.x2, y - line.y2);
    const toEnd = Math.min(sent, received);
    const distance = toEnd <= REACH.end ? toEnd : toSegment(line, x, y);
    if (distance > (toEnd <= REACH.end ? REACH.end : REACH.line)) continue;
    if (best !== undefined && best.distance <= distance) continue;
    const nearer = sent <= received ? 'sent' : 'received';
    best = { line, end: hasEnd(line.message, nearer) ? nearer : nearer === 'sent' ? 'received' : 'sent', distance };
  }
  return best && { line: best.line, end: best.end };
}

export function hasEnd(message: Message, end: 'sent' | 'received'): boolean {
  return Boolean(end === 'sent' ? message.from : message.to);
}

function toSegment({ x1, y1, x2, y2 }: MessageLine, x: number, y: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
  return Math.hypot(x - (x1 + along * dx), y - (y1 + along * dy));
}
