// What package.json promises is there.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../', import.meta.url);
const { contributes, ...manifest } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
const sources = readdirSync(new URL('src/', folder), { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(`src/${name}`, folder), 'utf8'))
  .join('\n');
const commands = contributes.commands.map(({ command }) => command);
const ours = (id) => id.startsWith('rr-dap.');

test('each command is carried out', () => {
  for (const command of commands) {
    const name = command.slice('rr-dap.'.length);
    const registered = [`'rr-dap.${name}'`, `command('${name}'`, `\n  ${name}: {`].some((text) => sources.includes(text));
    assert.ok(registered, command);
  }
});

test('menus and keys name commands that exist', () => {
  const named = [...Object.values(contributes.menus).flat(), ...contributes.keybindings].map(({ command }) => command);
  for (const command of named.filter(ours)) assert.ok(commands.includes(command), command);
});

test('keys work only where a recording stands still, and none is taken twice', () => {
  const keys = contributes.keybindings.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length);
  for (const { key, when } of contributes.keybindings) {
    assert.match(when, /debugType == 'rr-dap'/, key);
    assert.match(when, /debugState == 'stopped'/, key);
  }
});

test('buttons and views are there only during our sessions', () => {
  for (const { when } of contributes.menus['debug/toolBar']) assert.match(when, /debugType == 'rr-dap'/);
  for (const { when } of Object.values(contributes.views).flat()) assert.match(when, /^rr-dap\.active\b/);
});

test('context keys that conditions ask for are set somewhere', () => {
  const conditions = JSON.stringify(contributes).match(/rr-dap\.(?:active|travels|hostcallsFiltered|failedOnly|builtinsShown|hasRequests|failedRequestsOnly|system|messagesFiltered|handlesAtEnd|offered)\b/g);
  for (const key of new Set(conditions)) assert.ok(sources.includes(`'setContext', '${key}'`), key);
});

test('files are there', () => {
  const icons = contributes.commands.flatMap(({ icon }) => (icon?.light ? [icon.light, icon.dark] : []));
  for (const file of [manifest.icon, manifest.main, ...icons, 'README.md', 'CHANGELOG.md']) {
    assert.ok(existsSync(new URL(file, folder)), file);
  }
});

test('breakpoints can be set in the languages that guests are written in', () => {
  const languages = contributes.breakpoints.map(({ language }) => language);
  for (const language of ['rust', 'c', 'cpp', 'go', 'python', 'javascript', 'typescript', 'zig', 'wat']) {
    assert.ok(languages.includes(language), language);
  }
});
