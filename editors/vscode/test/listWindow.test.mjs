import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListWindow, PAGE } from '../out/listWindow.js';
import { choices } from './choices.mjs';

/** Answers as the server does, for a recording where some calls failed. */
function server(events, failedEvery, failed = false) {
  const all = Array.from({ length: events }, (_, event) => ({ event, name: `f${event}`, failed: event % failedEvery === 0 }));
  const fitting = failed ? all.filter((call) => call.failed) : all;
  const fetch = async ({ from = 0, count = PAGE }) => {
    return { total: fitting.length, items: fitting.filter(({ event }) => event >= from).slice(0, count) };
  };
  return { fetch, numberOf: ({ event }) => event };
}

test('wherever it begins, a window grows to the whole list, each call once and in order', async () => {
  for (const { integer, real } of choices(60)) {
    const events = integer(0, 3000);
    const every = integer(1, 900);
    const list = server(events, every, real() < 0.5);
    let window = await ListWindow.around(integer(0, Math.max(0, events - 1)), list);
    for (let i = 0; window.hasEarlier || window.hasLater; i++) {
      assert.ok(i < 200, 'it grows');
      window = window.hasEarlier && (real() < 0.5 || !window.hasLater) ? await window.earlier() : await window.later();
    }
    const { items, total } = await list.fetch({ count: Infinity });
    assert.deepEqual(window.items, items);
    assert.equal(window.total, total);
  }
});

test('the present is in the window that begins around it', async () => {
  for (const { integer } of choices(100)) {
    const events = integer(1, 5000);
    const here = integer(0, events - 1);
    const window = await ListWindow.around(here, server(events, 7));
    assert.ok(window.items.some(({ event }) => event === here));
    assert.ok(window.covers(here));
    for (const { event } of window.items) assert.ok(window.covers(event));
  }
});

test('where no call fits behind, the last one before is shown', async () => {
  const window = await ListWindow.around(4000, server(5000, 3000, true));
  assert.deepEqual(window.items.map(({ event }) => event), [3000]);
});
