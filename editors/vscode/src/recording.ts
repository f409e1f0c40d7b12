/** The recordings being debugged, and when they stand still. */

import * as vscode from 'vscode';
import { TYPE } from './configuration.js';
import { offeredVersion, type Requests } from './protocol.js';

/** Message of the debug adapter protocol, as far as it matters here. */
interface Message {
  readonly type: string;
  readonly event?: string;
  readonly command?: string;
  readonly success?: boolean;
  readonly body?: unknown;
}

export const TOO_OLD = 'This rr-dap does not answer requests about time: update it to use the views and commands of time.';

/** A question stays although the workbench brings a line into sight meanwhile, and with it the focus. */
export const STAYS = { ignoreFocusOut: true };

/** In milliseconds. */
const GROWTH_SHOWN_EVERY = 500;

/** A debug session of ours. */
export class Recording {
  /** Whether the server knows the requests beyond the protocol. */
  travels = false;
  /** Grows with each stop, and when there is more of it; 0 while nothing has stopped yet. */
  stop = 0;
  /** How often there was more of it than before. */
  growth = 0;
  moving = true;

  constructor(readonly session: vscode.DebugSession) {}

  /** Changes with whatever may change what is shown. */
  get news(): number {
    return this.stop + this.growth;
  }

  /** Rejects with the server's own words. */
  async ask<K extends keyof Requests>(request: K, given: Requests[K][0]): Promise<Requests[K][1]> {
    if (!this.travels) throw new Error(TOO_OLD);
    return (await this.session.customRequest(request, given)) as Requests[K][1];
  }
}

/** All of them, and the one that the workbench is looking at. */
export class Recordings implements vscode.Disposable {
  private readonly known = new Map<string, Recording>();
  private readonly changed = new vscode.EventEmitter<Recording | undefined>();
  private readonly subscriptions: vscode.Disposable[];
  private telling: NodeJS.Timeout | undefined;

  /** The one looked at has stopped, become longer, begun to move or ended, or another one is looked at. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.subscriptions = [
      this.changed,
      vscode.debug.registerDebugAdapterTrackerFactory(TYPE, {
        createDebugAdapterTracker: (session) => this.track(session),
      }),
      vscode.debug.onDidChangeActiveDebugSession(() => this.tell()),
      vscode.debug.onDidTerminateDebugSession((session) => this.ended(session)),
    ];
  }

  /** The one that commands are for. */
  get current(): Recording | undefined {
    const active = vscode.debug.activeDebugSession;
    if (active !== undefined && active.type === TYPE) return this.known.get(active.id);
    // The workbench may look at a session of another debugger meanwhile.
    return active === undefined ? [...this.known.values()].at(-1) : undefined;
  }

  dispose(): void {
    clearTimeout(this.telling);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private track(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    const recording = new Recording(session);
    this.known.set(session.id, recording);
    return {
      onDidSendMessage: (message: Message) => this.heard(recording, message),
      onExit: () => this.ended(session),
    };
  }

  private heard(recording: Recording, message: Message): void {
    if (message.type === 'response' && message.command === 'initialize' && message.success) {
      recording.travels = offeredVersion(message.body) >= 1;
      this.tell();
    } else if (message.type === 'event' && message.event === 'stopped') {
      recording.stop += 1;
      recording.moving = false;
      this.tell();
    } else if (message.type === 'event' && message.event === 'rr/grown') {
      recording.growth += 1;
      this.tellSoon();
    } else if (message.type === 'event' && message.event === 'continued') {
      recording.moving = true;
    }
  }

  /** A recording that is being written grows many times a second: nobody needs to see each. */
  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      const { current } = this;
      // What stands still next asks for all of it.
      if (current === undefined || current.moving || current.stop === 0) return;
      current.stop += 1;
      this.tell();
    }, GROWTH_SHOWN_EVERY);
  }

  private ended(session: vscode.DebugSession): void {
    if (this.known.delete(session.id)) this.tell();
  }

  private tell(): void {
    const current = this.current;
    void vscode.commands.executeCommand('setContext', 'rr-dap.active', current !== undefined);
    void vscode.commands.executeCommand('setContext', 'rr-dap.travels', current?.travels ?? false);
    this.changed.fire(current);
  }
}

/** Tells what went wrong, as one does whom a command has called. */
export async function reporting(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}
