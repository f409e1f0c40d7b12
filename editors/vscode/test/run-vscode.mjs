#!/usr/bin/env node
// Installs the packaged extension in a real VS Code and runs a scenario in it. See test/README.md.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createVSIX } from '@vscode/vsce';
import { installVscode } from './install-vscode.mjs';
import { hands } from './page.mjs';
import { machineSettings, makeService, makeSystem, makeWorkspace, settings } from './workspace.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');
const rrDap = resolve(process.env.RR_DAP ?? join(root, 'target', 'debug', 'rr-dap'));
const cache = resolve(process.env.VSCODE_DIR ?? join(tmpdir(), 'rr-dap-vscode'));
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const pictures = resolve(process.env.PICTURES ?? join(cache, 'pictures'));
/** A scenario that hangs has failed. */
const LIMIT = 300_000;

for (const [variable, file] of Object.entries({ RR_DAP: rrDap, CHROMIUM: chromium })) {
  if (!existsSync(file)) {
    console.error(`${file} is not there: name it with ${variable}`);
    process.exit(2);
  }
}
const vscode = installVscode(cache);
const folder = mkdtempSync(join(tmpdir(), 'rr-dap-scenario-'));
const at = (name) => join(folder, name);
let server;
try {
  mkdirSync(pictures, { recursive: true });
  await install();
  makeWorkspace(at('ledger'), join(root, 'fixtures'), rrDap);
  await makeService(at('ledger'), join(root, 'fixtures'), rrDap);
  await makeSystem(at('ledger'), join(root, 'fixtures'), rrDap);
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  if (server !== undefined && server.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function codeServer(given) {
  const entry = join(vscode.server, 'out', 'node', 'entry.js');
  return [entry, '--config', at('config.yaml'), '--user-data-dir', at('user'), '--extensions-dir', at('extensions'), ...given];
}

async function install() {
  execFileSync(process.execPath, [join(here, '..', 'scripts', 'package.mjs'), at('rr-dap.vsix')], { stdio: 'inherit' });
  const quiet = { dependencies: false, allowMissingRepository: true, skipLicense: true };
  await createVSIX({ cwd: join(here, 'driver'), packagePath: at('driver.vsix'), ...quiet });
  writeFileSync(at('config.yaml'), 'auth: none\n');
  for (const [scope, told] of [['User', settings], ['Machine', machineSettings(rrDap)]]) {
    mkdirSync(at(`user/${scope}`), { recursive: true });
    writeFileSync(at(`user/${scope}/settings.json`), JSON.stringify(told));
  }
  for (const extension of ['rr-dap.vsix', 'driver.vsix']) {
    execFileSync(vscode.node, codeServer(['--install-extension', at(extension)]), { stdio: 'pipe' });
  }
}

async function run() {
  const scenario = pathToFileURL(resolve(process.argv[2] ?? join(here, 'scenario.mjs'))).href;
  const driver = createServer();
  driver.listen(0, '127.0.0.1');
  await once(driver, 'listening');
  const env = {
    ...process.env,
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    RR_SCENARIO: scenario,
    RR_DRIVER: `http://127.0.0.1:${driver.address().port}`,
    RR_DAP: rrDap,
  };
  const quiet = ['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust', '--disable-getting-started-override'];
  server = spawn(vscode.node, codeServer(['--auth', 'none', '--bind-addr', '127.0.0.1:0', ...quiet]), { env, stdio: ['ignore', 'pipe', openSync(at('server.log'), 'w')] });
  const url = await listening(server);
  const { chromium: browsers } = createRequire(vscode.playwright)('playwright-core');
  const browser = await browsers.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
    const faults = watched(page);
    const ended = serve(driver, hands(page, pictures));
    await page.goto(`${url}/?folder=${encodeURIComponent(at('ledger'))}`);
    const { passed, why } = await Promise.race([ended, late()]);
    if (!passed) await page.screenshot({ path: join(pictures, 'failed.png') });
    console.log(passed ? 'PASSED' : `FAILED: ${why}`);
    for (const fault of faults) console.log(`FAULT IN THE PAGE: ${fault}`);
    return passed && faults.length === 0;
  } finally {
    await browser.close();
    driver.close();
    driver.closeAllConnections();
  }
}

/** The address that code-server prints once it is ready. */
async function listening(child) {
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /listening on (http:\S+?)\/?$/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error(`code-server ended before it listened:\n${readFileSync(at('server.log'), 'utf8')}`);
}

/** What our own pages complain of: errors, and what their policy has refused. */
function watched(page) {
  const faults = [];
  const ours = (text) => /strip\.js|timeline\.css|out\/timeline|out\/wording/.test(text);
  page.on('console', (message) => {
    const text = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error' && ours(text)) faults.push(text);
  });
  page.on('pageerror', (error) => ours(error.stack ?? '') && faults.push(error.stack));
  return faults;
}

/** Carries out what the scenario asks of the page, until it ends. */
function serve(driver, able) {
  return new Promise((end) => {
    driver.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { what, given } = JSON.parse(body);
      if (what === 'end') end(given);
      try {
        const value = what === 'end' ? null : await able[what](given);
        response.end(JSON.stringify({ value }));
      } catch (error) {
        response.end(JSON.stringify({ error: error.message }));
      }
    });
  });
}

function late() {
  return new Promise((end) => setTimeout(() => end({ passed: false, why: 'the scenario has not ended in time' }), LIMIT).unref());
}
