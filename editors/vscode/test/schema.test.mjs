// The keys that launch.json offers are those that the server reads, no more and no fewer.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [contributed] = manifest.contributes.debuggers;
/** What the extension itself needs to reach a server, and what lets it in. */
const TO_CONNECT = ['host', 'port', 'socket', 'token'];

/** The keys that the functions of src/dap/launch.rs ask their fields for. */
function keysRead() {
  const source = readFileSync(new URL('src/dap/launch.rs', root), 'utf8').split('#[cfg(test)]')[0];
  const readings = [...source.matchAll(/(?:impl|fn) (\w+)|fields\s*\.(\w+)\("(\w+)"\)/g)];
  const keys = new Map();
  let within;
  for (const [, place, reader, key] of readings) {
    if (place === 'LaunchArguments' || place === 'program_arguments' || place === 'ViewArguments') within = place;
    if (key !== undefined && reader !== 'wrong') keys.set(key, { of: within, reader });
  }
  return keys;
}

const server = keysRead();
const view = [...server].filter(([, { of }]) => of === 'ViewArguments').map(([key]) => key);
const properties = (request) => contributed.configurationAttributes[request].properties;

test('the source is read as it is written', () => {
  // If these are not found, launch.rs is written otherwise now, and this test must follow.
  for (const key of ['program', 'trace', 'args', 'redactEnv']) assert.notEqual(server.get(key)?.of, 'ViewArguments', key);
  for (const key of ['component', 'sourceMap', 'stopAt']) assert.equal(server.get(key)?.of, 'ViewArguments', key);
});

test('launch offers what the server reads', () => {
  assert.deepEqual(Object.keys(properties('launch')).sort(), [...server.keys()].sort());
});

test('attach offers how a recording is looked at, and where the server is', () => {
  assert.deepEqual(Object.keys(properties('attach')).sort(), [...view, ...TO_CONNECT].sort());
});

test('types are those that the server accepts', () => {
  const types = {
    path: ['string'],
    string: ['string'],
    boolean: ['boolean'],
    chaos: ['boolean', 'integer'],
    strings: ['array'],
    paths: ['array'],
    directories: ['array'],
    nodes: ['array'],
    environment: ['object', 'array'],
    pairs: ['object', 'array'],
  };
  for (const [key, { reader }] of server) {
    const schema = properties('launch')[key];
    const offered = schema.type ? [schema.type] : schema.anyOf.map(({ type }) => type);
    assert.deepEqual(offered, types[reader], `${key} is read as ${reader}`);
  }
});

test('what both requests offer, they offer alike', () => {
  for (const key of view) assert.deepEqual(properties('attach')[key], properties('launch')[key], key);
});

test('every key is explained', () => {
  for (const request of ['launch', 'attach']) {
    for (const [key, schema] of Object.entries(properties(request))) {
      assert.ok((schema.description ?? schema.markdownDescription)?.endsWith('.') || /…$|`$/.test(schema.markdownDescription), key);
    }
  }
});

test('snippets use keys that exist', () => {
  for (const { label, body } of contributed.configurationSnippets) {
    const known = [...Object.keys(properties(body.request)), 'type', 'request', 'name'];
    for (const key of Object.keys(body)) assert.ok(known.includes(key), `${label}: ${key}`);
  }
});
