import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallStore, PAGE } from '../out/timeline/callStore.js';
import { columns, peak, strength } from '../out/timeline/density.js';
import { axisLength, laneAt, laneTop, layout, markAt, nodesLayout, placeOf } from '../out/timeline/layout.js';
import { lineAt, messageLines } from '../out/timeline/messageLines.js';
import { everything, panned, showing, ticks, toPixel, toPlace, zoomed } from '../out/timeline/scale.js';
import { choices } from './choices.mjs';

const close = (a, b, what) => assert.ok(Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a)), `${what}: ${a} is not ${b}`);

/** A strip of some length that has been zoomed and panned at random. */
function wandered({ integer, real }) {
  const length = integer(1, 1_000_000);
  let window = everything(length);
  for (let i = integer(0, 12); i > 0; i--) {
    const width = window.to - window.from;
    window = real() < 0.5 ? zoomed(window, 0.3 + 3 * real(), window.from + real() * width, length) : panned(window, (real() - 0.5) * width * 3, length);
  }
  return { length, window };
}

test('a window stays on the axis, and is never empty', () => {
  for (const random of choices(500)) {
    const { length, window } = wandered(random);
    assert.ok(window.from >= 0 && window.to <= length + 1e-6 && window.to > window.from, JSON.stringify({ length, window }));
  }
});

test('zooming keeps the place under the pointer, away from the edges', () => {
  for (const random of choices(300)) {
    const length = random.integer(1000, 1_000_000);
    const around = length / 2;
    const near = zoomed(everything(length), 1 + 8 * random.real(), around, length);
    close(toPixel(around, near, 800), 400, 'pixel');
    const { from, to } = zoomed(near, 1e-9, around, length);
    assert.deepEqual({ from, to }, everything(length));
  }
});

test('pixels and places are each other’s inverse', () => {
  for (const random of choices(300)) {
    const { window } = wandered(random);
    const pixel = random.real() * 900;
    close(toPixel(toPlace(pixel, window, 900), window, 900), pixel, 'pixel');
  }
});

test('a place can be brought into sight, and what is in sight stays', () => {
  for (const random of choices(300)) {
    const { length, window } = wandered(random);
    const place = random.real() * length;
    const shown = showing(window, place, length);
    assert.ok(shown.from <= place + 1e-6 && place <= shown.to + 1e-6);
    const middle = (window.from + window.to) / 2;
    assert.deepEqual(showing(window, middle, length), window);
  }
});

test('ticks are round, in sight, and not too near', () => {
  for (const random of choices(300)) {
    const { window } = wandered(random);
    const found = ticks(window, 800, 70);
    for (const [index, tick] of found.entries()) {
      assert.ok(Number.isInteger(tick) && tick >= window.from && tick <= window.to);
      if (index > 0) assert.ok(toPixel(tick, window, 800) - toPixel(found[index - 1], window, 800) >= 70 - 1e-6);
    }
  }
});

/** Buckets over a recording, as the server makes them. */
function buckets({ integer }, events, lanes) {
  const count = integer(1, 400);
  const edges = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * events) / count));
  return edges.slice(1).flatMap((to, i) => {
    const counts = Array.from({ length: lanes }, () => integer(0, 5));
    return to > edges[i] ? [{ from: edges[i], to, counts, failed: integer(0, 2) }] : [];
  });
}

test('columns lose no call, and lie side by side', () => {
  for (const random of choices(300)) {
    const events = random.integer(1, 100_000);
    const all = buckets(random, events, 3);
    const found = columns(all, everything(events), random.integer(1, 900), 2);
    const sum = (of) => of.reduce((total, { counts, failed }) => total + counts.reduce((a, b) => a + b, 0) + failed, 0);
    assert.equal(sum(found), sum(all));
    assert.equal(found[0].from, 0);
    assert.equal(found.at(-1).to, events);
    for (const [index, column] of found.entries()) {
      if (index > 0) assert.equal(column.from, found[index - 1].to);
      if (index < found.length - 1) assert.ok(column.right - column.left >= 2 - 1e-6);
    }
  }
});

test('columns out of sight are left out', () => {
  for (const random of choices(200)) {
    const { length, window } = wandered(random);
    for (const { from, to, left, right } of columns(buckets(random, length, 2), window, 700, 2)) {
      assert.ok(to > window.from && from < window.to);
      assert.ok(left >= 0 && right <= 700 + 1e-6 && right > left);
    }
  }
});

test('adding up does not change the buckets', () => {
  const told = [0, 1, 2, 3].map((from) => ({ from, to: from + 1, counts: [1], failed: 1 }));
  const [column] = columns(told, everything(4), 2, 2);
  assert.deepEqual([column.counts, column.failed], [[4], 4]);
  assert.ok(told.every(({ counts }) => counts[0] === 1));
});

test('more calls are never fainter, and one call is always seen', () => {
  for (const { integer } of choices(300)) {
    const most = integer(1, 100_000);
    const [a, b] = [integer(1, most), integer(1, most)].sort((a, b) => a - b);
    assert.ok(strength(1, most) > 0.2);
    assert.ok(strength(a, most) <= strength(b, most) && strength(most, most) <= 1 + 1e-9);
  }
  assert.equal(strength(0, 5), 0);
  assert.equal(peak([]), 0);
});

test('each lane is found where it is drawn', () => {
  for (const { integer } of choices(200)) {
    const interfaces = integer(0, 60);
    const made = layout(integer(150, 2000), integer(60, 600), interfaces, integer(0, 400));
    assert.ok(made.left + made.span <= made.width + 8);
    for (let lane = 0; lane <= interfaces; lane++) {
      assert.equal(laneAt(made, laneTop(made, lane)), lane);
      assert.equal(laneAt(made, laneTop(made, lane) + made.laneHeight - 1), lane);
    }
    assert.equal(laneAt(made, made.top - 1), undefined);
    assert.equal(laneAt(made, made.axis), undefined);
  }
});

test('moments are in their call or between two, or at their percentage where there are no events', () => {
  const moment = { position: '7:1:0x8', tick: 7, percent: 40, event: 3 };
  assert.equal(placeOf(moment, 10), 3);
  assert.equal(placeOf({ ...moment, position: '7:1:0x8+call' }, 10), 3.5);
  assert.equal(placeOf({ ...moment, position: '7:1:0x8+answer' }, 10), 3);
  assert.equal(placeOf(moment, 0), 40);
  assert.deepEqual([axisLength(10), axisLength(0)], [10, 100]);
});

test('the mark that is pointed at is the nearest one within reach', () => {
  const at = (event) => ({ name: `m${event}`, moment: { position: '+call', tick: 0, percent: 0, event } });
  const made = layout(1000, 200, 2, 50);
  const window = everything(100);
  const pixel = (event) => made.left + toPixel(event + 0.5, window, made.span);
  const marks = [at(10), at(90), at(11)];
  for (const mark of marks) assert.equal(markAt(marks, pixel(mark.moment.event), window, made, 100), mark);
  assert.equal(markAt(marks, pixel(50), window, made, 100), undefined);
  assert.equal(markAt([], pixel(50), window, made, 100), undefined);
});

const call = (event, more = {}) => ({ event, name: `i#f${event}`, interface: 'i', failed: false, ...more });

test('a page is asked for once, and again after it came empty', () => {
  const store = new CallStore();
  assert.deepEqual(store.lacking(PAGE - 1, PAGE + 1), [0, PAGE]);
  assert.deepEqual(store.lacking(0, 2 * PAGE), []);
  store.put(0, [call(0), call(1)]);
  store.put(PAGE, []);
  assert.deepEqual(store.lacking(0, PAGE + 1), [PAGE]);
  assert.equal(store.get(1).event, 1);
  assert.equal(store.get(2), undefined);
  store.clear();
  assert.equal(store.get(1), undefined);
});

test('the nearest call is one of the interface', () => {
  const store = new CallStore();
  store.put(0, [call(0), call(1, { interface: 'other' }), call(2), call(3, { interface: 'other' })]);
  assert.equal(store.nearest('i', 0, 4, 1.4).event, 0);
  assert.equal(store.nearest('i', 0, 4, 1.6).event, 2);
  assert.equal(store.nearest('other', 0, 4, 0).event, 1);
  assert.equal(store.nearest(undefined, 0, 4, 3.9).event, 3);
  assert.equal(store.nearest('none', 0, 4, 1), undefined);
});

/** Messages between some nodes, at random parts of the order. */
function said({ integer, real }, nodes) {
  const end = (threadId) => ({ threadId, node: `n${threadId}`, event: 1, inCall: true, part: real(), past: true });
  return Array.from({ length: integer(1, 40) }, (_, at) => {
    const from = integer(1, nodes);
    const to = 1 + (from % nodes);
    const ends = [{ from: end(from), to: end(to) }, { from: end(from) }, { to: end(to) }][integer(0, 5)] ?? { from: end(from), to: end(to) };
    return { number: at + 1, kind: ends.from && ends.to ? 'message' : 'outside', said: '', text: '', ...ends };
  });
}

test('each message is a line between the lanes of its nodes, and is found at both of its ends', () => {
  for (const random of choices(200)) {
    const nodes = random.integer(2, 9);
    const made = nodesLayout(random.integer(300, 2000), random.integer(60, 600), nodes, random.integer(0, 200));
    const lanes = new Map(Array.from({ length: nodes }, (_, lane) => [lane + 1, lane]));
    const steps = random.integer(10, 10_000);
    const all = said(random, nodes);
    const lines = messageLines(all, lanes, steps, everything(steps), made);
    assert.deepEqual(lines.map(({ message }) => message), all);
    for (const line of lines) {
      const { from, to } = line.message;
      if (from) assert.equal(laneAt(made, line.y1), lanes.get(from.threadId));
      if (to) assert.equal(laneAt(made, line.y2), lanes.get(to.threadId));
      if (from) close(toPlace(line.x1 - made.left, everything(steps), made.span), from.part * steps, 'sent');
      for (const [x, y] of [[line.x1, line.y1], [line.x2, line.y2]]) {
        assert.equal(lineAt([line], x, y).line, line);
        // Among all: it, or another one that is there, too.
        const found = lineAt(lines, x, y);
        assert.ok(found !== undefined && lineAt([found.line], x, y) !== undefined);
      }
      // One goes to an end that there is, the nearer one of two.
      const alone = lineAt([line], line.x1, line.y1);
      assert.equal(alone.end, from ? 'sent' : 'received');
      assert.equal(lineAt([line], line.x2, line.y2).end, to ? (line.x1 === line.x2 && line.y1 === line.y2 ? alone.end : 'received') : 'sent');
      assert.equal(lineAt([line], line.x1 - 50, Math.min(line.y1, line.y2) - 50), undefined);
    }
  }
});

test('messages of nodes that are not shown are not drawn', () => {
  const end = { threadId: 7, node: 'x', event: 0, inCall: true, part: 0.5, past: false };
  const made = nodesLayout(800, 200, 2, 50);
  assert.deepEqual(messageLines([{ number: 1, from: end }], new Map([[1, 0]]), 100, everything(100), made), []);
});

test('lanes of nodes fill what there is, and are never too low for lines', () => {
  for (const { integer } of choices(100)) {
    const nodes = integer(1, 40);
    const height = integer(60, 900);
    const made = nodesLayout(integer(200, 2000), height, nodes, 80);
    assert.equal(made.lanes, nodes);
    assert.ok(made.laneHeight >= 24 && made.laneHeight <= 72);
    for (let lane = 0; lane < nodes; lane++) assert.equal(laneAt(made, laneTop(made, lane)), lane);
  }
});
