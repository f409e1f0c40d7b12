/** The extension's side of the panel *Timeline*: it asks the server, and sends it travelling. */

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { builtinsShown } from '../builtins.js';
import { type Recording, type Recordings, reporting, TOO_OLD } from '../recording.js';
import { onDidMark } from '../travel.js';
import type { FromPanel, Shown, ToPanel } from './messages.js';
import { timelinePage } from './page.js';

const FEWEST_BUCKETS = 50;
const MOST_BUCKETS = 20_000;
const MOST_HOSTCALLS = 1_000;
/** More lines than these nobody tells apart. */
const MOST_MESSAGES = 1_500;

export class TimelinePanel implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private buckets = 400;
  /** The part of the order of a system that is seen. */
  private part: readonly [number, number] = [0, 1];
  /** What was chosen to be shown of a system. */
  private shown: Shown = 'nodes';
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly extensionFolder: vscode.Uri,
    private readonly recordings: Recordings,
  ) {
    this.subscriptions = [
      vscode.window.registerWebviewViewProvider('rr-dap.timeline', this),
      recordings.onDidChange(() => void this.refresh()),
      onDidMark(() => void this.refresh()),
    ];
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    const { webview } = view;
    const [media, out] = ['media', 'out'].map((folder) => vscode.Uri.joinPath(this.extensionFolder, folder));
    if (media === undefined || out === undefined) return;
    webview.options = { enableScripts: true, localResourceRoots: [media, out] };
    webview.onDidReceiveMessage((message: FromPanel) => void this.heard(message));
    view.onDidChangeVisibility(() => void this.refresh());
    view.onDidDispose(() => (this.view = undefined));
    webview.html = timelinePage({
      nonce: randomBytes(18).toString('base64'),
      source: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(out, 'timeline', 'strip.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(media, 'timeline.css')).toString(),
    });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async heard(message: FromPanel): Promise<void> {
    switch (message.kind) {
      case 'ready':
      case 'buckets':
        this.buckets = bounded(message.buckets);
        return this.refresh();
      case 'hostcalls':
        return this.sendHostcalls(message.from, Math.min(MOST_HOSTCALLS, message.count), message.recording);
      case 'part':
        this.buckets = bounded(message.buckets);
        this.part = [message.from, message.to];
        return this.refresh();
      case 'show':
        this.shown = message.what;
        return this.refresh();
      case 'message':
        return this.travel((recording) => recording.ask('rr/goMessage', { number: message.number, end: message.end }));
      case 'node':
        return this.travel((recording) => recording.ask('rr/seek', { threadId: message.threadId, part: message.part }));
      case 'start':
      case 'end':
        return this.travel((recording) => recording.ask('rr/seek', { to: message.kind }));
      case 'event':
        return this.travel((recording) => recording.ask('rr/seek', { event: message.event }));
      case 'position':
        return this.travel((recording) => recording.ask('rr/seek', { position: message.position }));
      case 'percent':
        return this.travel((recording) => recording.ask('rr/seek', { percent: message.percent }));
    }
  }

  private async travel(go: (recording: Recording) => Promise<unknown>): Promise<void> {
    const recording = this.recordings.current;
    if (recording === undefined) return;
    this.post({ kind: 'moving' });
    await reporting(() => go(recording));
    // Where it could not go, nothing stops: what was shown holds again.
    await this.refresh();
  }

  private async refresh(): Promise<void> {
    const recording = this.recordings.current;
    if (!this.view?.visible) return;
    if (recording === undefined) return this.post({ kind: 'nothing', why: 'No recording is being debugged.' });
    if (recording.stop === 0) return this.post({ kind: 'nothing', why: 'Waiting for the program to stop.' });
    if (!recording.travels) return this.post({ kind: 'nothing', why: TOO_OLD });
    try {
      const { stop } = recording;
      const shown = await this.shownOf(recording);
      if (recording === this.recordings.current && recording.stop === stop) this.post(shown);
    } catch {
      // It moves: the next stop asks again.
    }
  }

  private async shownOf(recording: Recording): Promise<ToPanel> {
    const { id } = recording.session;
    const told = await recording.ask('rr/system', { buckets: this.buckets });
    const ofSystem = told.nodes.length > 0;
    if (!ofSystem || this.shown === 'hostcalls') {
      const timeline = await recording.ask('rr/timeline', { buckets: this.buckets, builtins: builtinsShown() });
      return { kind: 'timeline', timeline, recording: id, ofSystem };
    }
    // Who spoke with whom may have to be found out first; where everybody is in the order is known then, too.
    if (typeof told.steps !== 'number') this.post({ kind: 'system', system: told, messages: [], recording: id });
    const { messages } = await recording.ask('rr/messages', { between: this.part, count: MOST_MESSAGES });
    const system = typeof told.steps === 'number' ? told : await recording.ask('rr/system', { buckets: this.buckets });
    return { kind: 'system', system, messages, recording: id };
  }

  private async sendHostcalls(from: number, count: number, id: string): Promise<void> {
    const recording = this.recordings.current;
    if (recording === undefined || recording.session.id !== id) return;
    try {
      const { hostcalls } = await recording.ask('rr/hostcalls', { from, count, builtins: true });
      this.post({ kind: 'hostcalls', from, hostcalls, recording: id });
    } catch {
      // As above; the panel asks again when somebody points there again.
      this.post({ kind: 'hostcalls', from, hostcalls: [], recording: id });
    }
  }

  private post(message: ToPanel): void {
    void this.view?.webview.postMessage(message);
  }
}

function bounded(buckets: number): number {
  return Math.min(MOST_BUCKETS, Math.max(FEWEST_BUCKETS, Math.round(buckets)));
}
