// The folder that VS Code opens: the ledger, its source, and a recording of it; recordings of a
// program that returns, of one whose hostcalls have their results later and of one whose tasks wait for each other, and a program that does not end.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export function makeWorkspace(folder, fixtures, rrDap) {
  mkdirSync(folder, { recursive: true });
  for (const file of ['ledger.c', 'ledger.csv', 'ledger.wasm', 'rt/start.c']) cpSync(join(fixtures, file), join(folder, file));
  const nested = ['--quiet', '--invoke', 'run()', '-o', join(folder, 'nested.rrtrace'), join(fixtures, 'wat/nested.wat')];
  execFileSync(rrDap, ['record', ...nested], { stdio: 'pipe' });
  cpSync(join(fixtures, 'wat/deadlock.wat'), join(folder, 'deadlock.wat'));
  recordTrap(rrDap, ['--invoke', 'run()', '-o', join(folder, 'deadlock.rrtrace'), join(folder, 'deadlock.wat')]);
  recordOf(rrDap, ['-o', join(folder, 'later.rrtrace'), join(fixtures, 'later.wasm'), 'hello', 'there']);
  cpSync(join(fixtures, 'wat/spin.wat'), join(folder, 'endless.wat'));
  cpSync(join(fixtures, 'wat/heartbeat.wat'), join(folder, 'heartbeat.wat'));
  recordTrap(rrDap, ['--dir', `${folder}::/work`, '-o', join(folder, 'ledger.rrtrace'), join(folder, 'ledger.wasm')]);
}

function recordOf(rrDap, given) {
  execFileSync(rrDap, ['record', '--quiet', ...given], { stdio: 'pipe' });
}

/** These end with a trap: that is what there is to find. */
function recordTrap(rrDap, given) {
  try {
    execFileSync(rrDap, ['record', '--quiet', ...given], { stdio: 'pipe' });
  } catch (error) {
    if (error.status !== 134) throw error;
  }
}

/** A recording of one instance of a service that was asked all this. */
export async function makeService(folder, fixtures, rrDap) {
  cpSync(join(fixtures, 'answers/src'), join(folder, 'answers/src'), { recursive: true });
  const into = join(folder, 'served');
  const options = ['--addr', '127.0.0.1:0', '--max-instance-reuse-count', '1000', '--idle-instance-timeout', '30s', '-o', into];
  const server = spawn(rrDap, ['serve', ...options, join(fixtures, 'answers.wasm')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'exit');
  try {
    const [line] = await once(createInterface({ input: server.stderr }), 'line');
    const url = line.replace(/^Serving HTTP on |\/$/g, '');
    const targets = ['/hello', '/headers', '/status/503', '/slow?ms=120', '/large?bytes=50000', '/status/404', '/count'];
    for (const target of targets) {
      await (await fetch(`${url}${target}`)).text();
      // Until the instance is free again: others would be another one's.
      await new Promise((wake) => setTimeout(wake, 700));
    }
    await (await fetch(`${url}/echo`, { method: 'POST', body: 'hello there' })).text();
    await new Promise((wake) => setTimeout(wake, 700));
    await (await fetch(`${url}/trap?place=3`)).text();
  } finally {
    server.kill();
    await ended;
  }
  const [recording] = readdirSync(into).filter((name) => name.endsWith('.rrtrace'));
  execFileSync(rrDap, ['trace', 'pack', join(into, recording), '-o', join(folder, 'served.rrtrace')], { stdio: 'pipe' });
  rmSync(into, { recursive: true });
}

/** Two clients and the service that answered both, each recorded by a process of its own. */
export async function makeSystem(folder, fixtures, rrDap) {
  const into = join(folder, 'shop');
  mkdirSync(into, { recursive: true });
  cpSync(join(fixtures, 'fetch.c'), join(folder, 'fetch.c'));
  const options = ['--addr', '127.0.0.1:0', '-S', 'cli', '-o', join(into, 'served')];
  const server = spawn(rrDap, ['serve', ...options, join(fixtures, 'answer.wasm')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'exit');
  try {
    const [line] = await once(createInterface({ input: server.stderr }), 'line');
    const address = /http:\/\/([^/]+)/.exec(line)[1];
    for (const [name, ...asked] of [['poster', '/echo', 'hello there'], ['getter', '/status/503']]) {
      const recording = ['record', '--quiet', '-S', 'http', '-o', join(into, `${name}.rrtrace`)];
      // The server runs in this process's children, and is to go on meanwhile.
      const client = spawn(rrDap, [...recording, join(fixtures, 'fetch.wasm'), address, ...asked], { stdio: 'ignore' });
      await once(client, 'exit');
    }
  } finally {
    server.kill();
    await ended;
  }
}

/** What VS Code is told so that nothing but the test happens in it. */
export const settings = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  // A row that sticks lies upon the one that is pointed at.
  'workbench.tree.enableStickyScroll': false,
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
