/** What the whole recording tells of each line: a language server for as long as a session is there. */

import * as vscode from 'vscode';
import { LanguageClient } from 'vscode-languageclient/node';
import { type Adapters, serverSettings } from './adapter.js';
import { languageServerArguments } from './configuration.js';
import { traceOf } from './links.js';
import { type Recording, type Recordings, reporting } from './recording.js';

const SECTION = 'rr-dap';
const SHOWN = ['codeLens', 'inlayHints', 'showUnrun', 'inlineValues'];

/** What a lens leads to, as the server has put it there. */
interface GoTo {
  readonly recording: string;
  readonly which: 'first' | 'previous' | 'next' | 'last';
}

/** A moment, as the server has found it. */
interface Found {
  readonly position: string;
}

interface Running {
  readonly recording: Recording;
  readonly trace: string;
  readonly client: LanguageClient;
}

/** One for each session; they begin when it has stopped, so that opening it comes first. */
export class LanguageServers implements vscode.Disposable {
  private readonly running = new Map<string, Running>();
  /** Sessions that have been looked at, whether a server came of it or not. */
  private readonly seen = new Set<string>();
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly recordings: Recordings,
    private readonly adapters: Adapters,
  ) {
    this.subscriptions = [
      recordings.onDidChange((recording) => void this.follow(recording)),
      vscode.debug.onDidTerminateDebugSession(({ id }) => void this.end(id)),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(`${SECTION}.languageServer`)) void this.switched();
      }),
      vscode.commands.registerCommand('rr-dap.goTo', (goTo: GoTo) => reporting(() => this.go(goTo))),
    ];
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    for (const id of [...this.running.keys()]) void this.end(id);
  }

  private async follow(recording: Recording | undefined): Promise<void> {
    if (recording === undefined || recording.stop === 0 || !recording.travels) return;
    const { id } = recording.session;
    if (this.seen.has(id) || !isWanted(recording)) return;
    this.seen.add(id);
    try {
      await this.start(recording);
    } catch (error) {
      // The session goes on without it.
      console.warn('rr-dap: no language server', error);
    }
  }

  private async start(recording: Recording): Promise<void> {
    const { session } = recording;
    // A server elsewhere has its recordings there.
    if (session.configuration.request === 'attach') return;
    const program = this.adapters.program(session.workspaceFolder);
    const trace = (await recording.ask('rr/when', {})).recording ?? traceOf(recording);
    if (program.kind !== 'found' || typeof trace !== 'string') return;
    const { workspaceFolder, configuration } = session;
    const cwd: unknown = configuration['cwd'];
    const settings = serverSettings(workspaceFolder);
    const client = new LanguageClient(
      'rr-dap',
      'rr-dap',
      {
        command: program.path,
        args: languageServerArguments(trace, configuration, settings),
        options: typeof cwd === 'string' ? { cwd } : {},
      },
      {
        documentSelector: [{ scheme: 'file' }],
        initializationOptions: { ...shown(workspaceFolder), clientGoes: true },
        synchronize: { configurationSection: SECTION },
        ...(workspaceFolder ? { workspaceFolder } : {}),
      },
    );
    this.running.set(session.id, { recording, trace, client });
    await client.start();
  }

  private async end(id: string): Promise<void> {
    this.seen.delete(id);
    const running = this.running.get(id);
    if (running === undefined) return;
    this.running.delete(id);
    try {
      await running.client.dispose();
    } catch {
      // It has gone by itself.
    }
  }

  private async switched(): Promise<void> {
    for (const [id, { recording }] of [...this.running]) if (!isWanted(recording)) await this.end(id);
    await this.follow(this.recordings.current);
  }

  /** Has the running session go to what a lens leads to. */
  private async go(goTo: GoTo): Promise<void> {
    const running = [...this.running.values()].filter(({ trace }) => trace === goTo.recording);
    const chosen = running.find(({ recording }) => recording === this.recordings.current) ?? running[0];
    if (chosen === undefined) throw new Error('The recording that this is of is not being debugged any more.');
    const { recording, client } = chosen;
    const { moment } = await recording.ask('rr/when', {});
    const found = await client.sendRequest<Found>('rr/find', { ...goTo, from: moment.position });
    await recording.ask('rr/seek', { position: found.position });
  }
}

function isWanted({ session }: Recording): boolean {
  return vscode.workspace.getConfiguration(SECTION, session.workspaceFolder).get('languageServer', true);
}

function shown(folder: vscode.WorkspaceFolder | undefined): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION, folder);
  return Object.fromEntries(SHOWN.map((name) => [name, settings.get(name)]));
}
