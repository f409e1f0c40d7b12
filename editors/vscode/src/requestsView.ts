/** The view *Requests*: what a service was asked, and what became of it. */

import * as vscode from 'vscode';
import { ListView, type Said } from './listView.js';
import type { Found, ListWindow, Part } from './listWindow.js';
import type { ServedRequest } from './protocol.js';
import type { Recording, Recordings } from './recording.js';
import { durationText, grouped, requestFacts, requestLine } from './wording.js';

export class RequestsView extends ListView<ServedRequest> {
  private failedOnly = false;
  /** Whether there is anything to be shown in the recording that is looked at. */
  private hasRequests = false;

  constructor(recordings: Recordings) {
    super(recordings, 'Requests');
    this.command('showFailedRequests', () => this.refilter(true));
    this.command('showAllRequests', () => this.refilter(false));
    this.command('earlierRequests', () => this.earlier());
    this.command('laterRequests', () => this.later());
  }

  protected override numberOf(request: ServedRequest): number {
    return request.number;
  }

  protected override async fetch(recording: Recording, part: Part): Promise<Found<ServedRequest>> {
    const { total, requests } = await recording.ask('rr/requests', { failed: this.failedOnly, ...part });
    return { total, items: requests };
  }

  protected override async present(recording: Recording): Promise<number | undefined> {
    const { here } = await recording.ask('rr/requests', { count: 0 });
    return here ?? undefined;
  }

  /** Before anybody can look, only whether there are any is asked: the view comes then, and asks for itself. */
  protected override async isToBeShown(recording: Recording, isOld: () => boolean): Promise<boolean> {
    if (!recording.travels) return false;
    if (this.view.visible || this.hasRequests) return this.view.visible;
    const news = (this.newsSeen = recording.news);
    const { total } = await recording.ask('rr/requests', { count: 0 });
    if (!isOld()) this.say(total > 0);
    if (total > 0 && this.newsSeen === news) this.newsSeen = 0;
    return false;
  }

  protected override isSame(known: ServedRequest, request: ServedRequest): boolean {
    return known.outcome === request.outcome;
  }

  protected override forgotten(): void {
    this.say(false);
  }

  protected override entryItem(request: ServedRequest): vscode.TreeItem {
    const item = new vscode.TreeItem(`${request.number}  ${request.title}`);
    item.id = `${request.number}`;
    item.description = requestLine(request);
    item.tooltip = tooltip(request);
    item.iconPath = this.icon(request, request.failed, request.outcome === 'unfinished' ? 'watch' : 'globe');
    // One that never came to the program is nowhere in it.
    if (typeof request.start === 'number') {
      item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ request: request.number }] };
    }
    const marks = [request.failed ? ', failed' : '', request.number === this.here ? ', here' : ''].join('');
    item.accessibilityInformation = { label: `request ${request.number}, ${request.title}, ${requestLine(request)}${marks}` };
    return item;
  }

  protected override said(window: ListWindow<ServedRequest>): Said {
    const total = grouped(window.total);
    return {
      message: window.items.length === 0 && this.failedOnly ? 'No request failed.' : undefined,
      description: this.failedOnly ? `failed: ${total}` : total,
    };
  }

  private say(hasRequests: boolean): void {
    this.hasRequests = hasRequests;
    void vscode.commands.executeCommand('setContext', 'rr-dap.hasRequests', hasRequests);
  }

  private async refilter(failedOnly: boolean): Promise<void> {
    this.failedOnly = failedOnly;
    void vscode.commands.executeCommand('setContext', 'rr-dap.failedRequestsOnly', failedOnly);
    await this.relist();
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
