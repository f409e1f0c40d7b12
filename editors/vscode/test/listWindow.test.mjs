import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostcallWindow, PAGE } from '../out/hostcallPages.js';
import { choices } from './choices.mjs';

/** Answers as the server does, for a recording where some calls failed. */
function server(events, failedEvery) {
  const all = Array.from({ length: events }, (_, event) => ({ event, name: `f${event}`, failed: event % failedEvery === 0 }));
  return async ({ failed, from = 0, count = PAGE }) => {
    const fitting = failed ? all.filter((call) => call.failed) : all;
    return { total: fitting.length, hostcalls: fitting.filter(({ event }) => event >= from).slice(0, count) };
  };
}

test('wherever it begins, a window grows to the whole list, each call once and in order', async () => {
  for (const { integer, real } of choices(60)) {
    const events = integer(0, 3000);
    const every = integer(1, 900);
    const filter = real() < 0.5 ? { failed: true } : {};
    const fetch = server(events, every);
    let window = await HostcallWindow.around(integer(0, Math.max(0, events - 1)), filter, fetch);
    for (let i = 0; window.hasEarlier || window.hasLater; i++) {
      assert.ok(i < 200, 'it grows');
      window = window.hasEarlier && (real() < 0.5 || !window.hasLater) ? await window.earlier() : await window.later();
    }
    const { hostcalls, total } = await fetch({ ...filter, count: Infinity });
    assert.deepEqual(window.calls, hostcalls);
    assert.equal(window.total, total);
  }
});

test('the present is in the window that begins around it', async () => {
  for (const { integer } of choices(100)) {
    const events = integer(1, 5000);
    const here = integer(0, events - 1);
    const window = await HostcallWindow.around(here, {}, server(events, 7));
    assert.ok(window.calls.some(({ event }) => event === here));
    assert.ok(window.covers(here));
    for (const { event } of window.calls) assert.ok(window.covers(event));
  }
});

test('where no call fits behind, the last one before is shown', async () => {
  const window = await HostcallWindow.around(4000, { failed: true }, server(5000, 3000));
  assert.deepEqual(window.calls.map(({ event }) => event), [3000]);
});
