/** The view *Handles*: the table of each component instance, and what is never dropped. */

import * as vscode from 'vscode';
import type { Handle, Instance, LifeEvent } from './protocol.js';
import { type Recordings, reporting, TOO_OLD } from './recording.js';
import { handleKind } from './wording.js';

type Item =
  | { readonly kind: 'instance'; readonly instance: Instance }
  | { readonly kind: 'leaks'; readonly handles: readonly Handle[] }
  | { readonly kind: 'handle'; readonly handle: Handle; readonly leaked: boolean }
  | { readonly kind: 'event'; readonly event: LifeEvent };

type At = 'here' | 'end';

export class HandlesView implements vscode.TreeDataProvider<Item>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Item>;
  private readonly subscriptions: vscode.Disposable[];
  private instances: readonly Instance[] = [];
  private at: At = 'here';
  /** The recording, stop and time that are shown. */
  private shown = '';

  constructor(private readonly recordings: Recordings) {
    this.view = vscode.window.createTreeView('rr-dap.handles', { treeDataProvider: this, showCollapseAll: true });
    this.subscriptions = [
      this.changed,
      this.view,
      recordings.onDidChange(() => void this.refresh()),
      this.view.onDidChangeVisibility(() => void this.refresh()),
      vscode.commands.registerCommand('rr-dap.showHandlesAtEnd', () => reporting(() => this.look('end'))),
      vscode.commands.registerCommand('rr-dap.showHandlesHere', () => reporting(() => this.look('here'))),
    ];
  }

  getChildren(parent?: Item): Item[] {
    if (parent === undefined) return this.roots();
    switch (parent.kind) {
      case 'instance':
        return inInstance(parent.instance);
      case 'leaks':
        return parent.handles.map((handle) => ({ kind: 'handle', handle, leaked: true }));
      case 'handle':
        return (parent.handle.life ?? []).map((event) => ({ kind: 'event', event }));
      case 'event':
        return [];
    }
  }

  getTreeItem(item: Item): vscode.TreeItem {
    switch (item.kind) {
      case 'instance':
        return new vscode.TreeItem(`instance ${item.instance.instance}`, vscode.TreeItemCollapsibleState.Expanded);
      case 'leaks':
        return leaksItem(item.handles);
      case 'handle':
        return handleItem(item.handle, item.leaked);
      case 'event':
        return eventItem(item.event);
    }
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** With one instance only, its handles need no heading. */
  private roots(): Item[] {
    const [only, ...others] = this.instances;
    if (only !== undefined && others.length === 0) return inInstance(only);
    return this.instances.map((instance) => ({ kind: 'instance', instance }));
  }

  private async look(at: At): Promise<void> {
    this.at = at;
    void vscode.commands.executeCommand('setContext', 'rr-dap.handlesAtEnd', at === 'end');
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const recording = this.recordings.current;
    if (recording === undefined || recording.stop === 0) return this.show([], undefined, '');
    if (!recording.travels) return this.show([], TOO_OLD, '');
    const wanted = `${recording.session.id} ${recording.stop} ${this.at}`;
    if (!this.view.visible || wanted === this.shown) return;
    this.shown = wanted;
    try {
      const { instances } = await recording.ask('rr/resources', { at: this.at });
      if (this.shown === wanted) this.show(instances, explained(instances, this.at), wanted);
    } catch (error) {
      if (this.shown === wanted) this.show([], error instanceof Error ? error.message : String(error), wanted);
    }
  }

  private show(instances: readonly Instance[], message: string | undefined, shown: string): void {
    this.instances = instances;
    this.shown = shown;
    this.view.message = message;
    this.view.description = shown === '' ? undefined : this.at === 'end' ? 'at the end' : 'here';
    this.changed.fire();
  }
}

function explained(instances: readonly Instance[], at: At): string | undefined {
  const some = instances.some(({ handles, leaks }) => handles.length > 0 || (leaks?.length ?? 0) > 0);
  if (some) return undefined;
  return at === 'here' ? 'There are no handles at this moment.' : 'There were no handles at the end.';
}

function inInstance({ handles, leaks = [] }: Instance): Item[] {
  const rows = handles.map((handle): Item => ({ kind: 'handle', handle, leaked: false }));
  return leaks.length === 0 ? rows : [...rows, { kind: 'leaks', handles: leaks }];
}

function leaksItem(handles: readonly Handle[]): vscode.TreeItem {
  const item = new vscode.TreeItem('Never dropped', vscode.TreeItemCollapsibleState.Collapsed);
  item.description = `${handles.length}`;
  item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  return item;
}

function handleItem(handle: Handle, leaked: boolean): vscode.TreeItem {
  const known = (handle.life?.length ?? 0) > 0;
  const state = known ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
  const item = new vscode.TreeItem(`${handle.index}  ${handleKind(handle)}`, state);
  item.description = handle.meaning ?? handle.state ?? '';
  item.tooltip = [`handle ${handle.index}: ${handleKind(handle)}`, handle.type, handle.meaning, handle.state].filter(Boolean).join('\n');
  item.iconPath = new vscode.ThemeIcon(leaked ? 'warning' : handle.kind === 'borrow' ? 'link' : 'key');
  return item;
}

function eventItem(event: LifeEvent): vscode.TreeItem {
  const number = typeof event.event === 'number' ? `${event.event}  ` : '';
  const item = new vscode.TreeItem(`${number}${event.what}`);
  item.tooltip = number === '' ? event.what : `event ${event.event}: ${event.what}`;
  item.iconPath = new vscode.ThemeIcon('symbol-event');
  if (typeof event.event === 'number') {
    item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ event: event.event }] };
  }
  return item;
}
