// The programs that the checks debug, with what is known of them. A line is named by a
// piece of its text, so that the checks read like the program.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
/** Where large guests are unpacked. */
const UNPACKED = fileURLToPath(new URL('../../target/tmp/guests', import.meta.url));

/** `/guest/hello/h.c`, as its debug information has it. */
const HELLO_C = [
  '#include <stdio.h>',
  '#include <stdlib.h>',
  '#include <string.h>',
  '#include <time.h>',
  'struct point',
  'enum color',
  'union u',
  'static int fib',
  'int main',
  'struct point pts',
  'enum color c = BLUE',
  'malloc(64)',
  'snprintf',
  'printf("fib',
  'clock_gettime',
  'printf("time ok',
  'free(buf)',
  'return argc',
];

export const helloC = {
  component: join(FIXTURES, 'hello-c-O0.wasm'),
  guestPath: '/guest/hello/h.c',
  line: text => {
    const at = HELLO_C.findIndex(line => line.startsWith(text));
    if (at < 0) throw new Error(`h.c has no line ${text}`);
    return at + 1;
  },
};

/** The program of the tour, which traps in the end. */
export const ledger = {
  component: join(FIXTURES, 'ledger.wasm'),
  /** Beside the program, where it is found. */
  guestPath: join(FIXTURES, 'ledger.c'),
  source: join(FIXTURES, 'ledger.c'),
  launch: { program: join(FIXTURES, 'ledger.wasm'), dirs: [`${FIXTURES}::/work`] },
  line: text => {
    const lines = readFileSync(join(FIXTURES, 'ledger.c'), 'utf8').split('\n');
    const at = lines.findIndex(line => line.includes(text));
    if (at < 0) throw new Error(`ledger.c has no line ${text}`);
    return at + 1;
  },
};

/** A reason to skip a check, or false. */
export const absent = guest =>
  !process.env.RR_DAP ? 'RR_DAP is not set'
    : !existsSync(guest.component) ? `${guest.component} is not there` : false;

/** One of `fixtures/guests`, which are kept compressed. */
export const guest = file => {
  const component = join(UNPACKED, file);
  if (!existsSync(component)) {
    mkdirSync(UNPACKED, { recursive: true });
    const packed = readFileSync(join(FIXTURES, 'guests', `${file}.br`));
    // Other checks may unpack it at the same time.
    const whole = `${component}.${process.pid}`;
    writeFileSync(whole, brotliDecompressSync(packed));
    renameSync(whole, component);
  }
  return { component, skip: absent({ component }) };
};
