// A C program, forward and back.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  THREAD, TRANSPORTS, begin, children, console_, debugging, go, scope, sourceFrame, stack,
} from './debugger.mjs';
import { absent, helloC } from './guests.mjs';

const skip = absent(helloC);
const { component: program, guestPath, line } = helloC;
const LOOP = line('snprintf');
/** The source is not here: a client that has it says so. */
const there = { sourceMap: { '/guest': '/guest' } };
const check = (name, body) => test(name, { skip, timeout: 180_000 }, body);

const at = async (client, expected) => {
  const frame = await sourceFrame(client);
  assert.equal(frame.source.path, guestPath);
  assert.equal(frame.line, expected);
  return frame;
};
const breakpoints = (client, ...lines) => client.setBreakpointsRequest({
  source: { path: guestPath }, breakpoints: lines.map(line => ({ line })),
});
const FIB = line('static int fib');
/** The argument of the call of `fib` that the program stands in. */
const argument = async client => +(await scope(client, await sourceFrame(client), /argument/i)).n.value;

for (const transport of TRANSPORTS) {
  check(`${transport}: stops at entry, and ends`, () => debugging(transport, [], async client => {
    const stopped = await begin(client, { ...there, program, stopOnEntry: true }, guestPath, []);
    assert.equal(stopped.reason, 'entry');
    assert.equal(stopped.threadId, 1);
    assert.equal(stopped.allThreadsStopped, true);
    assert.equal((await stack(client))[0].name, 'main');
    const end = await go(client, 'continue');
    assert.equal(end.reason, 'end');
    assert.match(end.description, /end of the recording/i);
  }));
}

check('what the program prints is output while it is recorded', () =>
  debugging('stdio', [], async client => {
    let printed = '';
    client.on('output', ({ body }) => { if (body.category === 'stdout') printed += body.output; });
    await begin(client, { ...there, program, args: ['3'], env: { FOO: 'bar' }, stopOnEntry: true }, guestPath, []);
    assert.match(printed, /one=3\ntwo=9\nthree=15\nfib 6765 color 6 u 3fc00000 argc 2\ntime ok 1 env bar\n/);
    const end = await go(client, 'continue');
    assert.match(end.description, /1|3/);
  }));

check('breakpoints are hit in both directions, with the variables of each time', () =>
  debugging('stdio', [], async client => {
    const stopped = await begin(client, { ...there, program }, guestPath, [FIB]);
    assert.equal(stopped.reason, 'breakpoint');
    assert.equal(stopped.breakpoints[0].verified, true);
    assert.deepEqual(stopped.hitBreakpointIds, [stopped.breakpoints[0].id]);
    await at(client, FIB);
    assert.equal(await argument(client), 20);
    for (const n of [19, 18]) {
      assert.equal((await go(client, 'continue')).reason, 'breakpoint');
      assert.equal(await argument(client), n);
    }
    for (const n of [19, 20]) {
      assert.equal((await go(client, 'reverseContinue')).reason, 'breakpoint');
      await at(client, FIB);
      assert.equal(await argument(client), n);
    }
    const start = await go(client, 'reverseContinue');
    assert.equal(start.reason, 'start');
  }));

check('a condition chooses among the hits', () => debugging('stdio', [], async client => {
  await begin(client, { ...there, program, stopOnEntry: true }, guestPath, []);
  await client.setBreakpointsRequest({
    source: { path: guestPath }, breakpoints: [{ line: FIB, condition: 'n == 15' }],
  });
  assert.equal((await go(client, 'continue')).reason, 'breakpoint');
  assert.equal(await argument(client), 15);
}));

check('steps over, into and out of calls, and back', () => debugging('stdio', [], async client => {
  const calls = line('printf("fib');
  await begin(client, { ...there, program }, guestPath, [calls]);
  await at(client, calls);
  await breakpoints(client);
  await go(client, 'next');
  const after = await sourceFrame(client);
  assert.equal(after.line, line('clock_gettime'));
  assert.equal((await go(client, 'stepBack')).reason, 'step');
  await at(client, calls);

  await go(client, 'stepIn');
  const inside = await sourceFrame(client);
  assert.equal(inside.name, 'fib');
  assert.equal(inside.line, line('static int fib'));
  const { n } = { ...(await scope(client, inside, /argument/i)) };
  assert.equal(n.value, '20');
  assert.equal((await stack(client))[1].name, 'main');
  await go(client, 'stepOut');
  const out = await sourceFrame(client);
  assert.equal(out.name, 'main');
  assert.equal(out.line, calls);
}));

check('a step by instruction and back is where it was', () => debugging('stdio', [], async client => {
  await begin(client, { ...there, program }, guestPath, [LOOP]);
  const [before] = await stack(client);
  await go(client, 'next', { granularity: 'instruction' });
  const [after] = await stack(client);
  assert.notEqual(after.instructionPointerReference, before.instructionPointerReference);
  await go(client, 'stepBack', { granularity: 'instruction' });
  const [again] = await stack(client);
  assert.equal(again.instructionPointerReference, before.instructionPointerReference);
  const { instructions } = (await client.disassembleRequest({
    memoryReference: before.instructionPointerReference, instructionOffset: -2, instructionCount: 5,
  })).body;
  assert.equal(instructions.length, 5);
}));

check('structures unfold, and stay unfolded', () => debugging('stdio', [], async client => {
  await begin(client, { ...there, program }, guestPath, [LOOP]);
  const locals = await scope(client, await sourceFrame(client), /local/i);
  const points = await children(client, locals.pts.variablesReference);
  const second = Object.values(points)[1];
  const { x, y, w } = await children(client, second.variablesReference);
  assert.deepEqual([x.value, y.value, w.value], ['4', '5', '6.5']);
  assert.match(locals.c.value, /BLUE/);
  await go(client, 'next');
  const later = await scope(client, await sourceFrame(client), /local/i);
  assert.equal(later.pts.variablesReference, locals.pts.variablesReference);
  const { result } = (await client.evaluateRequest({
    expression: 'pts[1].x', context: 'watch', frameId: (await sourceFrame(client)).id,
  })).body;
  assert.equal(result, '4');
}));

check('a hostcall is a frame of its own, with what it was given', () =>
  debugging('stdio', [], async client => {
    await begin(client, { ...there, program }, guestPath, [LOOP]);
    await breakpoints(client);
    await client.setExceptionBreakpointsRequest({
      filters: [], filterOptions: [{ filterId: 'hostcall', condition: 'output-stream' }],
    });
    await go(client, 'continue');
    const frames = await stack(client);
    assert.match(frames[0].name, /output-stream/);
    assert.ok(frames.some(frame => frame.name === 'main'));
    const written = Object.values(await scope(client, frames[0], /argument/i));
    assert.ok(written.length > 0);
    const where = await console_(client, 'rr where');
    assert.match(where, /event \d+ of \d+( \(\d+ %\))?, position/);
    const stopped = client.waitForEvent('stopped');
    await console_(client, 'rr hostcall prev');
    await stopped;
    assert.notEqual(await console_(client, 'rr where'), where);
    await console_(client, 'rr handles');
  }));

check('the end is a stop that one can go back from', () => debugging('stdio', [], async client => {
  const stopped = await begin(client, { ...there, program, stopAt: 'end' }, guestPath, [FIB]);
  assert.equal(stopped.reason, 'end');
  assert.equal((await go(client, 'continue')).reason, 'end');
  assert.equal((await go(client, 'reverseContinue')).reason, 'breakpoint');
  assert.equal(await argument(client), 0);
}));

check('a recording is debugged without the program, in its own session and headless', () =>
  debugging('tcp', [], async (client, { directory, another }) => {
    const trace = join(directory, 'hello.rrtrace');
    await begin(client, { ...there, program, recordTo: trace, stopOnEntry: true }, guestPath, []);
    assert.ok(existsSync(trace));

    // A second session at the same server, at another moment of the same past.
    const other = await another();
    assert.equal((await begin(other, { ...there, trace }, guestPath, [LOOP])).reason, 'breakpoint');
    await at(other, LOOP);
    assert.equal((await stack(client))[0].name, 'main');
    await other.disconnectRequest();
    assert.equal((await go(client, 'next')).reason, 'step');

    await debugging('tcp', ['--trace', trace], async headless => {
      const initialized = headless.waitForEvent('initialized');
      const stopped = headless.waitForEvent('stopped');
      await headless.attachRequest({ stopOnEntry: true });
      await initialized;
      await headless.configurationDoneRequest();
      assert.equal((await stopped).body.reason, 'entry');
    });
  }));

check('paths are mapped both ways', () => debugging('stdio', [], async client => {
  const mine = '/home/someone/src/hello/h.c';
  const sourceMap = { '/guest': '/home/someone/src' };
  const stopped = await begin(client, { program, sourceMap }, mine, [LOOP]);
  assert.equal(stopped.reason, 'breakpoint');
  assert.equal((await sourceFrame(client)).source.path, mine);
}));

check('a launch that cannot be is an error to read', () => debugging('stdio', [], async client => {
  const failing = async arguments_ => {
    const error = await client.launchRequest(arguments_).then(() => null, error => error);
    assert.ok(error, 'it should have failed');
    return error.message;
  };
  assert.match(await failing({}), /nothing to debug/);
  assert.match(await failing({ program, args: 'x' }), /`args` must be a list of strings/);
  assert.match(await failing({ program: '/nowhere/at-all.wasm' }), /at-all\.wasm/);
}));

check('declared capabilities include going back', () => debugging('stdio', [], async client => {
  assert.equal(client.capabilities.supportsStepBack, true);
  assert.equal(client.capabilities.supportsSetVariable, undefined);
  await begin(client, { ...there, program, stopOnEntry: true }, guestPath, []);
  await assert.rejects(
    client.setVariableRequest({ variablesReference: 1, name: 'x', value: '1' }),
    /past cannot be changed/,
  );
  await client.customRequest('threads').then(({ body }) => assert.equal(body.threads[0].id, THREAD.threadId));
}));
