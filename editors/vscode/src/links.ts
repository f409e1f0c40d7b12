/** Links that lead to a moment of a recording: copied, and followed. */

import * as path from 'node:path';
import * as vscode from 'vscode';
import { configurationFor, TYPE } from './configuration.js';
import { linkTo, readLink } from './link.js';
import { type Recording, type Recordings, reporting } from './recording.js';

/** The file of a session's recording, if it is there after the session. */
export function traceOf({ session }: Recording): string | undefined {
  const { trace, recordTo, cwd } = session.configuration as { trace?: string; recordTo?: string; cwd?: string };
  const file = trace ?? recordTo;
  return file === undefined ? undefined : path.resolve(cwd ?? session.workspaceFolder?.uri.fsPath ?? '/', file);
}

export async function copyLink(recording: Recording, extension: string): Promise<void> {
  const trace = traceOf(recording);
  if (trace === undefined) {
    throw new Error('This recording goes with the session, so no link can lead to it: "recordTo" in the configuration keeps it, "trace" opens one that is there.');
  }
  const { moment } = await recording.ask('rr/when', {});
  await vscode.env.clipboard.writeText(linkTo({ trace, at: moment.position }, vscode.env.uriScheme, extension));
  vscode.window.setStatusBarMessage('$(link) The link to this moment is copied.', 3000);
}

export function followLinks(recordings: Recordings): vscode.Disposable {
  return vscode.window.registerUriHandler({ handleUri: (uri) => reporting(() => follow(uri, recordings)) });
}

/** Opens the recording at the moment that a link tells, or goes there if it is open. */
export async function follow(uri: vscode.Uri, recordings: Recordings): Promise<void> {
  const target = readLink(uri.path, uri.query);
  if (typeof target === 'string') throw new Error(target);
  const open = recordings.current;
  if (open !== undefined && !open.moving && traceOf(open) === target.trace && target.at.includes(':')) {
    await open.ask('rr/seek', { position: target.at });
    return;
  }
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(target.trace));
  const base = configurationFor({ kind: 'recording', file: target.trace });
  await vscode.debug.startDebugging(folder ?? vscode.workspace.workspaceFolders?.[0], { ...base, type: TYPE, stopAt: target.at });
}
