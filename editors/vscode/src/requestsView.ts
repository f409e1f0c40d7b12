/** The view *Requests*: what a service was asked, and what became of it. */

import * as vscode from 'vscode';
import { ListWindow, type Part } from './listWindow.js';
import type { ServedRequest } from './protocol.js';
import { type Recording, type Recordings, reporting } from './recording.js';
import { durationText, grouped, requestFacts, requestLine } from './wording.js';

type Item =
  | { readonly kind: 'request'; readonly request: ServedRequest }
  | { readonly kind: 'earlier' }
  | { readonly kind: 'later' };

const EARLIER: Item = { kind: 'earlier' };
const LATER: Item = { kind: 'later' };

export class RequestsView implements vscode.TreeDataProvider<Item>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Item>;
  private readonly subscriptions: vscode.Disposable[];
  private failedOnly = false;
  private window: ListWindow<ServedRequest> | undefined;
  private items: readonly Item[] = [];
  /** The tree knows its items by identity; a request's own changes as more of it becomes known. */
  private readonly itemOf = new Map<number, Item>();
  private of: Recording | undefined;
  private here: number | undefined;
  private newsSeen = 0;
  private growthSeen = 0;
  /** Whether there is anything to be shown in `of`. */
  private hasRequests = false;

  constructor(private readonly recordings: Recordings) {
    this.view = vscode.window.createTreeView('rr-dap.requests', { treeDataProvider: this });
    const command = (name: string, run: () => Promise<unknown>) =>
      vscode.commands.registerCommand(`rr-dap.${name}`, () => reporting(run));
    this.subscriptions = [
      this.changed,
      this.view,
      recordings.onDidChange((recording) => void this.follow(recording)),
      this.view.onDidChangeVisibility(() => void this.follow(recordings.current)),
      command('showFailedRequests', () => this.refilter(true)),
      command('showAllRequests', () => this.refilter(false)),
      command('earlierRequests', () => this.grow((window) => window.earlier())),
      command('laterRequests', () => this.grow((window) => window.later())),
    ];
  }

  getChildren(parent?: Item): readonly Item[] & Item[] {
    return (parent === undefined ? [...this.items] : []) as Item[];
  }

  getParent(): undefined {
    return undefined;
  }

  getTreeItem(item: Item): vscode.TreeItem {
    if (item.kind === 'request') return this.requestItem(item.request);
    const label = item.kind === 'earlier' ? 'Earlier requests…' : 'Later requests…';
    const more = new vscode.TreeItem(label);
    more.iconPath = new vscode.ThemeIcon(item.kind === 'earlier' ? 'arrow-up' : 'arrow-down');
    more.command = { command: `rr-dap.${item.kind}Requests`, title: label };
    return more;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private requestItem(request: ServedRequest): vscode.TreeItem {
    const item = new vscode.TreeItem(`${request.number}  ${request.title}`);
    item.id = `${request.number}`;
    item.description = requestLine(request);
    item.tooltip = tooltip(request);
    item.iconPath = this.icon(request);
    // One that never came to the program is nowhere in it.
    if (typeof request.start === 'number') {
      item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ request: request.number }] };
    }
    const marks = [request.failed ? ', failed' : '', request.number === this.here ? ', here' : ''].join('');
    item.accessibilityInformation = { label: `request ${request.number}, ${request.title}, ${requestLine(request)}${marks}` };
    return item;
  }

  private icon(request: ServedRequest): vscode.ThemeIcon {
    if (request.number === this.here) {
      return new vscode.ThemeIcon('debug-stackframe', new vscode.ThemeColor('debugIcon.breakpointCurrentStackframeForeground'));
    }
    if (request.failed) return new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
    return new vscode.ThemeIcon(request.outcome === 'unfinished' ? 'watch' : 'globe');
  }

  /** Shows the requests around the present, once somebody looks; before, only whether there are any. */
  private async follow(recording: Recording | undefined): Promise<void> {
    if (recording !== this.of) this.forget(recording);
    if (recording === undefined || recording.stop === 0 || !recording.travels || recording.news === this.newsSeen) return;
    if (this.hasRequests && !this.view.visible) return;
    const news = (this.newsSeen = recording.news);
    const isOld = () => recording !== this.of || recording.news !== news;
    try {
      if (!this.view.visible) {
        const { total } = await recording.ask('rr/requests', { count: 0 });
        if (isOld()) return;
        this.say(total > 0);
        // The view that comes now asks for itself.
        if (total > 0) this.newsSeen = 0;
        return;
      }
      if (this.growthSeen !== recording.growth) this.window = undefined;
      this.growthSeen = recording.growth;
      const { here } = await recording.ask('rr/requests', { count: 0 });
      const at = here ?? this.here ?? 0;
      const window = this.window?.covers(at) ? this.window : await this.around(recording, at);
      if (isOld()) return;
      this.here = here ?? undefined;
      this.show(window);
      await this.reveal();
    } catch (error) {
      if (!isOld() && this.hasRequests) this.view.message = String(error instanceof Error ? error.message : error);
    }
  }

  private say(hasRequests: boolean): void {
    this.hasRequests = hasRequests;
    void vscode.commands.executeCommand('setContext', 'rr-dap.hasRequests', hasRequests);
  }

  private forget(recording: Recording | undefined): void {
    this.of = recording;
    this.window = undefined;
    this.here = undefined;
    this.newsSeen = 0;
    this.items = [];
    this.itemOf.clear();
    this.view.message = undefined;
    this.say(false);
    this.changed.fire();
  }

  private around(recording: Recording, number: number): Promise<ListWindow<ServedRequest>> {
    const failed = this.failedOnly;
    const fetch = async (part: Part) => {
      const { total, requests } = await recording.ask('rr/requests', { failed, ...part });
      return { total, items: requests };
    };
    return ListWindow.around(number, { fetch, numberOf: (request) => request.number });
  }

  private show(window: ListWindow<ServedRequest>): void {
    this.window = window;
    const requests = window.items.map((request) => this.itemFor(request));
    this.items = [...(window.hasEarlier ? [EARLIER] : []), ...requests, ...(window.hasLater ? [LATER] : [])];
    this.view.message = window.items.length === 0 && this.failedOnly ? 'No request failed.' : undefined;
    this.view.description = this.failedOnly ? `failed: ${grouped(window.total)}` : grouped(window.total);
    this.changed.fire();
  }

  private itemFor(request: ServedRequest): Item {
    const known = this.itemOf.get(request.number);
    if (known?.kind === 'request' && known.request.outcome === request.outcome) return known;
    const item: Item = { kind: 'request', request };
    this.itemOf.set(request.number, item);
    return item;
  }

  private async reveal(): Promise<void> {
    const item = this.here === undefined ? undefined : this.itemOf.get(this.here);
    if (item !== undefined && this.items.includes(item) && this.view.visible) await this.view.reveal(item, { select: true, focus: false });
  }

  private async refilter(failedOnly: boolean): Promise<void> {
    this.failedOnly = failedOnly;
    void vscode.commands.executeCommand('setContext', 'rr-dap.failedRequestsOnly', failedOnly);
    const recording = this.recordings.current;
    if (recording === undefined || recording.stop === 0) return;
    this.show(await this.around(recording, this.here ?? 0));
    await this.reveal();
  }

  private async grow(more: (window: ListWindow<ServedRequest>) => Promise<ListWindow<ServedRequest>>): Promise<void> {
    if (this.window !== undefined) this.show(await more(this.window));
  }
}

function tooltip(request: ServedRequest): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**request ${request.number}**${request.failed ? ' — failed' : ''}\n`);
  text.appendCodeblock(request.title, 'http');
  const took = typeof request.durationNs === 'number' ? durationText(request.durationNs) : undefined;
  text.appendText(requestFacts(request, took).join('\n'));
  return text;
}
