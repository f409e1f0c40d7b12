/** Hostcalls that the panel has been told, page by page, and what is still to be asked. */

import type { Hostcall } from '../protocol.js';

export const PAGE = 200;
/** Lifted values can be long: what was seen long ago is asked for again. */
const PAGES_KEPT = 100;

export class CallStore {
  private readonly pages = new Map<number, ReadonlyMap<number, Hostcall>>();
  private readonly asked = new Set<number>();

  get(event: number): Hostcall | undefined {
    return this.pages.get(pageOf(event))?.get(event);
  }

  /** The beginnings of pages that lack between two events; they count as asked from now on. */
  lacking(from: number, to: number): number[] {
    const found: number[] = [];
    for (let page = pageOf(from); page < to; page += PAGE) {
      if (this.pages.has(page) || this.asked.has(page)) continue;
      this.asked.add(page);
      found.push(page);
    }
    return found;
  }

  put(from: number, calls: readonly Hostcall[]): void {
    this.asked.delete(from);
    if (calls.length === 0) return;
    this.pages.set(from, new Map(calls.map((call) => [call.event, call])));
    const [oldest] = this.pages.keys();
    if (this.pages.size > PAGES_KEPT && oldest !== undefined) this.pages.delete(oldest);
  }

  clear(): void {
    this.pages.clear();
    this.asked.clear();
  }

  /** The call of an interface that is nearest to a place, among those known between two events. */
  nearest(inter: string | undefined, from: number, to: number, place: number): Hostcall | undefined {
    let best: Hostcall | undefined;
    for (let event = Math.max(0, Math.floor(from)); event < to; event++) {
      const call = this.get(event);
      if (call === undefined || (inter !== undefined && call.interface !== inter)) continue;
      if (best === undefined || Math.abs(call.event + 0.5 - place) < Math.abs(best.event + 0.5 - place)) best = call;
    }
    return best;
  }
}

function pageOf(event: number): number {
  return Math.floor(event / PAGE) * PAGE;
}
