// Validates a log of messages against the official schema.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Ajv from 'ajv';

const schema = JSON.parse(readFileSync(new URL('../dap/debugAdapterProtocol.json', import.meta.url)));
delete schema.$schema; // Draft 4, which Ajv does not know; nothing of it alone is used.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addSchema(schema, 'dap');

const capital = name => name[0].toUpperCase() + name.slice(1);

function definition(message) {
  // Requests of our own have answers of our own, in the protocol's envelope.
  if (message.command?.startsWith('rr/') && (message.success || message.type === 'request')) {
    return capital(message.type);
  }
  switch (message.type) {
    case 'request': return capital(message.command) + 'Request';
    case 'event': return capital(message.event) + 'Event';
    default: return message.success ? capital(message.command) + 'Response' : 'ErrorResponse';
  }
}

/** Fails with all faults of all messages; `{"dir":"in"|"out","msg":…}` a line. */
export function validateLog(file) {
  const messages = readFileSync(file, 'utf8').trim().split('\n').map(line => JSON.parse(line));
  const faults = messages.filter(({ dir }) => dir === 'out').flatMap(({ msg }) => {
    const name = definition(msg);
    const validate = ajv.getSchema(`dap#/definitions/${name}`);
    if (!validate) return [`the schema has no ${name}`];
    return validate(msg) ? [] : [`${name}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(msg)}`];
  });
  assert.deepEqual(faults, []);
  for (const dir of ['in', 'out']) {
    assert.ok(messages.some(message => message.dir === dir), `nothing was logged as ${dir}`);
  }
}
