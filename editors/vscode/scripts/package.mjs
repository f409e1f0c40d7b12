// Makes the .vsix: node scripts/package.mjs [OUT]
import { copyFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVSIX } from '@vscode/vsce';

const extension = join(dirname(fileURLToPath(import.meta.url)), '..');
const root = join(extension, '..', '..');
const licenses = ['LICENSE-MIT', 'LICENSE-APACHE'];
const packagePath = process.argv[2] ?? join(extension, 'rr-dap.vsix');

for (const license of licenses) copyFileSync(join(root, license), join(extension, license));
try {
  // Nothing at run time but VS Code itself; relative links in the README have nowhere to lead.
  await createVSIX({ cwd: extension, packagePath, dependencies: false, rewriteRelativeLinks: false, allowMissingRepository: true });
} finally {
  for (const license of licenses) rmSync(join(extension, license), { force: true });
}
