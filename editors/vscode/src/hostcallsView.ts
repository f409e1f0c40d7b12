/** The view *Hostcalls*. */

import * as vscode from 'vscode';
import { ListWindow, type Part } from './listWindow.js';
import type { Hostcall, HostcallQuery } from './protocol.js';
import { type Recording, type Recordings, reporting, STAYS, TOO_OLD } from './recording.js';
import { briefValues, callValues, cut, grouped, shortFunction, shortInterface } from './wording.js';

type Filter = Pick<HostcallQuery, 'filter' | 'failed'>;

type Item =
  | { readonly kind: 'call'; readonly call: Hostcall }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'later' };

const EARLIER: Item = { kind: 'earlier' };
const LATER: Item = { kind: 'later' };
const SHOWN_VALUES = 160;

export class HostcallsView implements vscode.TreeDataProvider<Item>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Item>;
  private readonly subscriptions: vscode.Disposable[];
  private filter: Filter = {};
  private window: ListWindow<Hostcall> | undefined;
  /** The items that are shown, so that one of them can be revealed. */
  private items: readonly Item[] = [];
  /** The tree knows its items by identity: a call keeps its own as long as it is the same call. */
  private readonly itemOf = new Map<number, Item>();
  private of: Recording | undefined;
  private here: number | undefined;
  private newsSeen = 0;
  private growthSeen = 0;

  constructor(private readonly recordings: Recordings) {
    this.view = vscode.window.createTreeView('rr-dap.hostcalls', { treeDataProvider: this });
    const command = (name: string, run: () => Promise<unknown>) =>
      vscode.commands.registerCommand(`rr-dap.${name}`, () => reporting(run));
    this.subscriptions = [
      this.changed,
      this.view,
      recordings.onDidChange((recording) => void this.follow(recording)),
      this.view.onDidChangeVisibility(() => void this.follow(recordings.current)),
      command('filterHostcalls', () => this.askFilter()),
      command('clearHostcallFilter', () => this.refilter({ ...this.filter, filter: undefined })),
      command('showFailedHostcalls', () => this.refilter({ ...this.filter, failed: true })),
      command('showAllHostcalls', () => this.refilter({ ...this.filter, failed: undefined })),
      command('earlierHostcalls', () => this.grow((window) => window.earlier())),
      command('laterHostcalls', () => this.grow((window) => window.later())),
    ];
  }

  getChildren(parent?: Item): readonly Item[] & Item[] {
    return (parent === undefined ? [...this.items] : []) as Item[];
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(item: Item): vscode.TreeItem {
    if (item.kind === 'call') return this.callItem(item.call);
    const label = item.kind === 'earlier' ? 'Earlier hostcalls…' : 'Later hostcalls…';
    const more = new vscode.TreeItem(label);
    more.iconPath = new vscode.ThemeIcon(item.kind === 'earlier' ? 'arrow-up' : 'arrow-down');
    more.command = { command: `rr-dap.${item.kind}Hostcalls`, title: label };
    return more;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private callItem(call: Hostcall): vscode.TreeItem {
    const item = new vscode.TreeItem(`${call.event}  ${shortFunction(call)}`);
    item.id = `${call.event}`;
    item.description = cut(briefValues(call), SHOWN_VALUES);
    item.tooltip = callTooltip(call);
    item.iconPath = this.icon(call);
    item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ event: call.event }] };
    item.accessibilityInformation = {
      label: `event ${call.event}, ${call.name}${call.failed ? ', failed' : ''}${call.event === this.here ? ', here' : ''}`,
    };
    return item;
  }

  private icon(call: Hostcall): vscode.ThemeIcon {
    if (call.event === this.here) {
      return new vscode.ThemeIcon('debug-stackframe', new vscode.ThemeColor('debugIcon.breakpointCurrentStackframeForeground'));
    }
    if (call.failed) return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
    return new vscode.ThemeIcon('symbol-event');
  }

  /** Shows the calls around the present, once somebody looks. */
  private async follow(recording: Recording | undefined): Promise<void> {
    if (recording !== this.of) this.forget(recording);
    if (recording === undefined || recording.stop === 0 || !this.view.visible || recording.news === this.newsSeen) return;
    if (!recording.travels) {
      this.view.message = TOO_OLD;
      return;
    }
    const news = (this.newsSeen = recording.news);
    if (this.growthSeen !== recording.growth) this.window = undefined;
    this.growthSeen = recording.growth;
    try {
      const { moment } = await recording.ask('rr/when', {});
      const here = moment.event;
      const window = this.window?.covers(here) ? this.window : await this.around(recording, here);
      if (recording !== this.of || recording.news !== news) return;
      this.here = here;
      this.show(window);
      await this.reveal();
    } catch (error) {
      if (recording === this.of && recording.news === news) this.view.message = String(error instanceof Error ? error.message : error);
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
    this.changed.fire();
  }

  private around(recording: Recording, event: number): Promise<ListWindow<Hostcall>> {
    const { filter } = this;
    const fetch = async (part: Part) => {
      const { total, hostcalls } = await recording.ask('rr/hostcalls', { ...filter, ...part });
      return { total, items: hostcalls };
    };
    return ListWindow.around(event, { fetch, numberOf: (call) => call.event });
  }

  private show(window: ListWindow<Hostcall>): void {
    this.window = window;
    const calls = window.items.map((call) => this.itemFor(call));
    this.items = [...(window.hasEarlier ? [EARLIER] : []), ...calls, ...(window.hasLater ? [LATER] : [])];
    this.view.message = this.explained(window);
    this.view.description = this.described(window);
    this.changed.fire();
  }

  private itemFor(call: Hostcall): Item {
    const item = this.itemOf.get(call.event) ?? { kind: 'call', call };
    this.itemOf.set(call.event, item);
    return item;
  }

  private described(window: ListWindow<Hostcall>): string {
    const which = [this.filter.filter, this.filter.failed ? 'failed' : undefined].filter(Boolean).join(', ');
    return which === '' ? grouped(window.total) : `${which}: ${grouped(window.total)}`;
  }

  private explained(window: ListWindow<Hostcall>): string | undefined {
    if (window.items.length > 0) return undefined;
    if (this.filter.filter !== undefined) return `No hostcall fits "${this.filter.filter}".`;
    return this.filter.failed ? 'No hostcall failed.' : 'The recording has no hostcalls.';
  }

  private async reveal(): Promise<void> {
    const item = this.here === undefined ? undefined : this.itemOf.get(this.here);
    if (item !== undefined && this.items.includes(item) && this.view.visible) await this.view.reveal(item, { select: true, focus: false });
  }

  private async askFilter(): Promise<void> {
    const filter = await vscode.window.showInputBox({
      ...STAYS,
      title: 'Filter Hostcalls',
      prompt: 'A WIT path, with * for any characters; empty shows all',
      placeHolder: 'wasi:filesystem/*, *.write*, …',
      value: this.filter.filter ?? '',
    });
    if (filter !== undefined) await this.refilter({ ...this.filter, filter: filter.trim() || undefined });
  }

  async refilter(filter: Filter): Promise<void> {
    this.filter = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    void vscode.commands.executeCommand('setContext', 'rr-dap.hostcallsFiltered', this.filter.filter !== undefined);
    void vscode.commands.executeCommand('setContext', 'rr-dap.failedOnly', this.filter.failed ?? false);
    const recording = this.recordings.current;
    if (recording === undefined || recording.stop === 0) return;
    this.show(await this.around(recording, this.here ?? 0));
    await this.reveal();
  }

  private async grow(more: (window: ListWindow<Hostcall>) => Promise<ListWindow<Hostcall>>): Promise<void> {
    if (this.window !== undefined) this.show(await more(this.window));
  }
}

function callTooltip(call: Hostcall): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**event ${call.event}**${call.failed ? ' — failed' : ''}\n`);
  text.appendCodeblock(`${call.name}\n${callValues(call)}`, 'wit');
  if (call.interface) text.appendMarkdown(`in ${shortInterface(call.interface)}`);
  return text;
}
