import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findProgram } from '../out/binary.js';

/** A machine where only these files may be run. */
const machine = (...files) => ({
  home: '/home/ada',
  environment: { PATH: '/usr/bin:/opt/bin:relative', TOOLS: '/tools' },
  workspaceFolder: '/work',
  extensionFolder: '/ext',
  runnable: (file) => files.includes(file),
});
const found = (path) => ({ kind: 'found', path });

test('the program that came with the extension goes before the path, whose order holds', () => {
  assert.deepEqual(findProgram('', machine('/ext/bin/rr-dap', '/opt/bin/rr-dap')), found('/ext/bin/rr-dap'));
  assert.deepEqual(findProgram('', machine('/usr/bin/rr-dap', '/opt/bin/rr-dap')), found('/usr/bin/rr-dap'));
  assert.deepEqual(findProgram('', machine('/opt/bin/rr-dap')), found('/opt/bin/rr-dap'));
  assert.deepEqual(findProgram(' ', machine('/ext/bin/rr-dap')), found('/ext/bin/rr-dap'));
  assert.deepEqual(findProgram('', machine()), { kind: 'missing' });
});

test('relative folders of the path are not searched: the workspace decides what they are', () => {
  assert.deepEqual(findProgram('', machine('relative/rr-dap', '/work/relative/rr-dap')), { kind: 'missing' });
});

test('a setting is taken at its word', () => {
  const all = machine(
    '/ext/bin/rr-dap', '/home/ada/x/rr-dap', '/work/t/rr-dap', '/tools/rr-dap', '/usr/bin/rr-dap', '/opt/bin/mine',
  );
  assert.deepEqual(findProgram('~/x/rr-dap', all), found('/home/ada/x/rr-dap'));
  assert.deepEqual(findProgram('${workspaceFolder}/t/rr-dap', all), found('/work/t/rr-dap'));
  assert.deepEqual(findProgram('t/rr-dap', all), found('/work/t/rr-dap'));
  assert.deepEqual(findProgram('${env:TOOLS}/rr-dap', all), found('/tools/rr-dap'));
  assert.deepEqual(findProgram('${userHome}/x/rr-dap', all), found('/home/ada/x/rr-dap'));
  assert.deepEqual(findProgram('mine', all), found('/opt/bin/mine'));
  // Neither the one of the extension nor the one on the path: whoever sets it wants that one.
  assert.deepEqual(findProgram('/gone/rr-dap', all), { kind: 'wrong-setting', path: '/gone/rr-dap' });
});
