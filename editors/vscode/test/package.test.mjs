// The .vsix with the program in it, unpacked as VS Code unpacks it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
// What vsce, and VS Code itself, open zip files with.
const { fromBuffer } = createRequire(require.resolve('@vscode/vsce'))('yauzl');
const script = fileURLToPath(new URL('../scripts/package.mjs', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'rr-dap-package-test-'));
after(() => rmSync(folder, { recursive: true }));

/** The header of a program for x86-64, and nothing behind it. */
const program = Buffer.alloc(64);
program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
program.writeUInt16LE(62, 18);

function packed(...more) {
  const out = join(folder, 'rr-dap.vsix');
  const { status, stderr } = spawnSync(process.execPath, [script, out, ...more], { encoding: 'utf8' });
  return { status, stderr, out };
}

async function entries(vsix) {
  const zip = await promisify(fromBuffer)(readFileSync(vsix), { lazyEntries: true });
  const found = new Map();
  zip.on('entry', (entry) => {
    zip.openReadStream(entry, async (error, stream) => {
      assert.ifError(error);
      const bytes = Buffer.concat(await stream.toArray());
      found.set(entry.fileName, { bytes, mode: (entry.externalFileAttributes >>> 16) & 0o777 });
      zip.readEntry();
    });
  });
  zip.readEntry();
  await new Promise((end) => zip.once('end', end));
  return found;
}

test('the program is in the package of its target, and may be run', async () => {
  const binary = join(folder, 'built');
  // Whatever came of its mode on the way.
  writeFileSync(binary, program, { mode: 0o600 });
  const { status, stderr, out } = packed(binary, 'linux-x64');
  assert.equal(status, 0, stderr);
  const files = await entries(out);
  const inside = files.get('extension/bin/rr-dap');
  assert.deepEqual(inside.bytes, program);
  assert.equal(inside.mode, 0o755);
  assert.match(files.get('extension.vsixmanifest').bytes.toString(), /TargetPlatform="linux-x64"/);
  assert.ok(files.has('extension/out/extension.js'));
});

test('without a program the package is for every machine', async () => {
  const { status, stderr, out } = packed();
  assert.equal(status, 0, stderr);
  const files = await entries(out);
  assert.ok(![...files.keys()].some((name) => name.startsWith('extension/bin/')));
  assert.doesNotMatch(files.get('extension.vsixmanifest').bytes.toString(), /TargetPlatform/);
});

test('what is needed at run time is in the package, and nothing else of it', async () => {
  const { status, stderr, out } = packed();
  assert.equal(status, 0, stderr);
  const files = [...(await entries(out)).keys()].filter((name) => name.startsWith('extension/node_modules/'));
  const packages = new Set(files.map((name) => name.split('/')[2]));
  assert.ok(packages.has('vscode-languageclient') && packages.has('vscode-jsonrpc'), [...packages].join());
  assert.ok(!packages.has('typescript') && !packages.has('@vscode'), [...packages].join());
  assert.ok(files.every((name) => !/\.(ts|map|mts|cts)$/.test(name)));
});

test('a program for another machine is refused', () => {
  const binary = join(folder, 'other');
  writeFileSync(binary, program);
  for (const [target, says] of [['linux-arm64', /not a program for linux-arm64/], ['win32-x64', /TARGET is one of/]]) {
    const { status, stderr } = packed(binary, target);
    assert.equal(status, 2);
    assert.match(stderr, says);
  }
  writeFileSync(binary, '#!/bin/sh\n');
  assert.match(packed(binary, 'linux-x64').stderr, /not a program/);
});
