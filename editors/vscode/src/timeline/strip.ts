/** The panel's own side of *Timeline*: it shows what the extension tells it, and says where to go. */

import { HostcallShow } from './hostcallShow.js';
import { type Layout, layout } from './layout.js';
import type { FromPanel, Shown, ToPanel } from './messages.js';
import { everything, fitted, panned, showing, toPlace, type Window, zoomed } from './scale.js';
import type { Pointed, Show, Sight } from './show.js';
import { SystemShow } from './systemShow.js';
import { readTheme, type Theme } from './theme.js';

declare function acquireVsCodeApi(): { postMessage(message: FromPanel): void };

const ZOOM_STEP = 1.5;
const PIXELS_PER_BUCKET = 2;
/** A pointer that has moved farther than this has dragged, not clicked. */
const CLICK = 4;

const editor = acquireVsCodeApi();
const post = (message: FromPanel) => editor.postMessage(message);
const element = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;
const canvas = element<HTMLCanvasElement>('strip');
const frame = element('frame');
const tip = element('tip');
const context = canvas.getContext('2d') as CanvasRenderingContext2D;

let show: Show | undefined;
let window_: Window = everything(1);
let theme: Theme = readTheme();
let place: Layout = layout(1, 1, 0, 0);
/** What the tip is about, so that it can be told anew when more of it becomes known. */
let pointed: { x: number; y: number; byKey: boolean } | undefined;
let dragged: { x: number; from: Window; far: boolean } | undefined;
let paintWanted = false;

const length = () => show?.length ?? 1;
const sight = (): Sight => ({ window: window_, layout: place, theme });

function repaint(): void {
  if (paintWanted) return;
  paintWanted = true;
  requestAnimationFrame(() => {
    paintWanted = false;
    show?.paint(context, sight());
  });
}

function resize(): void {
  if (show === undefined) return;
  context.font = `11px ${theme.font}`;
  place = show.layout(frame.clientWidth, frame.clientHeight, (text) => context.measureText(text).width);
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
  show?.ask(sight());
  repaint();
}

function heard(message: ToPanel): void {
  switch (message.kind) {
    case 'nothing':
      return showNothing(message.why);
    case 'moving':
      return document.body.classList.add('moving');
    case 'timeline': {
      const same = show instanceof HostcallShow && show.recording === message.recording ? show : undefined;
      const before = same && { here: same.here, length: same.length };
      const changed = same?.tell(message.timeline) ?? true;
      return showThis(same ?? new HostcallShow(message.timeline, message.recording, post), before, changed, message.ofSystem ? 'nodes' : undefined);
    }
    case 'system': {
      const same = show instanceof SystemShow && show.recording === message.recording ? show : undefined;
      const before = same && { here: same.here, length: same.length };
      const changed = same?.tell(message.system, message.messages) ?? true;
      return showThis(same ?? new SystemShow(message.system, message.messages, message.recording, post), before, changed, 'hostcalls');
    }
    case 'hostcalls':
      if (!(show instanceof HostcallShow) || message.recording !== show.recording) return;
      show.put(message.from, message.hostcalls);
      if (pointed !== undefined) showTip();
      if (message.hostcalls.length > 0) repaint();
  }
}

function showNothing(why: string): void {
  show = undefined;
  element('nothing').textContent = why;
  element('nothing').hidden = false;
  frame.hidden = true;
  element('zoom').hidden = element('show').hidden = true;
  element('moment').textContent = element('ending').textContent = '';
  hideTip();
}

/** `before` is where the same show was; `changed` tells that its axis is another one; `other` is what could be shown instead. */
function showThis(told: Show, before: { here: number; length: number } | undefined, changed: boolean, other: Shown | undefined): void {
  const all = everything(before?.length ?? 1);
  const showsAll = window_.from <= all.from && window_.to >= all.to;
  show = told;
  document.body.classList.remove('moving');
  element('nothing').hidden = true;
  frame.hidden = element('zoom').hidden = false;
  offer(other);
  element('moment').textContent = told.moment;
  element('ending').textContent = element('ending').title = told.ending;
  canvas.setAttribute('aria-label', told.label);
  element('keys').textContent = told.keys;
  if (before === undefined || (changed && showsAll)) window_ = everything(length());
  else if (changed) window_ = fitted(window_, length());
  else if (before.here !== told.here) window_ = showing(fitted(window_, length()), told.here, length());
  speakChoice();
  resize();
  told.ask(sight());
}

/** A button for what could be shown instead. */
function offer(other: Shown | undefined): void {
  const button = element('show');
  button.hidden = other === undefined;
  button.textContent = other === 'nodes' ? 'All Nodes' : 'Hostcalls';
  button.title = other === 'nodes' ? 'Show what all nodes said to each other' : 'Show the hostcalls of the node that was moved last';
  button.onclick = () => other && post({ kind: 'show', what: other });
}

// What is pointed at.

function showTip(): void {
  if (pointed === undefined || show === undefined) return hideTip();
  const { x, y, byKey } = pointed;
  const found: Pointed | undefined = byKey ? show.chosen(sight()) : show.point(x, y, sight());
  if (found === undefined || found.tip === '') hideTip();
  else {
    setTip(found.tip, x, y);
    if (byKey) speakChoice();
  }
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
  if (show === undefined) return;
  const { text, number, most } = show.spoken();
  canvas.setAttribute('aria-valuemax', String(most));
  canvas.setAttribute('aria-valuenow', String(number));
  canvas.setAttribute('aria-valuetext', text);
  if (pointed?.byKey) element('spoken').textContent = text;
}

// Pointer.

function travel(x: number, y: number, other: boolean): void {
  const found = show?.point(x, y, sight());
  const to = other ? (found?.goOther ?? found?.go) : found?.go;
  if (to !== undefined) post(to);
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
canvas.addEventListener('pointerup', ({ offsetX, offsetY, shiftKey }) => {
  const clicked = dragged !== undefined && !dragged.far;
  dragged = undefined;
  canvas.classList.remove('dragged');
  if (clicked) travel(offsetX, offsetY, shiftKey);
});
canvas.addEventListener('pointerleave', () => {
  if (dragged !== undefined || pointed?.byKey) return;
  forget();
});
canvas.addEventListener(
  'wheel',
  (wheel) => {
    if (show === undefined) return;
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
  if (show === undefined) return;
  const here = show.chosen(sight())?.place ?? show.here;
  const seen = here >= window_.from && here <= window_.to;
  look(zoomed(window_, factor, seen ? here : (window_.from + window_.to) / 2, length()));
}

/** Shows what the keys have chosen. */
function choose(by: -1 | 1 | 'first' | 'last'): void {
  if (show === undefined) return;
  if (typeof by === 'number') show.step(by, sight());
  else show.stepTo(by);
  const chosen = show.chosen(sight());
  if (chosen === undefined) return;
  look(showing(window_, chosen.place, length()));
  const x = place.left + ((chosen.place - window_.from) / (window_.to - window_.from)) * place.span;
  pointed = { x, y: chosen.y, byKey: true };
  showTip();
}

function goToChosen(other: boolean): void {
  const chosen = show?.chosen(sight());
  const to = other ? (chosen?.goOther ?? chosen?.go) : chosen?.go;
  if (to !== undefined) post(to);
}

function forget(): void {
  show?.forget();
  hideTip();
  repaint();
}

const halfWindow = () => (window_.to - window_.from) / 2;
const keys: Readonly<Record<string, (shift: boolean) => void>> = {
  ArrowLeft: () => choose(-1),
  ArrowRight: () => choose(1),
  ArrowDown: () => choose(-1),
  ArrowUp: () => choose(1),
  Home: () => choose('first'),
  End: () => choose('last'),
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
  run(key.shiftKey);
});
canvas.addEventListener('blur', forget);
element('in').addEventListener('click', () => zoomBy(ZOOM_STEP));
element('out').addEventListener('click', () => zoomBy(1 / ZOOM_STEP));
element('all').addEventListener('click', () => look(everything(length())));

// The panel's own life.

addEventListener('message', ({ data }: MessageEvent<ToPanel>) => heard(data));
new ResizeObserver(() => {
  resize();
  show?.ask(sight());
}).observe(frame);
new MutationObserver(() => {
  theme = readTheme();
  resize();
}).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
element('zoom').hidden = true;
post({ kind: 'ready', buckets: Math.max(100, Math.round(innerWidth / PIXELS_PER_BUCKET)) });
