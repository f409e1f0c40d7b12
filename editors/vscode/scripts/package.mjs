// Makes the .vsix: node scripts/package.mjs [OUT [BINARY TARGET]]
//
// With BINARY, the program rr-dap, it is for the machines of TARGET (linux-x64, linux-arm64)
// alone, and has the program in its folder `bin`. The extension is built before: `npm run build`.
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';

const extension = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(extension, '..', '..');
const parts = ['package.json', '.vscodeignore', 'README.md', 'CHANGELOG.md', 'LICENSE.txt', 'media', 'out'];
const licenses = ['LICENSE-MIT', 'LICENSE-APACHE'];
/** What an ELF file for these machines has in its header. */
const machines = { 'linux-x64': 62, 'linux-arm64': 183 };

const [out = join(extension, 'rr-dap.vsix'), binary, target] = process.argv.slice(2);

function refuse(why) {
  console.error(`package.mjs: ${why}`);
  process.exit(2);
}

/** The machine that a file's code is for; `undefined` where it is not an ELF file of 64 bits. */
function machineOf(file) {
  const header = Buffer.alloc(20);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, header, 0, header.length, 0);
  closeSync(descriptor);
  const isElf = header.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
  return isElf ? header.readUInt16LE(18) : undefined;
}

/** The packages that are needed at run time, as they are installed here. */
function needed() {
  const told = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: extension, encoding: 'utf8' });
  return told.trim().split('\n').filter((folder) => resolve(folder) !== resolve(extension));
}

if (binary !== undefined) {
  if (!(target in machines)) refuse(`TARGET is one of ${Object.keys(machines).join(', ')}, not ${target}`);
  if (machineOf(binary) !== machines[target]) refuse(`${binary} is not a program for ${target}`);
}

// From a folder of its own: what else lies in the extension's is not packed, nor anything put there.
const folder = mkdtempSync(join(tmpdir(), 'rr-dap-package-'));
try {
  for (const part of parts) cpSync(join(extension, part), join(folder, part), { recursive: true });
  for (const installed of needed()) cpSync(installed, join(folder, relative(extension, installed)), { recursive: true });
  for (const license of licenses) copyFileSync(join(root, license), join(folder, license));
  if (binary !== undefined) {
    mkdirSync(join(folder, 'bin'));
    copyFileSync(binary, join(folder, 'bin', 'rr-dap'));
    chmodSync(join(folder, 'bin', 'rr-dap'), 0o755);
  }
  // Relative links in the README have nowhere to lead.
  const options = { dependencies: true, rewriteRelativeLinks: false, allowMissingRepository: true };
  await createVSIX({ cwd: folder, packagePath: resolve(out), target, ...options });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
