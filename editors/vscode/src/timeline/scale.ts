/**
 * Where events are on the strip. An axis is measured in events (event 7 is the stretch from 7
 * to 8), or in percent where a recording has no events; the part that is seen is a window of it.
 */

/** The part of the axis that is seen. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Nobody needs to see less than this many events on a whole strip. */
const NARROWEST = 4;

export function everything(length: number): Window {
  return { from: 0, to: Math.max(length, 1) };
}

/** Moves a window into the axis, and keeps it as wide as it is if that is possible. */
function within(window: Window, length: number): Window {
  const all = everything(length);
  const width = Math.min(window.to - window.from, all.to);
  const from = Math.min(Math.max(window.from, 0), all.to - width);
  return { from, to: from + width };
}

/** `factor` above 1 shows less; `around` stays where it is. */
export function zoomed(window: Window, factor: number, around: number, length: number): Window {
  const all = everything(length);
  const old = window.to - window.from;
  const width = Math.min(all.to, Math.max(old / factor, Math.min(NARROWEST, all.to)));
  const part = (around - window.from) / old;
  const from = around - part * width;
  return within({ from, to: from + width }, length);
}

export function panned(window: Window, by: number, length: number): Window {
  return within({ from: window.from + by, to: window.to + by }, length);
}

/** The window moved as little as needed for a place to be seen, with some room around it. */
export function showing(window: Window, place: number, length: number): Window {
  const margin = (window.to - window.from) / 20;
  if (place < window.from + margin) return panned(window, place - margin - window.from, length);
  if (place > window.to - margin) return panned(window, place + margin - window.to, length);
  return window;
}

/** A window after the axis has got another length. */
export function fitted(window: Window, length: number): Window {
  return within(window, length);
}

export function toPixel(place: number, window: Window, width: number): number {
  return ((place - window.from) / (window.to - window.from)) * width;
}

export function toPlace(pixel: number, window: Window, width: number): number {
  return window.from + (pixel / width) * (window.to - window.from);
}

/** Round numbers to write under the strip, at least `apart` pixels from each other. */
export function ticks(window: Window, width: number, apart: number): number[] {
  const least = ((window.to - window.from) * apart) / Math.max(width, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= least) ?? power * 10;
  const found: number[] = [];
  for (let place = Math.ceil(window.from / step) * step; place <= window.to; place += step) found.push(place);
  return found;
}
