/** A view that lists what a recording has many of, around the present: hostcalls, requests, messages. */

import * as vscode from 'vscode';
import { type Found, ListWindow, type Part } from './listWindow.js';
import { type Recording, type Recordings, reporting } from './recording.js';

export type Item<Entry> =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'later' };

const EARLIER = { kind: 'earlier' } as const;
const LATER = { kind: 'later' } as const;

/** What is said above a list. */
export interface Said {
  readonly message: string | undefined;
  readonly description: string;
}

export abstract class ListView<Entry> implements vscode.TreeDataProvider<Item<Entry>>, vscode.Disposable {
  protected readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  protected readonly view: vscode.TreeView<Item<Entry>>;
  private readonly subscriptions: vscode.Disposable[];
  private window: ListWindow<Entry> | undefined;
  /** The items that are shown, so that one of them can be revealed. */
  private items: readonly Item<Entry>[] = [];
  /** The tree knows its items by identity: an entry keeps its own as long as it is the same. */
  private readonly itemOf = new Map<number, Item<Entry>>();
  protected of: Recording | undefined;
  /** The number of the entry where the session is. */
  protected here: number | undefined;
  protected newsSeen = 0;
  private grownSeen = 0;

  /** `plural` is what they are called in the view's name and in those of its commands: `Hostcalls`. */
  constructor(
    protected readonly recordings: Recordings,
    private readonly plural: string,
  ) {
    this.view = vscode.window.createTreeView(`rr-dap.${plural.toLowerCase()}`, { treeDataProvider: this });
    this.subscriptions = [
      this.changed,
      this.view,
      recordings.onDidChange((recording) => void this.follow(recording)),
      this.view.onDidChangeVisibility(() => void this.follow(recordings.current)),
    ];
  }

  protected command(name: string, run: (item?: Item<Entry>) => Promise<unknown>): void {
    this.subscriptions.push(vscode.commands.registerCommand(`rr-dap.${name}`, (item?: Item<Entry>) => reporting(() => run(item))));
  }

  protected abstract numberOf(entry: Entry): number;
  /** A part of the list, as it is filtered. */
  protected abstract fetch(recording: Recording, part: Part): Promise<Found<Entry>>;
  /** The number of the entry where the session is, if it is in one. */
  protected abstract present(recording: Recording): Promise<number | undefined>;
  protected abstract entryItem(entry: Entry): vscode.TreeItem;
  protected abstract said(window: ListWindow<Entry>): Said;

  /** Whether an item can go on standing for an entry. */
  protected isSame(_known: Entry, _entry: Entry): boolean {
    return true;
  }

  /** Whether to look now, once there is something new; `isOld` tells that there is something newer. */
  protected async isToBeShown(_recording: Recording, _isOld: () => boolean): Promise<boolean> {
    return this.view.visible;
  }

  /** Another recording is looked at, or none. */
  protected forgotten(): void {}

  getChildren(parent?: Item<Entry>): readonly Item<Entry>[] & Item<Entry>[] {
    return (parent === undefined ? [...this.items] : []) as Item<Entry>[];
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(item: Item<Entry>): vscode.TreeItem {
    if (item.kind === 'entry') return this.entryItem(item.entry);
    const label = `${item.kind === 'earlier' ? 'Earlier' : 'Later'} ${this.plural.toLowerCase()}…`;
    const more = new vscode.TreeItem(label);
    more.iconPath = new vscode.ThemeIcon(item.kind === 'earlier' ? 'arrow-up' : 'arrow-down');
    more.command = { command: `rr-dap.${item.kind}${this.plural}`, title: label };
    return more;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** The sign of an entry: where the session is, that it failed, or another. */
  protected icon(entry: Entry, failed: boolean, usual: string): vscode.ThemeIcon {
    if (this.numberOf(entry) === this.here) {
      return new vscode.ThemeIcon('debug-stackframe', new vscode.ThemeColor('debugIcon.breakpointCurrentStackframeForeground'));
    }
    if (failed) return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
    return new vscode.ThemeIcon(usual);
  }

  /** Shows the entries around the present, once somebody looks. */
  private async follow(recording: Recording | undefined): Promise<void> {
    if (recording !== this.of) this.forget(recording);
    if (recording === undefined || recording.stop === 0 || recording.news === this.newsSeen) return;
    const news = recording.news;
    const isOld = () => recording !== this.of || recording.news !== news;
    try {
      if (!(await this.isToBeShown(recording, isOld)) || isOld()) return;
      this.newsSeen = news;
      if (this.grownSeen !== recording.grown) this.window = undefined;
      this.grownSeen = recording.grown;
      const present = await this.present(recording);
      const at = present ?? this.here ?? 0;
      const window = this.window?.covers(at) ? this.window : await this.around(recording, at);
      if (isOld()) return;
      this.here = present;
      this.show(window);
      await this.reveal();
    } catch (error) {
      if (!isOld() && this.view.visible) this.view.message = String(error instanceof Error ? error.message : error);
    }
  }

  private forget(recording: Recording | undefined): void {
    this.of = recording;
    this.window = undefined;
    this.here = undefined;
    this.newsSeen = 0;
    this.items = [];
    this.itemOf.clear();
    this.view.message = undefined;
    this.forgotten();
    this.changed.fire();
  }

  private around(recording: Recording, number: number): Promise<ListWindow<Entry>> {
    const fetch = (part: Part) => this.fetch(recording, part);
    return ListWindow.around(number, { fetch, numberOf: (entry) => this.numberOf(entry) });
  }

  private show(window: ListWindow<Entry>): void {
    this.window = window;
    const entries = window.items.map((entry) => this.itemFor(entry));
    this.items = [...(window.hasEarlier ? [EARLIER] : []), ...entries, ...(window.hasLater ? [LATER] : [])];
    const { message, description } = this.said(window);
    this.view.message = message;
    this.view.description = description;
    this.changed.fire();
  }

  private itemFor(entry: Entry): Item<Entry> {
    const number = this.numberOf(entry);
    const known = this.itemOf.get(number);
    if (known?.kind === 'entry' && this.isSame(known.entry, entry)) return known;
    const item: Item<Entry> = { kind: 'entry', entry };
    this.itemOf.set(number, item);
    return item;
  }

  private async reveal(): Promise<void> {
    const item = this.here === undefined ? undefined : this.itemOf.get(this.here);
    if (item !== undefined && this.items.includes(item) && this.view.visible) await this.view.reveal(item, { select: true, focus: false });
  }

  /** Shows the list anew, as it is filtered now. */
  protected async relist(): Promise<void> {
    const recording = this.recordings.current;
    if (recording === undefined || recording.stop === 0) return;
    this.show(await this.around(recording, this.here ?? 0));
    await this.reveal();
  }

  protected async earlier(): Promise<void> {
    if (this.window !== undefined) this.show(await this.window.earlier());
  }

  protected async later(): Promise<void> {
    if (this.window !== undefined) this.show(await this.window.later());
  }
}
