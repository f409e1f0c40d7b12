/** Which part of the strip is what: names at the left, flags of marks above, lanes, the axis below. */

import type { Mark, Moment } from '../protocol.js';
import { toPixel, type Window } from './scale.js';

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Where the lanes begin, right of their names. */
  readonly left: number;
  /** How wide the lanes are. */
  readonly span: number;
  /** Where the first lane begins, below the flags. */
  readonly top: number;
  readonly laneHeight: number;
  readonly lanes: number;
  /** Where the axis begins, below the lanes. */
  readonly axis: number;
}

export const FLAGS = 18;
export const AXIS = 30;
/** The first lane has the failed calls of all interfaces. */
export const FAILED_LANE = 0;
const LANE = { least: 13, most: 24 };
/** Lanes of nodes are higher: lines go from one to another. */
const NODE_LANE = { least: 24, most: 72 };
const NODES_TOP = 8;
const NAMES = { least: 60, most: 190, part: 0.28 };
const MARGIN = 8;
/** How near to a mark the pointer must be, in pixels. */
const REACH = 5;

/** `height` is what the panel has; with many lanes, the strip is higher and scrolls. */
export function layout(width: number, height: number, interfaces: number, widestName: number): Layout {
  return laidOut(width, height, widestName, { lanes: interfaces + 1, top: FLAGS, height: LANE });
}

/** The same with a lane for each node of a system. */
export function nodesLayout(width: number, height: number, nodes: number, widestName: number): Layout {
  return laidOut(width, height, widestName, { lanes: Math.max(1, nodes), top: NODES_TOP, height: NODE_LANE });
}

interface Lanes {
  readonly lanes: number;
  readonly top: number;
  readonly height: { readonly least: number; readonly most: number };
}

function laidOut(width: number, height: number, widestName: number, { lanes, top, height: of }: Lanes): Layout {
  const free = (height - top - AXIS) / lanes;
  const laneHeight = Math.floor(Math.min(of.most, Math.max(of.least, free)));
  const most = Math.min(NAMES.most, width * NAMES.part);
  const left = Math.round(Math.min(most, Math.max(NAMES.least, widestName)) + 2 * MARGIN);
  const axis = top + lanes * laneHeight;
  return { width, height: axis + AXIS, left, span: Math.max(1, width - left - MARGIN), top, laneHeight, lanes, axis };
}

export function laneTop(layout: Layout, lane: number): number {
  return layout.top + lane * layout.laneHeight;
}

/** The lane at a height; `undefined` above and below them. */
export function laneAt(layout: Layout, y: number): number | undefined {
  const lane = Math.floor((y - layout.top) / layout.laneHeight);
  return lane >= 0 && lane < layout.lanes ? lane : undefined;
}

/** Where a moment is on the axis: in the middle of the call that it is in, or between two. */
export function placeOf(moment: Moment, events: number): number {
  if (events === 0) return moment.percent;
  return moment.position.endsWith('+call') ? moment.event + 0.5 : moment.event;
}

/** How long the axis is: in events, or else in percent. */
export function axisLength(events: number): number {
  return events === 0 ? 100 : events;
}

/** The mark whose flag is at a pixel. */
export function markAt(marks: readonly Mark[], x: number, window: Window, layout: Layout, events: number): Mark | undefined {
  const distance = (mark: Mark) => Math.abs(layout.left + toPixel(placeOf(mark.moment, events), window, layout.span) - x);
  const [nearest] = [...marks].sort((a, b) => distance(a) - distance(b));
  return nearest !== undefined && distance(nearest) <= REACH ? nearest : undefined;
}
