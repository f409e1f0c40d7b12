/** A window of a long list that grows at both ends, filtered or not: of hostcalls, of requests. */

/** How many are asked for at once. */
export const PAGE = 200;
/** How many before the present are shown. */
const BEFORE = 50;

/** Numbers as they ascend in the list: of the first one that is wanted, and how many. */
export interface Part {
  readonly from: number;
  readonly count: number;
}

/** What the server says: how many there are in all, and those asked for. */
export interface Found<Item> {
  readonly total: number;
  readonly items: readonly Item[];
}

export interface List<Item> {
  readonly fetch: (part: Part) => Promise<Found<Item>>;
  readonly numberOf: (item: Item) => number;
}

export class ListWindow<Item> {
  private constructor(
    readonly items: readonly Item[],
    /** How many there are in the whole list. */
    readonly total: number,
    /** Where the window begins: nothing before this number has been asked for. */
    private readonly from: number,
    private readonly complete: boolean,
    private readonly list: List<Item>,
  ) {}

  /** The part around a number. */
  static async around<Item>(number: number, list: List<Item>): Promise<ListWindow<Item>> {
    const from = Math.max(0, number - BEFORE);
    const { total, items } = await list.fetch({ from, count: PAGE });
    const window = new ListWindow(items, total, from, items.length < PAGE, list);
    // With a filter, there may be none here, but some before.
    return items.length === 0 && window.hasEarlier ? window.earlier() : window;
  }

  get hasEarlier(): boolean {
    return this.from > 0 && this.items.length < this.total;
  }

  get hasLater(): boolean {
    return !this.complete && this.items.length < this.total;
  }

  covers(number: number): boolean {
    const last = this.items.at(-1);
    const to = this.complete || last === undefined ? Infinity : this.list.numberOf(last);
    return number >= this.from && number <= to;
  }

  /** The window with those that come next. */
  async later(): Promise<ListWindow<Item>> {
    const last = this.items.at(-1);
    const from = last === undefined ? this.from : this.list.numberOf(last) + 1;
    const { total, items } = await this.list.fetch({ from, count: PAGE });
    return new ListWindow([...this.items, ...items], total, this.from, items.length < PAGE, this.list);
  }

  /** The window with those before it: it looks back farther and farther until there is one. */
  async earlier(): Promise<ListWindow<Item>> {
    let from = this.from;
    for (let back = PAGE; from > 0; back *= 2) {
      const to = from;
      from = Math.max(0, to - back);
      const found = await this.between(from, to);
      if (found.length > 0) return new ListWindow([...found, ...this.items], this.total, from, this.complete, this.list);
    }
    return new ListWindow(this.items, this.total, 0, this.complete, this.list);
  }

  /** All from one number to before another, page by page. */
  private async between(from: number, to: number): Promise<Item[]> {
    const found: Item[] = [];
    for (let next = from; next < to; ) {
      const { items } = await this.list.fetch({ from: next, count: Math.min(PAGE, to - next) });
      const last = items.at(-1);
      if (last === undefined) break;
      found.push(...items.filter((item) => this.list.numberOf(item) < to));
      next = this.list.numberOf(last) + 1;
    }
    return found;
  }
}
