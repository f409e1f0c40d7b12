/** The view *Messages*: what the recordings of a system said to each other. */

import * as vscode from 'vscode';
import { ListView, type Item, type Said } from './listView.js';
import type { Found, ListWindow, Part } from './listWindow.js';
import type { Message } from './protocol.js';
import { type Recording, type Recordings, STAYS } from './recording.js';
import { cut, grouped, messageFacts, messageLine, messageWay } from './wording.js';

const SHOWN_LINE = 160;
/** In milliseconds. */
const PATIENCE = 500;

export class MessagesView extends ListView<Message> {
  private filter: string | undefined;
  /** Whether several recordings are debugged as one. */
  private isSystem = false;

  constructor(recordings: Recordings) {
    super(recordings, 'Messages');
    this.command('filterMessages', () => this.askFilter());
    this.command('clearMessageFilter', () => this.refilter(undefined));
    this.command('earlierMessages', () => this.earlier());
    this.command('laterMessages', () => this.later());
    this.command('goToSent', (item) => this.go(item, 'sent'));
    this.command('goToReceived', (item) => this.go(item, 'received'));
  }

  protected override numberOf(message: Message): number {
    return message.number;
  }

  protected override async fetch(recording: Recording, part: Part): Promise<Found<Message>> {
    const { total, messages } = await recording.ask('rr/messages', { ...this.filtered(), ...part });
    return { total, items: messages };
  }

  protected override async present(recording: Recording): Promise<number | undefined> {
    // The first time, all recordings may have to be listened to.
    const patience = setTimeout(() => (this.view.message = 'Finding out who spoke with whom…'), PATIENCE);
    try {
      const { now } = await recording.ask('rr/messages', { count: 0 });
      return now === 0 ? undefined : now;
    } finally {
      clearTimeout(patience);
    }
  }

  /** Whether there are several recordings is asked once; the view comes then, and asks for itself. */
  protected override async isToBeShown(recording: Recording, isOld: () => boolean): Promise<boolean> {
    if (!recording.travels) return false;
    if (this.view.visible || this.isSystem) return this.view.visible;
    const news = (this.newsSeen = recording.news);
    const { nodes } = await recording.ask('rr/system', {});
    if (!isOld()) this.say(nodes.length > 0);
    if (nodes.length > 0 && this.newsSeen === news) this.newsSeen = 0;
    return false;
  }

  /** Ends of it are past or still to come, whatever else it is. */
  protected override isSame(known: Message, message: Message): boolean {
    return known.from?.past === message.from?.past && known.to?.past === message.to?.past;
  }

  protected override forgotten(): void {
    this.say(false);
  }

  protected override entryItem(message: Message): vscode.TreeItem {
    const item = new vscode.TreeItem(messageWay(message));
    item.id = `${message.number}`;
    item.description = cut(messageLine(message), SHOWN_LINE);
    item.tooltip = tooltip(message);
    const isFault = message.kind === 'contradiction';
    item.iconPath = this.icon(message, isFault, message.kind === 'message' ? 'mail' : 'question');
    const [first] = ends(message);
    if (first !== undefined) {
      item.command = { command: 'rr-dap.goMessage', title: 'Go There', arguments: [{ number: message.number, end: first }] };
    }
    item.contextValue = ['message', ...ends(message)].join(' ');
    item.accessibilityInformation = { label: `${message.text}${message.number === this.here ? ', here' : ''}` };
    return item;
  }

  protected override said(window: ListWindow<Message>): Said {
    const total = grouped(window.total);
    return {
      message: this.explained(window),
      description: this.filter === undefined ? total : `${this.filter}: ${total}`,
    };
  }

  private explained(window: ListWindow<Message>): string | undefined {
    if (window.items.length > 0) return undefined;
    return this.filter === undefined ? 'These recordings said nothing to each other.' : `No message has "${this.filter}" in its line.`;
  }

  private filtered(): { filter?: string } {
    return this.filter === undefined ? {} : { filter: this.filter };
  }

  private say(isSystem: boolean): void {
    this.isSystem = isSystem;
    void vscode.commands.executeCommand('setContext', 'rr-dap.system', isSystem);
  }

  /** From the menu of a message. */
  private async go(item: Item<Message> | undefined, end: 'sent' | 'received'): Promise<void> {
    if (item?.kind !== 'entry') return;
    await this.of?.ask('rr/goMessage', { number: item.entry.number, end });
  }

  private async askFilter(): Promise<void> {
    const filter = await vscode.window.showInputBox({
      ...STAYS,
      title: 'Filter Messages',
      prompt: 'What is in their line: a node, what is said, what tells it; empty shows all',
      placeHolder: 'GET /orders, gateway, trace context, …',
      value: this.filter ?? '',
    });
    if (filter !== undefined) await this.refilter(filter.trim() || undefined);
  }

  private async refilter(filter: string | undefined): Promise<void> {
    this.filter = filter;
    void vscode.commands.executeCommand('setContext', 'rr-dap.messagesFiltered', filter !== undefined);
    await this.relist();
  }
}

/** Those of its ends that one can go to, the one first that a click leads to. */
function ends(message: Message): ('sent' | 'received')[] {
  return [...(message.from ? (['sent'] as const) : []), ...(message.to ? (['received'] as const) : [])];
}

function tooltip(message: Message): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendMarkdown('**');
  text.appendText(messageWay(message));
  text.appendMarkdown('**\n');
  text.appendCodeblock(message.said, 'http');
  text.appendText(messageFacts(message).join('\n'));
  return text;
}
