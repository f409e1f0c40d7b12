/** A window of the list of hostcalls that grows at both ends, filtered or not. */

import type { Hostcall, HostcallQuery, Hostcalls } from './protocol.js';

/** How many are asked for at once. */
export const PAGE = 200;
/** How many before the present are shown. */
const BEFORE = 50;

export type Fetch = (query: HostcallQuery) => Promise<Hostcalls>;

export interface Filter {
  readonly filter?: string;
  readonly failed?: boolean;
}

export class HostcallWindow {
  private constructor(
    readonly calls: readonly Hostcall[],
    /** How many fit the filter in the whole recording. */
    readonly total: number,
    /** Where the window begins: nothing before this event has been asked for. */
    private readonly from: number,
    private readonly complete: boolean,
    private readonly fetch: Fetch,
    private readonly filter: Filter,
  ) {}

  /** The part around an event. */
  static async around(event: number, filter: Filter, fetch: Fetch): Promise<HostcallWindow> {
    const from = Math.max(0, event - BEFORE);
    const { total, hostcalls } = await fetch({ ...filter, from, count: PAGE });
    const window = new HostcallWindow(hostcalls, total, from, hostcalls.length < PAGE, fetch, filter);
    // With a filter, there may be none here, but some before.
    return hostcalls.length === 0 && window.hasEarlier ? window.earlier() : window;
  }

  get hasEarlier(): boolean {
    return this.from > 0 && this.calls.length < this.total;
  }

  get hasLater(): boolean {
    return !this.complete && this.calls.length < this.total;
  }

  covers(event: number): boolean {
    const last = this.calls.at(-1);
    const to = this.complete || last === undefined ? Infinity : last.event;
    return event >= this.from && event <= to;
  }

  /** The window with those that come next. */
  async later(): Promise<HostcallWindow> {
    const last = this.calls.at(-1);
    const from = last === undefined ? this.from : last.event + 1;
    const { total, hostcalls } = await this.fetch({ ...this.filter, from, count: PAGE });
    const calls = [...this.calls, ...hostcalls];
    return new HostcallWindow(calls, total, this.from, hostcalls.length < PAGE, this.fetch, this.filter);
  }

  /** The window with those before it: it looks back farther and farther until there is one. */
  async earlier(): Promise<HostcallWindow> {
    let from = this.from;
    for (let back = PAGE; from > 0; back *= 2) {
      const to = from;
      from = Math.max(0, to - back);
      const found = await this.between(from, to);
      if (found.length > 0) {
        return new HostcallWindow([...found, ...this.calls], this.total, from, this.complete, this.fetch, this.filter);
      }
    }
    return new HostcallWindow(this.calls, this.total, 0, this.complete, this.fetch, this.filter);
  }

  /** All from one event to before another, page by page. */
  private async between(from: number, to: number): Promise<Hostcall[]> {
    const found: Hostcall[] = [];
    for (let next = from; next < to; ) {
      const { hostcalls } = await this.fetch({ ...this.filter, from: next, count: Math.min(PAGE, to - next) });
      const last = hostcalls.at(-1);
      if (last === undefined) break;
      found.push(...hostcalls.filter((call) => call.event < to));
      next = last.event + 1;
    }
    return found;
  }
}
