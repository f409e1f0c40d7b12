/** Where in time we are, in the status bar. */

import * as vscode from 'vscode';
import { type Recording, type Recordings, TOO_OLD } from './recording.js';
import { momentText } from './wording.js';

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('rr-dap.moment', vscode.StatusBarAlignment.Left, 50);
  private readonly subscription: vscode.Disposable;

  constructor(recordings: Recordings) {
    this.item.name = 'rr-dap: moment';
    this.subscription = recordings.onDidChange((recording) => void this.show(recording));
  }

  /** What it says now; empty while it is hidden. */
  get text(): string {
    return this.item.text;
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private async show(recording: Recording | undefined): Promise<void> {
    if (recording === undefined || recording.stop === 0) return this.hide();
    if (!recording.travels) return this.say('$(history) rr-dap', TOO_OLD, undefined);
    const stop = recording.stop;
    try {
      const { moment, events, text, node } = await recording.ask('rr/when', {});
      if (recording.stop !== stop) return;
      const whose = node ? `${node}: ` : '';
      this.say(`$(history) ${whose}${momentText(moment, events)}`, `${text}\n\nGo to another event…`, 'rr-dap.goToEvent');
    } catch {
      // It moves again: the next stop will tell.
    }
  }

  private say(text: string, tooltip: string, command: string | undefined): void {
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.command = command;
    this.item.show();
  }

  private hide(): void {
    this.item.text = '';
    this.item.hide();
  }
}
