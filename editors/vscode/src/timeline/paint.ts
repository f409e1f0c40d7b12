/** Draws the strip with the hostcalls of a recording. */

import type { Timeline } from '../protocol.js';
import { shortFunction, shortInterface } from '../wording.js';
import type { CallStore } from './callStore.js';
import { columns, peak, strength } from './density.js';
import { AXIS, axisLength, FAILED_LANE, FLAGS, laneTop, type Layout, placeOf } from './layout.js';
import { ticks, toPixel, type Window } from './scale.js';
import type { Theme } from './theme.js';

/** All that the picture depends on. */
export interface Scene {
  readonly timeline: Timeline;
  readonly calls: CallStore;
  readonly window: Window;
  readonly layout: Layout;
  readonly theme: Theme;
  /** The event that a pointer or the keys have chosen. */
  readonly chosen: number | undefined;
}

export const FONT_SIZE = 11;
const COLUMN = 2;
/** Calls as wide as this are drawn one by one. */
export const SINGLE = 5;
/** Narrower ones have no room for a name. */
const NAMED = 34;
export const TICKS_APART = 70;

const numbers = new Intl.NumberFormat('en-US');

export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme } = scene;
  context.clearRect(0, 0, layout.width, layout.height);
  context.font = `${FONT_SIZE}px ${theme.font}`;
  context.textBaseline = 'middle';
  paintLanes(context, scene);
  context.save();
  context.beginPath();
  context.rect(layout.left, 0, layout.span, layout.height);
  context.clip();
  if (singleCalls(scene)) paintCalls(context, scene);
  else paintDensity(context, scene);
  paintAxis(context, scene);
  context.restore();
  paintCheckpoints(context, scene);
  paintChosen(context, scene);
  paintMarks(context, scene);
  paintHere(context, scene);
}

/** Whether it is so near that each call is seen. */
export function singleCalls({ timeline, window, layout }: Scene): boolean {
  return timeline.events > 0 && layout.span / (window.to - window.from) >= SINGLE;
}

function x(scene: Scene, place: number): number {
  return scene.layout.left + toPixel(place, scene.window, scene.layout.span);
}

function seen({ layout }: Scene, x: number): boolean {
  return x >= layout.left - 1 && x <= layout.left + layout.span + 1;
}

function paintLanes(context: CanvasRenderingContext2D, { timeline, layout, theme }: Scene): void {
  const names = ['failed', ...timeline.interfaces.map(shortInterface)];
  names.forEach((name, lane) => {
    const top = laneTop(layout, lane);
    if (lane % 2 === 0) {
      context.fillStyle = theme.stripe;
      context.fillRect(0, top, layout.width, layout.laneHeight);
    }
    context.fillStyle = lane === FAILED_LANE ? theme.failed : theme.text;
    context.fillText(shortened(context, name, layout.left - 16), 8, top + layout.laneHeight / 2);
  });
}

function laneColour(theme: Theme, lane: number): string {
  return lane === FAILED_LANE ? theme.failed : (theme.lanes[(lane - 1) % theme.lanes.length] ?? theme.text);
}

function bar(context: CanvasRenderingContext2D, { layout, theme }: Scene, lane: number, left: number, width: number, alpha: number): void {
  context.globalAlpha = alpha;
  context.fillStyle = laneColour(theme, lane);
  context.fillRect(layout.left + left, laneTop(layout, lane) + 2, Math.max(1, width), layout.laneHeight - 4);
  context.globalAlpha = 1;
}

function paintDensity(context: CanvasRenderingContext2D, scene: Scene): void {
  const found = columns(scene.timeline.buckets, scene.window, scene.layout.span, COLUMN);
  const most = peak(found);
  for (const column of found) {
    const width = column.right - column.left;
    column.counts.forEach((count, index) => {
      if (count > 0) bar(context, scene, index + 1, column.left, width, strength(count, most));
    });
    if (column.failed > 0) bar(context, scene, FAILED_LANE, column.left, Math.max(width, COLUMN), 1);
  }
}

function paintCalls(context: CanvasRenderingContext2D, scene: Scene): void {
  const { timeline, calls, window, layout } = scene;
  const lanes = new Map(timeline.interfaces.map((name, index) => [name, index + 1]));
  const width = layout.span / (window.to - window.from);
  for (let event = Math.max(0, Math.floor(window.from)); event < Math.min(window.to, timeline.events); event++) {
    const call = calls.get(event);
    const lane = call && lanes.get(call.interface ?? '');
    if (call === undefined || lane === undefined) continue;
    const left = toPixel(event, window, layout.span);
    bar(context, scene, lane, left + 0.5, width - 1, 0.85);
    if (call.failed) {
      bar(context, scene, FAILED_LANE, left + 0.5, width - 1, 1);
      underline(context, scene, lane, left, width);
    }
    if (width >= NAMED) paintName(context, scene, lane, left, width, shortFunction(call));
  }
}

/** A failed call is red in its own lane, too. */
function underline(context: CanvasRenderingContext2D, { layout, theme }: Scene, lane: number, left: number, width: number): void {
  context.fillStyle = theme.failed;
  context.fillRect(layout.left + left + 0.5, laneTop(layout, lane + 1) - 5, width - 1, 3);
}

function paintName(context: CanvasRenderingContext2D, { layout, theme }: Scene, lane: number, left: number, width: number, name: string): void {
  context.fillStyle = theme.onLane;
  context.fillText(shortened(context, name, width - 8), layout.left + left + 4, laneTop(layout, lane) + layout.laneHeight / 2 + 0.5);
}

function paintAxis(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme, window, timeline } = scene;
  context.strokeStyle = theme.line;
  line(context, layout.left, layout.axis + 0.5, layout.left + layout.span, layout.axis + 0.5);
  const unit = timeline.events === 0 ? ' %' : '';
  for (const tick of ticks(window, layout.span, TICKS_APART)) {
    if (tick >= axisLength(timeline.events) && timeline.events > 0) continue;
    const at = x(scene, tick);
    line(context, at, layout.axis, at, layout.axis + 4);
    const text = `${numbers.format(tick)}${unit}`;
    context.fillStyle = theme.faint;
    if (seen(scene, at + 3 + context.measureText(text).width)) context.fillText(text, at + 3, layout.axis + AXIS - 9);
  }
}

function paintCheckpoints(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme, timeline } = scene;
  context.fillStyle = theme.faint;
  for (const moment of timeline.checkpoints) {
    const at = x(scene, placeOf(moment, timeline.events));
    if (!seen(scene, at)) continue;
    context.beginPath();
    context.arc(at, layout.axis + 8, 2, 0, 2 * Math.PI);
    context.fill();
  }
}

function paintChosen(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme, chosen } = scene;
  if (chosen === undefined) return;
  const at = x(scene, chosen + (scene.timeline.events === 0 ? 0 : 0.5));
  if (!seen(scene, at)) return;
  context.save();
  context.setLineDash([3, 3]);
  context.strokeStyle = theme.pointer;
  line(context, at, layout.top, at, layout.axis);
  context.restore();
}

function paintMarks(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme, timeline } = scene;
  for (const { name, moment } of timeline.marks) {
    const at = x(scene, placeOf(moment, timeline.events));
    if (!seen(scene, at)) continue;
    context.strokeStyle = context.fillStyle = theme.mark;
    line(context, at, 3, at, layout.axis);
    const text = shortened(context, name, 120);
    context.fillRect(at, 2, context.measureText(text).width + 8, FLAGS - 4);
    context.fillStyle = theme.onLane;
    context.fillText(text, at + 4, FLAGS / 2 + 0.5);
  }
}

function paintHere(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, theme, timeline } = scene;
  const at = x(scene, placeOf(timeline.here, timeline.events));
  if (!seen(scene, at)) return;
  context.strokeStyle = context.fillStyle = theme.here;
  context.lineWidth = 2;
  line(context, at, FLAGS - 6, at, layout.axis + 4);
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(at - 6, FLAGS - 9);
  context.lineTo(at + 6, FLAGS - 9);
  context.lineTo(at, FLAGS + 1);
  context.fill();
}

export function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

/** As much of a text as fits. */
export function shortened(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  for (let length = text.length - 1; length > 0; length--) {
    const part = `${text.slice(0, length)}…`;
    if (context.measureText(part).width <= width) return part;
  }
  return '';
}
