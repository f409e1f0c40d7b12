/** The view *Hostcalls*. */

import * as vscode from 'vscode';
import { builtinsShown, showBuiltins } from './builtins.js';
import { ListView, type Said } from './listView.js';
import type { Found, ListWindow, Part } from './listWindow.js';
import type { Hostcall, HostcallQuery } from './protocol.js';
import { type Recording, type Recordings, STAYS, TOO_OLD } from './recording.js';
import { briefValues, callValues, cut, grouped, shortFunction, shortInterface } from './wording.js';

type Filter = Pick<HostcallQuery, 'filter' | 'failed'>;

const SHOWN_VALUES = 160;
/** The sign of what is there, but hardly ever matters. */
const DIM = new vscode.ThemeIcon('circle-small', new vscode.ThemeColor('disabledForeground'));

export class HostcallsView extends ListView<Hostcall> {
  private filter: Filter = {};

  constructor(recordings: Recordings) {
    super(recordings, 'Hostcalls');
    this.command('filterHostcalls', () => this.askFilter());
    this.command('clearHostcallFilter', () => this.refilter({ ...this.filter, filter: undefined }));
    this.command('showFailedHostcalls', () => this.refilter({ ...this.filter, failed: true }));
    this.command('showAllHostcalls', () => this.refilter({ ...this.filter, failed: undefined }));
    this.command('showBuiltins', () => this.withBuiltins(true));
    this.command('hideBuiltins', () => this.withBuiltins(false));
    this.command('earlierHostcalls', () => this.earlier());
    this.command('laterHostcalls', () => this.later());
    this.command('goToResult', async (item) => {
      const event = item?.kind === 'entry' ? item.entry.later?.event : undefined;
      if (event !== undefined && event !== null) await vscode.commands.executeCommand('rr-dap.seek', { event });
    });
  }

  protected override numberOf(call: Hostcall): number {
    return call.event;
  }

  protected override async fetch(recording: Recording, part: Part): Promise<Found<Hostcall>> {
    const { total, hostcalls } = await recording.ask('rr/hostcalls', { ...this.filter, builtins: builtinsShown(), ...part });
    return { total, items: hostcalls };
  }

  protected override async present(recording: Recording): Promise<number> {
    const { moment } = await recording.ask('rr/when', {});
    return moment.event;
  }

  protected override async isToBeShown(recording: Recording): Promise<boolean> {
    if (this.view.visible && !recording.travels) this.view.message = TOO_OLD;
    return this.view.visible && recording.travels;
  }

  protected override entryItem(call: Hostcall): vscode.TreeItem {
    const item = new vscode.TreeItem(`${call.event}  ${shortFunction(call)}`);
    item.id = `${call.event}`;
    item.description = cut(briefValues(call), SHOWN_VALUES);
    item.tooltip = callTooltip(call);
    item.iconPath = call.builtin && call.event !== this.here ? DIM : this.icon(call, call.failed, 'symbol-event');
    item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ event: call.event }] };
    if (typeof call.later?.event === 'number') item.contextValue = 'later';
    item.accessibilityInformation = {
      label: `event ${call.event}, ${call.name}${call.failed ? ', failed' : ''}${call.event === this.here ? ', here' : ''}`,
    };
    return item;
  }

  protected override said(window: ListWindow<Hostcall>): Said {
    const which = [this.filter.filter, this.filter.failed ? 'failed' : undefined].filter(Boolean).join(', ');
    const total = grouped(window.total);
    return { message: this.explained(window), description: which === '' ? total : `${which}: ${total}` };
  }

  private explained(window: ListWindow<Hostcall>): string | undefined {
    if (window.items.length > 0) return undefined;
    if (this.filter.filter !== undefined) return `No hostcall fits "${this.filter.filter}".`;
    return this.filter.failed ? 'No hostcall failed.' : 'The recording has no hostcalls.';
  }

  private async withBuiltins(show: boolean): Promise<void> {
    await showBuiltins(show);
    await this.relist();
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
    await this.relist();
  }
}

function callTooltip(call: Hostcall): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown(`**event ${call.event}**${call.failed ? ' — failed' : ''}\n`);
  text.appendCodeblock(`${call.name}\n${callValues(call)}`, 'wit');
  for (const told of call.told ?? []) text.appendMarkdown(`${told.inCall ? 'tells' : 'before it'}: `).appendText(`${told.text}\n`);
  if (call.interface) text.appendMarkdown(`in ${shortInterface(call.interface)}`);
  return text;
}
