// What the protocol has no words for: `rr/` requests, console commands, filters for what
// happens between the program and its host, and expressions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  THREAD, begin, console_, debugging, go, scope, sourceFrame, stack, travel,
} from './debugger.mjs';
import { absent, ledger } from './guests.mjs';

const { guestPath, launch, line } = ledger;
const check = (name, body) => test(name, { skip: absent(ledger), timeout: 180_000 }, () =>
  debugging('stdio', [], body));

const ask = async (client, request, more = {}) => (await client.customRequest(request, more)).body;
const moment = async client => (await ask(client, 'rr/when')).moment;
const threadName = async client => (await client.threadsRequest()).body.threads[0].name;
const evaluate = async (client, expression, context = 'watch') =>
  (await client.evaluateRequest({
    expression, context, frameId: (await sourceFrame(client)).id,
  })).body.result;
const breakpoint = (client, ...breakpoints) =>
  client.setBreakpointsRequest({ source: { path: guestPath }, breakpoints });
const filter = (client, filterId, condition) => client.setExceptionBreakpointsRequest({
  filters: [], filterOptions: filterId ? [{ filterId, condition }] : [],
});
const SUBTRACTS = line('from->balance -=');

check('moments are told, gone to, and marked', async client => {
  assert.equal(client.capabilities.rrDap.version, 1);
  await begin(client, launch, guestPath, [SUBTRACTS]);
  const first = await ask(client, 'rr/when');
  assert.ok(first.moment.event < first.events);
  assert.equal(first.phase, 'before');
  const mark = await ask(client, 'rr/mark', { name: 'first' });
  assert.deepEqual(mark, { name: 'first', moment: first.moment });

  const jump = await travel(client, () => ask(client, 'rr/seek', { event: 20 }));
  assert.equal(jump.reason, 'goto');
  const there = await ask(client, 'rr/when');
  assert.equal(there.moment.event, 20);
  assert.equal(there.phase, 'calling');
  assert.match(there.hostcall, /^wasi:/);
  for (const [to, position] of [
    [{ mark: 'first' }, first.moment.position],
    [{ position: there.moment.position }, there.moment.position],
    [{ tick: first.moment.tick }, undefined],
    [{ percent: 0 }, undefined],
    [{ to: 'end' }, undefined],
    [{ to: 'start' }, undefined],
  ]) {
    await travel(client, () => ask(client, 'rr/seek', to));
    const here = await moment(client);
    if (position) assert.equal(here.position, position);
    if (to.tick) assert.equal(here.tick, to.tick);
  }
  await assert.rejects(ask(client, 'rr/seek', { event: 100_000 }), /there is no event/);
  await assert.rejects(ask(client, 'rr/seek'), /needs one of/);

  assert.deepEqual((await ask(client, 'rr/marks')).marks.map(({ name }) => name), ['first']);
  await ask(client, 'rr/unmark', { name: 'first' });
  assert.deepEqual((await ask(client, 'rr/marks')).marks, []);
  await assert.rejects(ask(client, 'rr/unmark', { name: 'first' }), /no mark/);
});

check('steps of every kind undo each other', async client => {
  await begin(client, launch, guestPath, [SUBTRACTS]);
  for (const unit of ['line', 'instruction', 'hostcall']) {
    const before = await moment(client);
    await travel(client, () => ask(client, 'rr/step', { direction: 'forward', unit, kind: 'over' }));
    const after = await moment(client);
    assert.notEqual(after.position, before.position);
    if (unit === 'hostcall') continue;
    await travel(client, () => ask(client, 'rr/step', { direction: 'backward', unit, kind: 'over' }));
    assert.equal((await moment(client)).position, before.position);
  }
  await travel(client, () => ask(client, 'rr/step', {
    direction: 'forward', unit: 'hostcall', kind: 'into', filter: '*write*',
  }));
  assert.match((await ask(client, 'rr/when')).hostcall, /write/);
});

check('hostcalls are listed and counted', async client => {
  await begin(client, { ...launch, stopOnEntry: true }, guestPath, []);
  const { events } = await ask(client, 'rr/when');
  const all = await ask(client, 'rr/hostcalls');
  assert.equal(all.total, events);
  assert.deepEqual(all.hostcalls.map(({ event }) => event), [...Array(events).keys()]);
  const writes = await ask(client, 'rr/hostcalls', { filter: '*write*', count: 2 });
  assert.equal(writes.hostcalls.length, 2);
  assert.ok(writes.total > 2 && writes.total < events);
  for (const call of writes.hostcalls) {
    assert.match(call.function, /write/);
    assert.ok(call.name.startsWith(call.interface));
  }
  const later = await ask(client, 'rr/hostcalls', { filter: '*write*', from: writes.hostcalls[1].event });
  assert.deepEqual(later.hostcalls[0], writes.hostcalls[1]);
  const overview = await ask(client, 'rr/timeline', { buckets: 10 });
  const count = bucket => bucket.counts.reduce((sum, count) => sum + count, 0);
  assert.equal(overview.buckets.reduce((sum, bucket) => sum + count(bucket), 0), events);
  assert.equal(overview.buckets[0].counts.length, overview.interfaces.length);
  assert.match(overview.ending, /trap|unreachable/i);
});

check('filters stop at traps, hostcalls and handles, in both directions', async client => {
  const offered = client.capabilities.exceptionBreakpointFilters.map(({ filter }) => filter);
  for (const name of ['trap', 'failedHostcall', 'hostcall', 'handleCreated', 'handleDropped']) {
    assert.ok(offered.includes(name), name);
  }
  await begin(client, { ...launch, stopOnEntry: true }, guestPath, []);
  for (const [name, condition, event] of [
    ['hostcall', 'write', /write/],
    ['handleCreated', 'descriptor', /open-at|get-directories/],
    ['handleDropped', undefined, /drop/],
  ]) {
    await filter(client, name, condition);
    await travel(client, () => ask(client, 'rr/seek', { to: 'start' }));
    const visited = [];
    for (let i = 0; i < 2; i++) {
      const stop = await go(client, 'continue');
      if (stop.reason === 'exception' || stop.reason === 'end') break;
      const when = await ask(client, 'rr/when');
      assert.match(when.hostcall, event, name);
      visited.push(when.moment.event);
    }
    assert.ok(visited.length > 0, name);
    if (visited.length === 2) {
      await go(client, 'reverseContinue');
      assert.equal((await moment(client)).event, visited[0]);
    }
  }
  await filter(client, 'trap');
  const trap = await go(client, 'continue');
  assert.equal(trap.reason, 'exception');
  const { exceptionId, description } = await ask(client, 'exceptionInfo', THREAD);
  assert.equal(exceptionId, 'trap');
  assert.match(description, /unreachable/);
  assert.equal((await sourceFrame(client)).name, 'check');
});

check('the console tells time and travels', async client => {
  await begin(client, launch, guestPath, [SUBTRACTS]);
  const first = await moment(client);
  // The part of the way is told once something has been at the end.
  assert.match(
    await console_(client, 'when'),
    /^event \d+ of \d+( \(\d+ %\))?, position \d+:\d+:0x/,
  );
  assert.match(await console_(client, 'mark a'), /^mark a is event \d+/);
  const jump = await travel(client, () => console_(client, 'seek 40%'));
  assert.equal(jump.reason, 'goto');
  assert.match(jump.answer, /40 %/);
  assert.match(
    await console_(client, 'when'),
    /^event \d+ of \d+ \(40 %\), position \S+ \(the end is \d/,
  );
  const { tick } = await moment(client);
  await travel(client, () => console_(client, 'seek a'));
  assert.equal((await moment(client)).position, first.position);
  assert.match(await console_(client, 'marks'), /^a +event/);
  assert.match(await console_(client, 'hostcalls'), /▶ +\d+ .*wasi:/);
  assert.match(await console_(client, 'hostcalls write'), /write/);
  // Over the check of what `find` has found, and into its last call.
  await travel(client, () => console_(client, 'back in'));
  assert.equal((await sourceFrame(client)).name, 'apply');
  await travel(client, () => console_(client, 'back in'));
  assert.equal((await sourceFrame(client)).name, 'find');
  await travel(client, () => console_(client, 'back out'));
  assert.equal((await sourceFrame(client)).name, 'apply');
  await travel(client, () => console_(client, 'rr seek end'));
  const part = tick / (await moment(client)).tick;
  assert.ok(part > 0.39 && part < 0.41, `${part}`);
  await assert.rejects(console_(client, 'rr nonsense'), /there is no command/);
  await assert.rejects(console_(client, 'seek nowhere'), /no moment/);
});

check('the console completes its commands', async client => {
  await begin(client, { ...launch, stopOnEntry: true }, guestPath, []);
  const labels = async (text, column = text.length + 1) =>
    (await client.completionsRequest({ text, column })).body.targets.map(({ label }) => label);
  assert.deepEqual(await labels('see'), ['seek']);
  assert.deepEqual(await labels('rr se'), ['rr seek']);
  assert.deepEqual(await labels('seek elsewhere', 3), ['seek']);
  const back = await labels('back');
  assert.ok(back.includes('back in') && back.includes('back out'), back.join());
  assert.ok((await labels('')).length > 10);
});

check('expressions calculate: in watches, conditions and log points', async client => {
  let logged = '';
  client.on('output', ({ body }) => { if (body.category === 'console') logged += body.output; });
  await begin(client, { ...launch, stopOnEntry: true }, guestPath, []);
  await breakpoint(client,
    { line: SUBTRACTS, condition: 'transfer->amount * 2 > 19000 && transfer->amount % 100 == 0' });
  assert.equal((await go(client, 'continue')).reason, 'breakpoint');
  assert.equal(await evaluate(client, 'transfer->amount'), '9900');
  assert.equal(await evaluate(client, '(transfer->amount + 100) / 10 - 1'), '999');
  assert.equal(await evaluate(client, 'transfer->amount > 9000', 'repl'), 'true');
  assert.match(await evaluate(client, 'transfer->from'), /bob/);
  assert.equal(await evaluate(client, '$event'), `${(await moment(client)).event}`);
  await assert.rejects(evaluate(client, '1 / (2 - 2)'), /zero/);
  await assert.rejects(evaluate(client, 'nothing'), /nothing/);
  await breakpoint(client, { line: SUBTRACTS, logMessage: 'half is {transfer->amount / 2}' });
  await go(client, 'reverseContinue');
  assert.match(logged, /half is 600\b/);
  // The sum that did not fit: 40000 cents in 16 bits.
  await breakpoint(client, { line: SUBTRACTS, condition: 'transfer->amount < 0' });
  assert.equal((await go(client, 'continue')).reason, 'breakpoint');
  assert.equal(await evaluate(client, 'transfer->amount + 65536'), '40000');
});

check('the thread is named after the moment, and jumps invalidate views', async client => {
  await begin(client, launch, guestPath, [SUBTRACTS]);
  const name = await threadName(client);
  const when = await ask(client, 'rr/when');
  assert.ok(name.includes(when.text), `${name}: ${when.text}`);
  const invalidated = client.waitForEvent('invalidated', 60_000);
  await travel(client, () => ask(client, 'rr/seek', { event: 3 }));
  assert.deepEqual((await invalidated).body.areas, ['all']);
  assert.match(await threadName(client), /event 3 of/);
  let more = 0;
  client.on('invalidated', () => { more++; });
  await go(client, 'next');
  await threadName(client);
  assert.equal(more, 0, 'a step is not a jump');
});

check('a hostcall has arguments, a result and the bytes beneath them', async client => {
  await begin(client, { ...launch, stopOnEntry: true }, guestPath, []);
  await filter(client, 'hostcall', 'write');
  await go(client, 'continue');
  const [hostcall, ...below] = await stack(client);
  assert.match(hostcall.name, /wasi:io\/streams.*write/);
  assert.ok(below.some(frame => frame.name === 'main'));
  const { contents } = await scope(client, hostcall, /argument/i);
  assert.match(contents.value, /alice pays bob/);
  assert.match(await evaluate(client, '$arg.contents'), /alice pays bob/);
});
