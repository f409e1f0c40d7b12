// Programs that were not written for a debugger: a compressor, a Rust program that
// panics, and two Rust components joined.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { begin, console_, debugging, go, scope, sourceFrame, stack } from './debugger.mjs';
import { guest } from './guests.mjs';

const patience = { timeout: 300_000 };
const names = async client => (await stack(client)).map(frame => frame.name);
/** The moment alone: where the end is, is told once the sweep has been there. */
const moment = async client => (await console_(client, 'rr where')).replace(/ \([^)]*\)/g, '');
const lineOf = async client => (await sourceFrame(client)).line;

/** Steps over five lines and back over them: the same lines, in reverse. */
const thereAndBack = async client => {
  const forward = [await lineOf(client)];
  for (let i = 0; i < 5; i++) {
    assert.equal((await go(client, 'next')).reason, 'step');
    forward.push(await lineOf(client));
  }
  const backward = [await lineOf(client)];
  for (let i = 0; i < 5; i++) {
    assert.equal((await go(client, 'stepBack')).reason, 'step');
    backward.unshift(await lineOf(client));
  }
  assert.deepEqual(backward, forward);
};

/** Some breakpoints' worth of hits forward, and the same ones backward. */
const hitsBothWays = async (client, read, count) => {
  const forward = [];
  for (let i = 0; i < count; i++) {
    assert.match((await go(client, 'continue')).reason, /breakpoint|hostcall/);
    forward.push(await read());
  }
  for (let i = count - 2; i >= 0; i--) {
    assert.match((await go(client, 'reverseContinue')).reason, /breakpoint|hostcall/);
    assert.deepEqual(await read(), forward[i]);
  }
  return forward;
};

const zstd = guest('zstd-O2.wasm');
test('zstd: an optimised compressor, forward and back', { ...patience, skip: zstd.skip }, () =>
  debugging('tcp', [], async (client, { directory }) => {
    const text = Array.from({ length: 20_000 }, (_, i) => `${i} the quick brown ${i % 97}\n`);
    writeFileSync(join(directory, 'in.txt'), text.join(''));
    const launch = {
      program: zstd.component, dirs: [`${directory}::/work`],
      args: ['-f', '-19', '/work/in.txt', '-o', '/work/out.zst'],
    };
    await begin(client, { ...launch, stopOnEntry: true }, '/none.c', []);
    assert.ok(existsSync(join(directory, 'out.zst')), 'the program ran');
    assert.equal((await names(client))[0], 'main');
    await thereAndBack(client);
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'ZSTD_compressContinue_internal' }] });
    await hitsBothWays(client, async () => [await lineOf(client), await moment(client)], 3);
    await client.setFunctionBreakpointsRequest({ breakpoints: [] });
    assert.match((await go(client, 'continue')).description, /end of the recording/i);
    assert.equal((await go(client, 'stepBack')).reason, 'step');
    assert.equal((await sourceFrame(client)).name, '_start');
    assert.equal((await go(client, 'reverseContinue')).reason, 'start');
  }));

const rust = guest('rustguest-O0.wasm');
test('rustguest: from a panic back to its cause', { ...patience, skip: rust.skip }, () =>
  debugging('stdio', [], async client => {
    const main = '/guest/rustguest/src/main.rs';
    // The source is not here: a client that has it says so.
    const launch = { program: rust.component, args: ['oob'], sourceMap: { '/guest': '/guest' } };
    const DIVIDE = 52;
    const end = await begin(client, { ...launch, stopAt: 'end' }, main, []);
    assert.equal(end.reason, 'exception');
    assert.match(end.text, /unreachable/);
    const panicking = await names(client);
    assert.ok(panicking.some(name => /rust_panic/.test(name)), panicking.join());
    assert.ok(panicking.some(name => name === 'rustguest::divide'), panicking.join());
    const { breakpoints } = (await client.setBreakpointsRequest({
      source: { path: main }, breakpoints: [{ line: DIVIDE }],
    })).body;
    assert.equal(breakpoints[0].verified, true);
    assert.match((await go(client, 'reverseContinue')).reason, /breakpoint/);
    const frame = await sourceFrame(client);
    assert.deepEqual([frame.name, frame.source.path, frame.line], ['rustguest::divide', main, DIVIDE]);
    const { d, items } = await scope(client, frame, /argument/i);
    assert.equal(d.value, '1');
    assert.match(items.value, /2|two/);
    // It never returns.
    assert.equal((await go(client, 'stepOut')).reason, 'exception');
  }));

const composed = guest('rust-composed-O0.wasm');
test('rust-composed: across two components, with what is passed between them',
  { ...patience, skip: composed.skip }, () => debugging('stdio', [], async client => {
    await begin(client, { program: composed.component, stopOnEntry: true }, '/none.rs', []);
    assert.equal((await names(client))[0], 'consumer::main');
    await client.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'corpus:store/kv@0.1.0#[method]bucket.set' }] });
    const keys = await hitsBothWays(client, async () => {
      const [hostcall, ...below] = await stack(client);
      assert.equal(hostcall.name, 'corpus:store/kv@0.1.0#[method]bucket.set');
      assert.ok(below.some(frame => frame.name === 'consumer::main'));
      const { e, self } = await scope(client, hostcall, /argument/i);
      assert.match(self.value, /bucket/);
      const { result } = await scope(client, hostcall, /result/i);
      return [e.value, result.value];
    }, 4);
    assert.deepEqual(keys.map(([, result]) => result), ['ok(1)', 'ok(2)', 'ok(3)', 'ok(4)']);
    assert.match(keys[3][0], /k003/);
    // The other side of the call is guest code too: the caller is below it.
    await client.setFunctionBreakpointsRequest({
      breakpoints: [{ name: '<provider::Store as provider::exports::corpus::store::kv::GuestBucket>::set' }],
    });
    assert.match((await go(client, 'continue')).reason, /breakpoint/);
    const inside = await names(client);
    assert.match(inside[0], /set/);
    assert.ok(inside.some(name => name === 'consumer::main'), inside.join('\n'));
  }));
