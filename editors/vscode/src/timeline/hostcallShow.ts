/** The strip of a recording: its hostcalls, a lane for each interface. */

import type { Hostcall, Mark, Timeline } from '../protocol.js';
import { callValues, cut, momentText, shortInterface } from '../wording.js';
import { CallStore, PAGE } from './callStore.js';
import { axisLength, laneAt, layout, type Layout, laneTop, markAt, placeOf } from './layout.js';
import type { FromPanel } from './messages.js';
import { paint, type Scene, singleCalls } from './paint.js';
import { toPlace } from './scale.js';
import type { Pointed, Show, Sight } from './show.js';

const PIXELS_PER_BUCKET = 2;
const TIP_LENGTH = 600;

export class HostcallShow implements Show {
  readonly label = 'Timeline of hostcalls';
  readonly keys = 'Left and right choose a hostcall, Enter goes there, plus and minus zoom.';
  private readonly calls = new CallStore();
  private bucketsAsked: number;
  private event: number | undefined;

  constructor(
    private timeline: Timeline,
    readonly recording: string,
    private readonly post: (message: FromPanel) => void,
  ) {
    this.bucketsAsked = timeline.buckets.length;
  }

  /** The same recording, somewhere else; whether there is more of it. */
  tell(timeline: Timeline): boolean {
    const grown = this.timeline.events !== timeline.events;
    this.timeline = timeline;
    if (grown) {
      // Of its last page, only the beginning was known.
      this.calls.clear();
      this.bucketsAsked = timeline.buckets.length;
    }
    return grown;
  }

  put(from: number, hostcalls: readonly Hostcall[]): void {
    this.calls.put(from, hostcalls);
  }

  get length(): number {
    return axisLength(this.timeline.events);
  }

  get here(): number {
    return placeOf(this.timeline.here, this.timeline.events);
  }

  get moment(): string {
    return momentText(this.timeline.here, this.timeline.events);
  }

  get ending(): string {
    return this.timeline.ending;
  }

  layout(width: number, height: number, widthOf: (text: string) => number): Layout {
    const { interfaces } = this.timeline;
    const widest = Math.max(0, ...interfaces.map((name) => widthOf(shortInterface(name))));
    return layout(width, height, interfaces.length, widest);
  }

  paint(context: CanvasRenderingContext2D, sight: Sight): void {
    const scene = this.scene(sight);
    paint(context, scene);
    if (singleCalls(scene)) this.askCalls(scene.window.from, Math.min(scene.window.to, this.timeline.events));
  }

  /** As many buckets as the whole strip would need to be seen as finely as this part of it. */
  ask({ window, layout }: Sight): void {
    const part = (window.to - window.from) / this.length;
    const wanted = Math.min(this.length, Math.ceil(layout.span / PIXELS_PER_BUCKET / part));
    if (this.timeline.events === 0 || wanted <= this.bucketsAsked) return;
    this.bucketsAsked = wanted * 2;
    this.post({ kind: 'buckets', buckets: this.bucketsAsked });
  }

  point(x: number, y: number, sight: Sight): Pointed | undefined {
    const { window, layout } = sight;
    const mark = this.markUnder(x, y, sight);
    if (mark !== undefined) {
      return { tip: `mark ${mark.name}\n${momentText(mark.moment, this.timeline.events)}`, go: { kind: 'position', position: mark.moment.position } };
    }
    const lane = laneAt(layout, y);
    if (x < layout.left) {
      const named = lane !== undefined && lane > 0 ? this.timeline.interfaces[lane - 1] : undefined;
      return named === undefined ? undefined : { tip: named };
    }
    const event = this.eventUnder(x, y, sight);
    if (event === undefined) {
      const percent = Math.min(100, Math.max(0, toPlace(x - layout.left, window, layout.span)));
      return { tip: '', go: { kind: 'percent', percent } };
    }
    this.askCalls(event, event + 1);
    this.event = event;
    return this.pointed(event);
  }

  /** By a call where calls are seen, by some pixels where they are not. */
  step(by: -1 | 1, sight: Sight): void {
    if (this.timeline.events === 0) return;
    const { window, layout } = sight;
    const step = singleCalls(this.scene(sight)) ? 1 : Math.max(1, Math.round(((window.to - window.from) / layout.span) * 4));
    this.choose((this.event ?? this.timeline.here.event) + by * step);
  }

  stepTo(end: 'first' | 'last'): void {
    this.choose(end === 'first' ? 0 : Infinity);
  }

  chosen({ layout }: Sight): (Pointed & { place: number; y: number }) | undefined {
    if (this.event === undefined) return undefined;
    this.askCalls(this.event, this.event + 1);
    return { ...this.pointed(this.event), place: this.event + 0.5, y: laneTop(layout, 1) };
  }

  forget(): void {
    this.event = undefined;
  }

  spoken(): { text: string; number: number; most: number } {
    const event = this.event ?? this.timeline.here.event;
    return { text: this.told(event), number: event, most: Math.max(0, this.length - 1) };
  }

  private choose(event: number): void {
    if (this.timeline.events > 0) this.event = Math.min(Math.max(0, event), this.timeline.events - 1);
  }

  private pointed(event: number): Pointed {
    return { tip: this.told(event), go: { kind: 'event', event } };
  }

  private told(event: number): string {
    const call = this.calls.get(event);
    if (call === undefined) return `event ${event}`;
    return `event ${event}${call.failed ? ' — failed' : ''}\n${call.name}\n${cut(callValues(call), TIP_LENGTH)}`;
  }

  private scene(sight: Sight): Scene {
    return { timeline: this.timeline, calls: this.calls, chosen: this.event, ...sight };
  }

  private askCalls(from: number, to: number): void {
    for (const page of this.calls.lacking(Math.max(0, from), to)) {
      this.post({ kind: 'hostcalls', from: page, count: PAGE, recording: this.recording });
    }
  }

  private markUnder(x: number, y: number, { window, layout }: Sight): Mark | undefined {
    return y > layout.top ? undefined : markAt(this.timeline.marks, x, window, layout, this.timeline.events);
  }

  /** The event at a pixel: in a lane, the call of its interface that is nearest. */
  private eventUnder(x: number, y: number, { window, layout }: Sight): number | undefined {
    if (this.timeline.events === 0) return undefined;
    const at = toPlace(x - layout.left, window, layout.span);
    const event = Math.min(Math.max(0, Math.floor(at)), this.timeline.events - 1);
    const lane = laneAt(layout, y);
    if (lane === undefined || lane === 0) return event;
    const reach = ((window.to - window.from) / layout.span) * 3;
    const near = this.calls.nearest(this.timeline.interfaces[lane - 1], Math.max(at - reach, event - PAGE), Math.min(at + reach, event + PAGE), at);
    return near?.event ?? event;
  }
}
