/** Debug configurations: those that VS Code asks for, and those of a file. */

import * as vscode from 'vscode';
import type { Adapters } from './adapter.js';
import {
  complaint,
  completed,
  configurationFor,
  distinct,
  namesSubject,
  type Subject,
  subjectOf,
  TYPE,
  withSubject,
} from './configuration.js';

/** Enough to choose from; a `target` folder can hold thousands. */
const OFFERED_FILES = 200;
/** A new launch.json is to be read. */
const BEGUN_WITH = 8;
/** Of a build by cargo, what is below `deps` is there a second time. */
const NOT_OFFERED = '**/{node_modules,.git,.zig-cache,deps,incremental,.fingerprint}/**';

export class Configurations implements vscode.DebugConfigurationProvider {
  constructor(private readonly adapters: Adapters) {}

  /** What a new launch.json begins with. */
  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    const subject = openSubject();
    if (subject !== undefined) return [relative(configurationFor(subject), folder)];
    const found = (await subjectsOfWorkspace(folder)).slice(0, BEGUN_WITH);
    if (found.length > 0) return named(found, folder);
    const app = { kind: 'program', file: '${workspaceFolder}/app.wasm' } as const;
    const run = { kind: 'recording', file: '${workspaceFolder}/app.rrtrace' } as const;
    return [configurationFor(app), configurationFor(run)];
  }

  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    const root = folder && '${workspaceFolder}';
    if (namesSubject(given)) return completed({ ...given, type: TYPE }, root);
    const subject = openSubject() ?? (await chosenSubject());
    return subject && completed(withSubject(given, subject), root);
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined | null> {
    const wrong = complaint(configuration);
    if (wrong === undefined) {
      // An error later on would be shown once more, with a way to launch.json, where nothing is wrong.
      return configuration.request === 'attach' || this.adapters.isReady(folder) ? configuration : undefined;
    }
    const open = 'Open launch.json';
    const chosen = await vscode.window.showErrorMessage(wrong, { modal: false }, open);
    // `null` opens launch.json, `undefined` does nothing.
    return chosen === open ? null : undefined;
  }
}

/** One configuration for each program and recording of the workspace. */
export class FoundConfigurations implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    // The workbench asks once for each folder, and once more for none: what is in folders would be there twice.
    return folder === undefined ? [] : named(await subjectsOfWorkspace(folder), folder);
  }
}

/** Starts to debug a file of the explorer, or else the one that is open. */
export async function debugFile(file: vscode.Uri | undefined): Promise<void> {
  const subject = (file && subjectOf(file.fsPath)) ?? openSubject() ?? (await chosenSubject());
  if (subject === undefined) return;
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(subject.file));
  await vscode.debug.startDebugging(folder ?? vscode.workspace.workspaceFolders?.[0], configurationFor(subject));
}

/** What is open in front, be it text or not. */
function openSubject(): Subject | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const file = (input as { uri?: vscode.Uri } | undefined)?.uri ?? vscode.window.activeTextEditor?.document.uri;
  return file?.scheme === 'file' ? subjectOf(file.fsPath) : undefined;
}

async function chosenSubject(): Promise<Subject | undefined> {
  const subjects = await subjectsOfWorkspace(undefined);
  if (subjects.length === 0) {
    void vscode.window.showErrorMessage(
      'There is nothing to debug: no .wasm, .wat or .rrtrace file is open or in the workspace. Build the program for wasm32-wasip2, or open a recording.',
    );
    return undefined;
  }
  if (subjects.length === 1) return subjects[0];
  const items = subjects.map((subject) => ({
    label: vscode.workspace.asRelativePath(subject.file),
    description: subject.kind === 'recording' ? 'debug the recording' : 'record and debug',
    subject,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'rr-dap', placeHolder: 'What to debug' });
  return chosen?.subject;
}

async function subjectsOfWorkspace(folder: vscode.WorkspaceFolder | undefined): Promise<Subject[]> {
  const pattern = '**/*.{wasm,wat,rrtrace}';
  const where = folder ? new vscode.RelativePattern(folder, pattern) : pattern;
  const files = await vscode.workspace.findFiles(where, NOT_OFFERED, OFFERED_FILES);
  const subjects = files.map((file) => subjectOf(file.fsPath)).filter((subject) => subject !== undefined);
  return subjects.sort((a, b) => (a.kind === b.kind ? a.file.localeCompare(b.file) : a.kind === 'recording' ? -1 : 1));
}

/** Configurations with names that tell one from the other. */
function named(subjects: readonly Subject[], folder: vscode.WorkspaceFolder | undefined): vscode.DebugConfiguration[] {
  const shorter = (file: string) => vscode.workspace.asRelativePath(file, false);
  return distinct(subjects.map(configurationFor), shorter).map((configuration) => relative(configuration, folder));
}

/** Has the workbench offer the debugger where there is something to debug. */
export async function offerIfFound(): Promise<void> {
  if ((await subjectsOfWorkspace(undefined)).length > 0) await offer();
}

export async function offer(): Promise<void> {
  await vscode.commands.executeCommand('setContext', 'rr-dap.offered', true);
}

/** Paths in the folder as launch.json should have them: it is shared. */
function relative(configuration: vscode.DebugConfiguration, folder: vscode.WorkspaceFolder | undefined): vscode.DebugConfiguration {
  if (folder === undefined) return configuration;
  const prefix = `${folder.uri.fsPath}/`;
  const entries = Object.entries(configuration).map(([key, value]) =>
    typeof value === 'string' && value.startsWith(prefix) ? [key, `\${workspaceFolder}/${value.slice(prefix.length)}`] : [key, value],
  );
  return Object.fromEntries(entries) as vscode.DebugConfiguration;
}
