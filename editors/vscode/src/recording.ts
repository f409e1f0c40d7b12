/** The recordings being debugged, and when they stand still. */

import * as vscode from 'vscode';
import { TYPE } from './configuration.js';
import { offeredVersion, type OfThread, type Requests } from './protocol.js';

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
  /** Grows with each stop; 0 while nothing has stopped yet. */
  stop = 0;
  /** Grows with each time that more of it has been written. */
  grown = 0;
  moving = true;

  /** The thread that the workbench looks at, if that is not the one that stopped last: another node of a system. */
  private lookedAt: number | undefined;
  /** The one that stopped, as long as the workbench has not turned to it. */
  private awaited: number | undefined;

  constructor(readonly session: vscode.DebugSession) {}

  /** Which thread a command is for; without one, it is the one that stopped last. */
  get thread(): OfThread {
    return this.lookedAt === undefined ? {} : { threadId: this.lookedAt };
  }

  stopped(thread: number | undefined): void {
    this.stop += 1;
    this.moving = false;
    this.awaited = thread;
    this.lookedAt = undefined;
  }

  /** The workbench looks at a thread. It turns to one that has stopped a while later: until then it looks at an old one. */
  looks(thread: number): void {
    if (this.awaited === thread) this.awaited = undefined;
    if (this.awaited === undefined) this.lookedAt = thread;
  }

  /** Changes with whatever may change what is shown. */
  get news(): number {
    return this.stop + this.grown;
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

  /** The one looked at has stopped, begun to move or ended, or another one is looked at. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.subscriptions = [
      this.changed,
      vscode.debug.registerDebugAdapterTrackerFactory(TYPE, {
        createDebugAdapterTracker: (session) => this.track(session),
      }),
      vscode.debug.onDidChangeActiveDebugSession(() => this.tell()),
      vscode.debug.onDidTerminateDebugSession((session) => this.ended(session)),
      vscode.debug.onDidChangeActiveStackItem((item) => {
        if (item !== undefined) this.known.get(item.session.id)?.looks(item.threadId);
      }),
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
      recording.stopped((message.body as { threadId?: number } | undefined)?.threadId);
      this.tell();
    } else if (message.type === 'event' && message.event === 'continued') {
      recording.moving = true;
    } else if (message.type === 'event' && message.event === 'rr/grown') {
      recording.grown += 1;
      this.tellSoon();
    }
  }

  /** A recording that is being written grows many times a second: nobody needs to see each. */
  private tellSoon(): void {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      // What stands still next asks for all of it.
      if (this.current?.moving === false) this.tell();
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
