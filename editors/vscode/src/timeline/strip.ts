/** The panel's side of the strip: what it shows, and what pointer and keys do. */

import type { Hostcall, Mark, Timeline } from '../protocol.js';
import { CallStore, PAGE } from './callStore.js';
import { axisLength, laneAt, type Layout, layout, markAt, placeOf } from './layout.js';
import type { FromPanel, ToPanel } from './messages.js';
import { callValues, cut, momentText, shortInterface } from '../wording.js';
import { paint, type Scene, singleCalls } from './paint.js';
import { everything, fitted, panned, showing, toPlace, type Window, zoomed } from './scale.js';
import { readTheme, type Theme } from './theme.js';

declare function acquireVsCodeApi(): { postMessage(message: FromPanel): void };

const ZOOM_STEP = 1.5;
const PIXELS_PER_BUCKET = 2;
const TIP_LENGTH = 600;
/** A pointer that has moved farther than this has dragged, not clicked. */
const CLICK = 4;

const editor = acquireVsCodeApi();
const element = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const canvas = element<HTMLCanvasElement>('strip');
const frame = element('frame');
const tip = element('tip');
const context = canvas.getContext('2d') as CanvasRenderingContext2D;

let timeline: Timeline | undefined;
let recording = '';
let window_: Window = everything(1);
let theme: Theme = readTheme();
let place: Layout = layout(1, 1, 0, 0);
let bucketsAsked = 0;
let chosen: number | undefined;
/** What the tip is about, so that it can be told anew when the call becomes known. */
let pointed: { x: number; y: number; byKey: boolean } | undefined;
let dragged: { x: number; from: Window; far: boolean } | undefined;
let paintWanted = false;
const calls = new CallStore();

const length = () => axisLength(timeline?.events ?? 0);

function repaint(): void {
  if (paintWanted) return;
  paintWanted = true;
  requestAnimationFrame(() => {
    paintWanted = false;
    const scene = currentScene();
    if (scene === undefined) return;
    paint(context, scene);
    if (singleCalls(scene)) askCalls(scene.window.from, Math.min(scene.window.to, scene.timeline.events));
  });
}

function currentScene(): Scene | undefined {
  return timeline && { timeline, calls, window: window_, layout: place, theme, chosen };
}

function resize(): void {
  if (timeline === undefined) return;
  context.font = `11px ${theme.font}`;
  const widest = Math.max(0, ...timeline.interfaces.map((name) => context.measureText(shortInterface(name)).width));
  place = layout(frame.clientWidth, frame.clientHeight, timeline.interfaces.length, widest);
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(place.width * ratio);
  canvas.height = Math.round(place.height * ratio);
  canvas.style.width = `${place.width}px`;
  canvas.style.height = `${place.height}px`;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  repaint();
}

function look(window: Window): void {
  window_ = window;
  askBuckets();
  repaint();
}

/** As many buckets as the whole strip would need to be seen as finely as this part of it. */
function askBuckets(): void {
  const part = (window_.to - window_.from) / length();
  const wanted = Math.min(length(), Math.ceil(place.span / PIXELS_PER_BUCKET / part));
  if (timeline === undefined || timeline.events === 0 || wanted <= bucketsAsked) return;
  bucketsAsked = wanted * 2;
  editor.postMessage({ kind: 'buckets', buckets: bucketsAsked });
}

function askCalls(from: number, to: number): void {
  for (const page of calls.lacking(Math.max(0, from), to)) {
    editor.postMessage({ kind: 'hostcalls', from: page, count: PAGE, recording });
  }
}

function heard(message: ToPanel): void {
  switch (message.kind) {
    case 'nothing':
      return showNothing(message.why);
    case 'moving':
      return document.body.classList.add('moving');
    case 'timeline':
      return showTimeline(message.timeline, message.recording);
    case 'hostcalls':
      if (message.recording !== recording) return;
      calls.put(message.from, message.hostcalls);
      if (pointed !== undefined) showTip();
      if (message.hostcalls.length > 0) repaint();
  }
}

function showNothing(why: string): void {
  timeline = undefined;
  element('nothing').textContent = why;
  element('nothing').hidden = false;
  frame.hidden = true;
  element('zoom').hidden = true;
  element('moment').textContent = element('ending').textContent = '';
  hideTip();
}

function showTimeline(told: Timeline, of: string): void {
  const same = timeline !== undefined && recording === of;
  const grown = same && timeline?.events !== told.events;
  const all = everything(length());
  const showsAll = window_.from <= all.from && window_.to >= all.to;
  const moved = timeline?.here.position !== told.here.position;
  timeline = told;
  recording = of;
  document.body.classList.remove('moving');
  element('nothing').hidden = true;
  frame.hidden = element('zoom').hidden = false;
  element('moment').textContent = momentText(told.here, told.events);
  element('ending').textContent = element('ending').title = told.ending;
  if (!same) {
    calls.clear();
    bucketsAsked = told.buckets.length;
    window_ = everything(length());
    chosen = undefined;
  } else if (grown) {
    // Of its last page, only the beginning was known.
    calls.clear();
    bucketsAsked = told.buckets.length;
    window_ = showsAll ? everything(length()) : fitted(window_, length());
  } else if (moved) {
    window_ = showing(fitted(window_, length()), placeOf(told.here, told.events), length());
  }
  canvas.setAttribute('aria-valuemax', String(Math.max(0, length() - 1)));
  speakChoice();
  resize();
  askBuckets();
}

// What is pointed at.

function markUnder(x: number, y: number): Mark | undefined {
  if (timeline === undefined || y > place.top) return undefined;
  return markAt(timeline.marks, x, window_, place, timeline.events);
}

/** The event at a pixel: in a lane, the call of its interface that is nearest. */
function eventUnder(x: number, y: number): number | undefined {
  if (timeline === undefined || timeline.events === 0 || x < place.left) return undefined;
  const at = toPlace(x - place.left, window_, place.span);
  const event = Math.min(Math.max(0, Math.floor(at)), timeline.events - 1);
  const lane = laneAt(place, y);
  if (lane === undefined || lane === 0) return event;
  const reach = ((window_.to - window_.from) / place.span) * 3;
  const near = calls.nearest(timeline.interfaces[lane - 1], Math.max(at - reach, event - PAGE), Math.min(at + reach, event + PAGE), at);
  return near?.event ?? event;
}

function tell(event: number, call: Hostcall | undefined): string {
  if (call === undefined) return `event ${event}`;
  return `event ${event}${call.failed ? ' — failed' : ''}\n${call.name}\n${cut(callValues(call), TIP_LENGTH)}`;
}

function showTip(): void {
  if (pointed === undefined || timeline === undefined) return hideTip();
  const { x, y, byKey } = pointed;
  const mark = byKey ? undefined : markUnder(x, y);
  const lane = laneAt(place, y);
  const named = x < place.left && lane !== undefined && lane > 0 ? timeline.interfaces[lane - 1] : undefined;
  const event = byKey ? chosen : eventUnder(x, y);
  if (mark !== undefined) setTip(`mark ${mark.name}\n${momentText(mark.moment, timeline.events)}`, x, y);
  else if (named !== undefined) setTip(named, x, y);
  else if (event !== undefined) {
    askCalls(event, event + 1);
    chosen = event;
    setTip(tell(event, calls.get(event)), x, y);
    if (byKey) speakChoice();
  } else hideTip();
  repaint();
}

function setTip(text: string, x: number, y: number): void {
  tip.textContent = text;
  tip.hidden = false;
  const box = canvas.getBoundingClientRect();
  const [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const left = Math.max(4, Math.min(box.left + x + 12, innerWidth - width - 4));
  const below = box.top + y + 16;
  const top = below + height < innerHeight ? below : Math.max(4, box.top + y - height - 10);
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function hideTip(): void {
  tip.hidden = true;
  pointed = undefined;
}

function speakChoice(): void {
  if (timeline === undefined) return;
  const event = chosen ?? timeline.here.event;
  const text = tell(event, calls.get(event));
  canvas.setAttribute('aria-valuenow', String(event));
  canvas.setAttribute('aria-valuetext', text);
  if (chosen !== undefined && pointed?.byKey) element('spoken').textContent = text;
}

// Pointer.

function travel(x: number, y: number): void {
  if (timeline === undefined || x < place.left) return;
  const mark = markUnder(x, y);
  const event = eventUnder(x, y);
  if (mark !== undefined) editor.postMessage({ kind: 'position', position: mark.moment.position });
  else if (event !== undefined) editor.postMessage({ kind: 'event', event });
  else editor.postMessage({ kind: 'percent', percent: Math.min(100, Math.max(0, toPlace(x - place.left, window_, place.span))) });
}

canvas.addEventListener('pointerdown', (press) => {
  if (press.button !== 0) return;
  dragged = { x: press.offsetX, from: window_, far: false };
  canvas.setPointerCapture(press.pointerId);
});
canvas.addEventListener('pointermove', ({ offsetX: x, offsetY: y }) => {
  if (dragged !== undefined) {
    dragged.far ||= Math.abs(x - dragged.x) > CLICK;
    const { from } = dragged;
    if (dragged.far) {
      canvas.classList.add('dragged');
      hideTip();
      return look(panned(from, ((dragged.x - x) / place.span) * (from.to - from.from), length()));
    }
  }
  pointed = { x, y, byKey: false };
  showTip();
});
canvas.addEventListener('pointerup', ({ offsetX, offsetY }) => {
  const clicked = dragged !== undefined && !dragged.far;
  dragged = undefined;
  canvas.classList.remove('dragged');
  if (clicked) travel(offsetX, offsetY);
});
canvas.addEventListener('pointerleave', () => {
  if (dragged !== undefined || pointed?.byKey) return;
  chosen = undefined;
  hideTip();
  repaint();
});
canvas.addEventListener(
  'wheel',
  (wheel) => {
    if (timeline === undefined) return;
    wheel.preventDefault();
    const sideways = Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY) || wheel.shiftKey;
    const delta = sideways ? wheel.deltaX || wheel.deltaY : wheel.deltaY;
    if (sideways) return look(panned(window_, (delta / place.span) * (window_.to - window_.from), length()));
    const around = toPlace(Math.max(0, wheel.offsetX - place.left), window_, place.span);
    look(zoomed(window_, Math.exp(-delta / 300), around, length()));
  },
  { passive: false },
);

// Keys and buttons.

function zoomBy(factor: number): void {
  if (timeline === undefined) return;
  const here = chosen === undefined ? placeOf(timeline.here, timeline.events) : chosen + 0.5;
  const seen = here >= window_.from && here <= window_.to;
  look(zoomed(window_, factor, seen ? here : (window_.from + window_.to) / 2, length()));
}

/** By a call where calls are seen, by some pixels where they are not. */
function chooseBy(direction: number): void {
  if (timeline === undefined || timeline.events === 0) return;
  const scene = currentScene();
  const step = scene && singleCalls(scene) ? 1 : Math.max(1, Math.round(((window_.to - window_.from) / place.span) * 4));
  choose((chosen ?? timeline.here.event) + direction * step);
}

function choose(event: number): void {
  if (timeline === undefined || timeline.events === 0) return;
  chosen = Math.min(Math.max(0, event), timeline.events - 1);
  look(showing(window_, chosen + 0.5, length()));
  const x = place.left + ((chosen + 0.5 - window_.from) / (window_.to - window_.from)) * place.span;
  pointed = { x, y: place.top + place.laneHeight, byKey: true };
  showTip();
}

function goToChosen(): void {
  if (chosen !== undefined && timeline !== undefined) editor.postMessage({ kind: 'event', event: chosen });
}

function forget(): void {
  chosen = undefined;
  hideTip();
  repaint();
}

const halfWindow = () => (window_.to - window_.from) / 2;
const keys: Readonly<Record<string, () => void>> = {
  ArrowLeft: () => chooseBy(-1),
  ArrowRight: () => chooseBy(1),
  ArrowDown: () => chooseBy(-1),
  ArrowUp: () => chooseBy(1),
  Home: () => choose(0),
  End: () => choose(Infinity),
  PageUp: () => look(panned(window_, -halfWindow(), length())),
  PageDown: () => look(panned(window_, halfWindow(), length())),
  Enter: goToChosen,
  ' ': goToChosen,
  Escape: forget,
  '+': () => zoomBy(ZOOM_STEP),
  '=': () => zoomBy(ZOOM_STEP),
  '-': () => zoomBy(1 / ZOOM_STEP),
  '0': () => look(everything(length())),
};
canvas.addEventListener('keydown', (key) => {
  const run = key.ctrlKey || key.metaKey || key.altKey ? undefined : keys[key.key];
  if (run === undefined) return;
  key.preventDefault();
  run();
});
canvas.addEventListener('blur', forget);
element('in').addEventListener('click', () => zoomBy(ZOOM_STEP));
element('out').addEventListener('click', () => zoomBy(1 / ZOOM_STEP));
element('all').addEventListener('click', () => look(everything(length())));

// The panel's own life.

addEventListener('message', ({ data }: MessageEvent<ToPanel>) => heard(data));
new ResizeObserver(() => {
  resize();
  askBuckets();
}).observe(frame);
new MutationObserver(() => {
  theme = readTheme();
  resize();
}).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
element('zoom').hidden = true;
editor.postMessage({ kind: 'ready', buckets: Math.max(100, Math.round(innerWidth / PIXELS_PER_BUCKET)) });
