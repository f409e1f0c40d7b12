// The folder that VS Code opens: the ledger, its source, and a recording of it; a recording of a
// program that returns, and a program that does not end.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export function makeWorkspace(folder, fixtures, rrDap) {
  mkdirSync(folder, { recursive: true });
  for (const file of ['ledger.c', 'ledger.csv', 'ledger.wasm', 'rt/start.c']) cpSync(join(fixtures, file), join(folder, file));
  const nested = ['--quiet', '--invoke', 'run()', '-o', join(folder, 'nested.rrtrace'), join(fixtures, 'wat/nested.wat')];
  execFileSync(rrDap, ['record', ...nested], { stdio: 'pipe' });
  cpSync(join(fixtures, 'wat/spin.wat'), join(folder, 'endless.wat'));
  try {
    const options = ['--quiet', '--dir', `${folder}::/work`, '-o', join(folder, 'ledger.rrtrace')];
    execFileSync(rrDap, ['record', ...options, join(folder, 'ledger.wasm')], { stdio: 'pipe' });
  } catch (error) {
    // The ledger ends with a trap: that is what there is to find.
    if (error.status !== 134) throw error;
  }
}

/** What VS Code is told so that nothing but the test happens in it. */
export const settings = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'chat.disableAIFeatures': true,
  'editor.minimap.enabled': false,
  'git.enabled': false,
  'debug.toolBarLocation': 'floating',
  'debug.internalConsoleOptions': 'neverOpen',
};

/** The program is a matter of the machine: the user's own settings do not say it for a remote one. */
export function machineSettings(rrDap) {
  return { 'rr-dap.path': rrDap  };
}
