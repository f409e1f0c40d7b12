/** Draws the strip with the nodes of a system, and what they said to each other. */

import type { Message, System } from '../protocol.js';
import { strength } from './density.js';
import { AXIS, laneTop } from './layout.js';
import type { MessageLine } from './messageLines.js';
import { FONT_SIZE, line, shortened, TICKS_APART } from './paint.js';
import { ticks, toPixel } from './scale.js';
import type { Sight } from './show.js';
import type { Theme } from './theme.js';

/** All that the picture depends on. */
export interface SystemScene extends Sight {
  readonly system: System;
  readonly lines: readonly MessageLine[];
  /** How long the order is. */
  readonly steps: number;
  /** The number of the message that a pointer or the keys have chosen. */
  readonly chosen: number | undefined;
}

/** What is still to come is fainter. */
const TO_COME = 0.4;
/** The axis is in thousandths of a percent. */
const FINEST = 1e5;

export function paintSystem(context: CanvasRenderingContext2D, scene: SystemScene): void {
  const { layout, theme } = scene;
  context.clearRect(0, 0, layout.width, layout.height);
  context.font = `${FONT_SIZE}px ${theme.font}`;
  context.textBaseline = 'middle';
  paintNames(context, scene);
  context.save();
  context.beginPath();
  context.rect(layout.left, 0, layout.span, layout.height);
  context.clip();
  paintActivity(context, scene);
  paintAxis(context, scene);
  for (const drawn of scene.lines) if (drawn.message.number !== scene.chosen) paintMessage(context, scene, drawn, false);
  for (const drawn of scene.lines) if (drawn.message.number === scene.chosen) paintMessage(context, scene, drawn, true);
  context.restore();
  paintHere(context, scene);
}

function paintNames(context: CanvasRenderingContext2D, { system, layout, theme }: SystemScene): void {
  system.nodes.forEach((node, lane) => {
    const top = laneTop(layout, lane);
    if (lane % 2 === 0) {
      context.fillStyle = theme.stripe;
      context.fillRect(0, top, layout.width, layout.laneHeight);
    }
    const present = node.threadId === system.threadId;
    if (present) {
      context.fillStyle = theme.here;
      context.fillRect(0, top + 2, 3, layout.laneHeight - 4);
    }
    context.fillStyle = present ? theme.here : node.open ? theme.text : theme.faint;
    context.fillText(shortened(context, node.name, layout.left - 16), 8, top + layout.laneHeight / 2);
  });
}

/** How much each node did: the more, the stronger. */
function paintActivity(context: CanvasRenderingContext2D, { system, window, layout, theme, steps }: SystemScene): void {
  const most = Math.max(0, ...system.nodes.map(({ activity }) => (activity ?? []).reduce((a, b) => Math.max(a, b), 0)));
  system.nodes.forEach(({ activity = [] }, lane) => {
    const middle = laneTop(layout, lane) + layout.laneHeight / 2;
    const width = steps / Math.max(1, activity.length);
    context.fillStyle = theme.text;
    activity.forEach((made, bucket) => {
      if (made === 0) return;
      const left = layout.left + toPixel(bucket * width, window, layout.span);
      const right = layout.left + toPixel((bucket + 1) * width, window, layout.span);
      context.globalAlpha = 0.45 * strength(made, most);
      context.fillRect(left, middle - 2, Math.max(1, right - left), 4);
    });
    context.globalAlpha = 1;
  });
}

export function messageColour(theme: Theme, message: Message): string {
  if (message.kind === 'contradiction') return theme.failed;
  if (message.kind !== 'message') return theme.faint;
  const kinds = ['request', 'response', 'body', 'bytes', 'datagram'];
  return theme.lanes[Math.max(0, kinds.indexOf(message.what ?? '')) % theme.lanes.length] ?? theme.text;
}

function paintMessage(context: CanvasRenderingContext2D, { theme }: SystemScene, drawn: MessageLine, chosen: boolean): void {
  const { message, x1, y1, x2, y2 } = drawn;
  context.save();
  context.strokeStyle = context.fillStyle = chosen ? theme.pointer : messageColour(theme, message);
  context.lineWidth = chosen ? 2.5 : 1.25;
  if (message.kind !== 'message') context.setLineDash([3, 2]);
  const past = message.to?.past ?? message.from?.past ?? false;
  context.globalAlpha = past || chosen ? 1 : TO_COME;
  line(context, x1, y1, x2, y2);
  context.setLineDash([]);
  if (message.from) dot(context, x1, y1, chosen ? 4 : 2.5, message.kind === 'message');
  if (message.to) arrow(context, drawn, chosen ? 8 : 6);
  context.restore();
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number, filled: boolean): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  if (filled) context.fill();
  else context.stroke();
}

/** The head of the arrow, where it is received. */
function arrow(context: CanvasRenderingContext2D, { x1, y1, x2, y2 }: MessageLine, size: number): void {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.beginPath();
  context.moveTo(x2, y2);
  for (const side of [-0.4, 0.4]) context.lineTo(x2 - size * Math.cos(angle + side), y2 - size * Math.sin(angle + side));
  context.fill();
}

/** In percent of the order. */
function paintAxis(context: CanvasRenderingContext2D, { layout, theme, window, steps }: SystemScene): void {
  context.strokeStyle = theme.line;
  line(context, layout.left, layout.axis + 0.5, layout.left + layout.span, layout.axis + 0.5);
  const fine = { from: (window.from / steps) * FINEST, to: (window.to / steps) * FINEST };
  context.fillStyle = theme.faint;
  for (const tick of ticks(fine, layout.span, TICKS_APART)) {
    const at = layout.left + toPixel(tick, fine, layout.span);
    line(context, at, layout.axis, at, layout.axis + 4);
    const text = `${(tick * 100) / FINEST} %`;
    if (at + 3 + context.measureText(text).width <= layout.left + layout.span) context.fillText(text, at + 3, layout.axis + AXIS - 9);
  }
}

/** The present moment of each node; those that have not been looked at are where they would be. */
function paintHere(context: CanvasRenderingContext2D, { system, layout, theme, window, steps }: SystemScene): void {
  system.nodes.forEach((node, lane) => {
    if (typeof node.part !== 'number') return;
    const at = layout.left + toPixel(node.part * steps, window, layout.span);
    if (at < layout.left - 1 || at > layout.left + layout.span + 1) return;
    const top = laneTop(layout, lane);
    const present = node.threadId === system.threadId;
    context.strokeStyle = context.fillStyle = present ? theme.here : node.open ? theme.text : theme.faint;
    context.lineWidth = present ? 2 : 1;
    line(context, at, top + 3, at, top + layout.laneHeight - 3);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(at - 5, top + 1);
    context.lineTo(at + 5, top + 1);
    context.lineTo(at, top + 8);
    context.closePath();
    if (node.open) context.fill();
    else context.stroke();
  });
}
