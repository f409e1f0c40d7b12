/** Starts or reaches the server. */

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { findProgram, type Found, type Machine, PROGRAM } from './binary.js';
import { serverArguments, type ServerSettings } from './configuration.js';

export class Adapters implements vscode.DebugAdapterDescriptorFactory {
  constructor(private readonly extensionFolder: string) {}

  async createDebugAdapterDescriptor(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor | undefined> {
    const { configuration, workspaceFolder } = session;
    if (configuration.request === 'attach') return attached(configuration);
    const program = this.program(workspaceFolder);
    if (program.kind !== 'found') throw new Error(reason(program));
    const cwd: unknown = configuration['cwd'];
    const options = typeof cwd === 'string' ? { cwd } : workspaceFolder ? { cwd: workspaceFolder.uri.fsPath } : {};
    return new vscode.DebugAdapterExecutable(program.path, serverArguments(serverSettings(workspaceFolder)), options);
  }

  /** Whether the program is there; if it is not, the person is told, with remedies. */
  isReady(folder: vscode.WorkspaceFolder | undefined): boolean {
    const program = this.program(folder);
    if (program.kind !== 'found') void offerRemedy(program, this.extensionFolder);
    return program.kind === 'found';
  }

  program(folder: vscode.WorkspaceFolder | undefined): Found {
    const setting = vscode.workspace.getConfiguration('rr-dap', folder).get('path', '');
    return findProgram(setting, this.machine(folder));
  }

  private machine(folder: vscode.WorkspaceFolder | undefined): Machine {
    return {
      home: homedir(),
      environment: process.env,
      workspaceFolder: (folder ?? vscode.workspace.workspaceFolders?.[0])?.uri.fsPath,
      extensionFolder: this.extensionFolder,
      runnable,
    };
  }
}

function attached(configuration: vscode.DebugConfiguration): vscode.DebugAdapterDescriptor {
  const { socket, port, host } = configuration as { socket?: string; port?: number; host?: string } & object;
  return socket ? new vscode.DebugAdapterNamedPipeServer(socket) : new vscode.DebugAdapterServer(port ?? 0, host);
}

export function serverSettings(folder: vscode.WorkspaceFolder | undefined): ServerSettings {
  const settings = vscode.workspace.getConfiguration('rr-dap', folder);
  return {
    code: settings.get('code', 'suitable'),
    checkpointMemory: settings.get<number | null>('checkpointMemory', null),
    logDap: settings.get('logDap', ''),
  };
}

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function reason(found: Exclude<Found, { kind: 'found' }>): string {
  return found.kind === 'missing'
    ? 'This build of the extension came without the program rr-dap, and it is not on the PATH.'
    : `The setting "rr-dap.path" names ${found.path}, where no program is.`;
}

/** Asks for the program, and remembers where it is. */
export async function offerRemedy(found: Exclude<Found, { kind: 'found' }>, extensionFolder: string): Promise<void> {
  const [choose, settings, install] = ['Choose Program…', 'Open Setting', 'How to Install'];
  const chosen = await vscode.window.showErrorMessage(reason(found), choose, settings, install);
  if (chosen === settings) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'rr-dap.path');
  } else if (chosen === install) {
    // It tells so without a network, and of this version.
    const readme = ['README.md', 'readme.md'].map((name) => join(extensionFolder, name)).find((file) => existsSync(file));
    if (readme === undefined) return;
    await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.file(readme).with({ fragment: 'the-program' }));
  } else if (chosen === choose) {
    const files = await vscode.window.showOpenDialog({ title: `Where is ${PROGRAM}?`, openLabel: 'Use This Program' });
    const file = files?.[0];
    if (file !== undefined) {
      await vscode.workspace.getConfiguration('rr-dap').update('path', file.fsPath, vscode.ConfigurationTarget.Global);
    }
  }
}
