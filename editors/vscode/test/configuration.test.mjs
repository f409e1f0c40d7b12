import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  complaint,
  completed,
  configurationFor,
  distinct,
  languageServerArguments,
  namesSubject,
  serverArguments,
  subjectOf,
  withSubject,
} from '../out/configuration.js';

const launch = (more) => ({ type: 'rr-dap', request: 'launch', name: 'n', ...more });
const attach = (more) => ({ type: 'rr-dap', request: 'attach', name: 'n', ...more });

test('files are told apart by what they end with', () => {
  assert.deepEqual(subjectOf('/a/b.rrtrace'), { kind: 'recording', file: '/a/b.rrtrace' });
  assert.deepEqual(subjectOf('/a/b.WASM'), { kind: 'program', file: '/a/b.WASM' });
  assert.deepEqual(subjectOf('/a/b.wat'), { kind: 'program', file: '/a/b.wat' });
  assert.equal(subjectOf('/a/wasm'), undefined);
  assert.equal(subjectOf('/a/b.c'), undefined);
});

test('what F5 makes of a file is a configuration without a fault', () => {
  for (const file of ['/a/b.rrtrace', '/a/b.wasm', '/a/b.wat']) {
    const made = completed(configurationFor(subjectOf(file)), '/a');
    assert.equal(complaint(made), undefined, file);
    assert.equal(made.program ?? made.trace, file);
    assert.equal(made.type, 'rr-dap');
    assert.ok(namesSubject(made));
  }
});

test('what is given is kept when the rest is filled in', () => {
  const given = launch({ program: 'p', cwd: '/there', workspaceFolder: '/here', stopOnEntry: false });
  assert.deepEqual(completed(given, '/folder'), given);
  assert.equal(completed(launch({ program: 'p' }), '/folder').cwd, '/folder');
  assert.equal(completed(launch({ program: 'p' }), '/folder').workspaceFolder, '/folder');
  assert.equal(completed(launch({ program: 'p' }), undefined).cwd, undefined);
});

test('without a launch.json, the open file is what to debug, and what was said holds', () => {
  const subject = subjectOf('/a/b.wasm');
  const nothing = { type: 'rr-dap', request: '', name: '' };
  assert.ok(!namesSubject(nothing));
  assert.deepEqual(withSubject(nothing, subject), configurationFor(subject));
  const some = launch({ args: ['x'], stopOnEntry: false });
  assert.deepEqual(withSubject(some, subject), { ...some, program: '/a/b.wasm' });
});

test('attaching needs a place, and has one without being told', () => {
  assert.deepEqual(completed(attach({}), '/f'), attach({ host: '127.0.0.1', port: 4711 }));
  assert.deepEqual(completed(attach({ socket: '/s' }), '/f'), attach({ socket: '/s' }));
  assert.deepEqual(completed(attach({ debugServer: 1 }), '/f'), attach({ debugServer: 1 }));
  assert.equal(complaint(completed(attach({}), undefined)), undefined);
  assert.equal(complaint(attach({ socket: '/s' })), undefined);
  for (const wrong of [{}, { port: 0 }, { port: 65536 }, { port: 1.5 }, { port: '4711' }]) {
    assert.match(complaint(attach(wrong)), /"port"/);
  }
  assert.match(complaint(attach({ socket: '/s', port: 1 })), /leave one out/);
});

test('a launch debugs one thing', () => {
  assert.match(complaint(launch({})), /"program".*"trace"/);
  assert.match(complaint(launch({ program: '' })), /Nothing to debug/);
  assert.match(complaint(launch({ program: 'p', trace: 't' })), /leave one out/);
  assert.match(complaint(launch({ trace: 't', args: ['x'] })), /"args"/);
  assert.equal(complaint(launch({ trace: 't', args: [], dirs: [] })), undefined);
  assert.ok(!namesSubject(launch({ args: ['x'] })));
});

test('settings become options that the server knows', () => {
  assert.deepEqual(serverArguments({ code: 'suitable', checkpointMemory: null, logDap: '' }), []);
  assert.deepEqual(serverArguments({ code: 'fast', checkpointMemory: 64, logDap: '/l' }), [
    '--code',
    'fast',
    '--checkpoint-memory',
    '64',
    '--log-dap',
    '/l',
  ]);
});

test('files of the same name have configurations of different names', () => {
  const made = ['/w/a/app.wasm', '/w/b/app.wasm', '/w/other.wasm', '/w/app.rrtrace'].map((file) => configurationFor(subjectOf(file)));
  const names = distinct(made, (file) => file.replace('/w/', '')).map(({ name }) => name);
  assert.deepEqual(names, [
    'Record and debug a/app.wasm',
    'Record and debug b/app.wasm',
    'Record and debug other.wasm',
    'Debug app.rrtrace',
  ]);
});

test('the language server is told what the debug adapter is told', () => {
  const settings = { code: 'fast', checkpointMemory: 64, logDap: '/l' };
  const given = launch({ sourceMap: { '/built': '/here' }, debugFiles: ['/d.dwp'], component: '/with-dwarf.wasm', programs: ['/p'] });
  assert.deepEqual(languageServerArguments('/r.rrtrace', given, settings), [
    ...['lsp', '/r.rrtrace', '--source-map', '/built=/here', '--program', '/p'],
    ...['--debug-file', '/d.dwp', '--debug-file', '/with-dwarf.wasm', '--checkpoint-memory', '64'],
  ]);
  const other = launch({ sourceMap: [['/a', '/b'], ['odd']], debugFiles: 'no list', programs: [3] });
  assert.deepEqual(languageServerArguments('/r', other, { ...settings, checkpointMemory: null }), ['lsp', '/r', '--source-map', '/a=/b']);
});
