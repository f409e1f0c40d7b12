import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAsynchronous, taskRows, tasksText } from '../out/taskRows.js';

const task = (id, instance, name, more) => ({ id, instance, function: `a:b/c@1.0.0#${name}`, arguments: '', begun: id, callbacks: 0, more: [], ...more });
const waiting = (id, instance, name, since, more) => task(id, instance, name, { state: 'waiting', set: 9, since, words: `waits at set 9, since event ${since - 1}: this and that`, ...more });
const node = (kind, name, more) => ({ kind, name, words: name, isStuck: true, ...more });

/** Task 1 waits for a call that task 2 answers, who waits for a future whose other end task 1 has. */
const deadlock = {
  tasks: [waiting(1, 1, 'run', 7), waiting(2, 0, 'order', 6, { caller: { instance: 1, task: 1, hostcall: 2 } })],
  ended: [],
  instances: [
    {
      instance: 0,
      items: [
        { index: 1, kind: 'future', type: 'future<u32>', side: 'readable', hostcall: 3, task: 2, words: 'future<u32>, readable end: read of up to 1', otherEnd: { words: 'index 2 of instance 1', instance: 1, index: 2 } },
        { index: 9, kind: 'waitable-set', hostcall: 5, task: 2, words: 'waitable set', members: [1] },
      ],
    },
    {
      instance: 1,
      items: [
        { index: 1, kind: 'subtask', function: 'order', state: 'started', callee: 2, hostcall: 2, task: 1, words: 'subtask: order' },
        { index: 2, kind: 'future', type: 'future<u32>', side: 'writable', hostcall: 1, task: 1, words: 'future<u32>, writable end; unused', otherEnd: { words: 'index 1 of instance 0', instance: 0, index: 1 } },
        { index: 9, kind: 'waitable-set', hostcall: 1, task: 1, words: 'waitable set', members: [1] },
      ],
    },
  ],
  waits: {
    nodes: [
      node('task', 'task 1', { task: 1 }),
      node('task', 'task 2', { task: 2 }),
      node('end', 'future 1', { instance: 0, index: 1, hostcall: 3 }),
      node('waitable-set', 'set 9', { instance: 0, index: 9 }),
      node('subtask', 'subtask 1', { instance: 1, index: 1, hostcall: 2 }),
      node('waitable-set', 'set 9', { instance: 1, index: 9 }),
      node('other-end', 'its other end', { instance: 1, index: 2 }),
    ],
    edges: [[0, 5], [1, 3], [2, 6], [3, 2], [4, 1], [5, 4], [6, 0]],
    cycles: [[0, 5, 4, 1, 3, 2, 6]],
  },
};

/** All rows, with those above them; none is its own child, or this would not end. */
function* walked(rows, depth = 0) {
  for (const row of rows) {
    yield { row, depth };
    yield* walked(row.children(), depth + 1);
  }
}

const lines = (rows) => [...walked(rows)].map(({ row, depth }) => `${'  '.repeat(depth)}${row.label}: ${row.description} @${row.event}`);

test('tasks unfold to what they wait for, up to themselves', () => {
  const [cycle, ...tasks] = taskRows(deadlock);
  assert.equal(cycle.description, 'task 1 → task 2 → task 1');
  assert.equal(cycle.facts.at(-1), 'task 1 → set 9 → subtask 1 → task 2 → set 9 → future 1 → its other end → task 1');
  assert.deepEqual(lines(cycle.children()).slice(0, 4), [
    'task 1  run: waits for ever at set 9, since event 6 @6',
    'set 9:  @1',
    'subtask 1:  @2',
    'task 2  order: waits for ever at set 9, since event 5 @5',
  ]);
  assert.deepEqual(lines(tasks), [
    'task 1  run: waits for ever at set 9, since event 6 @6',
    '  set 9:  @1',
    '    subtask 1:  @2',
    '      task 2  order: waits for ever at set 9, since event 5 @5',
    '        set 9:  @5',
    '          future 1:  @3',
    '            its other end:  @1',
    '              task 1  run: as above @6',
    '  future 2, writable end: unused @1',
    '    other end: index 1 of instance 0 @3',
    'task 2  order: waits for ever at set 9, since event 5 @5',
    '  set 9:  @5',
    '    future 1:  @3',
    '      its other end:  @1',
    '        task 1  run: waits for ever at set 9, since event 6 @6',
    '          set 9:  @1',
    '            subtask 1:  @2',
    '              task 2  order: as above @5',
    '          future 2, writable end: unused @1',
    '            other end: index 1 of instance 0 @3',
  ]);
  assert.equal(tasksText(deadlock), '2 in progress, a deadlock');
  assert.ok(tasks.every(({ isStuck }) => isStuck));
  assert.deepEqual(tasks.map(({ begun }) => begun), [1, 2]);
});

test('rows can be told apart, and are the same when they are asked for again', () => {
  const ids = () => [...walked(taskRows(deadlock))].map(({ row }) => row.id);
  assert.equal(new Set(ids()).size, ids().length);
  assert.deepEqual(ids(), ids());
});

test('what has no task in progress, and what has ended', () => {
  const nothing = { tasks: [], instances: [], ended: [], waits: { nodes: [], edges: [], cycles: [] } };
  const ended = task(3, 0, 'run', { state: 'ended', words: 'ended before event 128', ended: 128, callbacks: 12 });
  const stream = { index: 4, kind: 'stream', type: 'stream<u8>', side: 'readable', hostcall: 20, words: 'stream<u8>, readable end', otherEnd: { words: "the host's" } };
  assert.deepEqual(lines(taskRows({ ...nothing, instances: [{ instance: 0, items: [stream] }], ended: [ended] })), [
    'Of no task in progress: 1 @undefined',
    '  stream 4, readable end:  @20',
    "    other end: the host's @undefined",
    'Ended: 1 @undefined',
    '  task 3  run: ended before event 128 @127',
  ]);
  assert.deepEqual(taskRows(nothing), []);
});

test('one call of an exported function is not worth a view', () => {
  const nothing = { tasks: [], instances: [{ instance: 0, items: [] }], ended: [], waits: { nodes: [], edges: [], cycles: [] } };
  const plain = task(1, 0, 'run', { state: 'calling', hostcall: 4, words: 'is in hostcall 4' });
  const done = { ...plain, state: 'ended', ended: 9 };
  assert.equal(isAsynchronous(nothing), false);
  assert.equal(isAsynchronous({ ...nothing, tasks: [plain] }), false);
  // Requests of a service have a view of their own.
  assert.equal(isAsynchronous({ ...nothing, ended: [done, { ...done, id: 2 }] }), false);
  assert.equal(isAsynchronous({ ...nothing, ended: [{ ...done, callbacks: 1 }] }), true);
  assert.equal(isAsynchronous({ ...nothing, tasks: [plain, { ...plain, id: 2 }] }), true);
  assert.equal(isAsynchronous(deadlock), true);
});

test('of thousands of tasks, some are listed, and the rest unfolds', () => {
  const count = 1234;
  const tasks = Array.from({ length: count }, (_, place) => task(place + 1, 0, 'run', { state: 'running', words: 'runs' }));
  const rows = taskRows({ tasks, instances: [], ended: [], waits: { nodes: [], edges: [], cycles: [] } });
  assert.ok(rows.length < count / 2);
  const labels = [...walked(rows)].map(({ row }) => row.label).filter((label) => label.startsWith('task '));
  assert.deepEqual(labels, tasks.map(({ id }) => `task ${id}  run`));
});
