/** Where the `rr-dap` program is. */

import * as path from 'node:path';

export const PROGRAM = 'rr-dap';

/** What the search depends on: a test has another machine. */
export interface Machine {
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workspaceFolder: string | undefined;
  readonly extensionFolder: string;
  /** Whether a file is there that may be run. */
  readonly runnable: (file: string) => boolean;
}

export type Found =
  | { readonly kind: 'found'; readonly path: string }
  /** The setting names a file that is not there: no other one is taken in its place. */
  | { readonly kind: 'wrong-setting'; readonly path: string }
  | { readonly kind: 'missing' };

/** The one of the setting; else the one that came with the extension, which it was tried with; else the one on the `PATH`. */
export function findProgram(setting: string, machine: Machine): Found {
  if (setting.trim() !== '') return atSetting(setting.trim(), machine);
  const bundled = path.join(machine.extensionFolder, 'bin', PROGRAM);
  const candidates = [bundled, ...onPath(machine)];
  const found = candidates.find(machine.runnable);
  return found === undefined ? { kind: 'missing' } : { kind: 'found', path: found };
}

function atSetting(setting: string, machine: Machine): Found {
  const expanded = expand(setting, machine);
  // A bare name is one for the path, as in a shell.
  const candidates = expanded.includes(path.sep)
    ? [path.resolve(machine.workspaceFolder ?? machine.home, expanded)]
    : onPath(machine, expanded);
  const found = candidates.find(machine.runnable);
  return found === undefined ? { kind: 'wrong-setting', path: expanded } : { kind: 'found', path: found };
}

function onPath(machine: Machine, name = PROGRAM): string[] {
  return (machine.environment['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name));
}

/** `~`, `${workspaceFolder}`, `${userHome}` and `${env:NAME}`; VS Code leaves them in settings. */
export function expand(text: string, machine: Machine): string {
  return text
    .replace(/^~(?=\/|$)/, machine.home)
    .replace(/\$\{workspaceFolder\}/g, machine.workspaceFolder ?? machine.home)
    .replace(/\$\{userHome\}/g, machine.home)
    .replace(/\$\{env:([^}]*)\}/g, (_, name: string) => machine.environment[name] ?? '');
}
