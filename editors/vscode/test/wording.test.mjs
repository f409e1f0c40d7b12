import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPlace } from '../out/place.js';
import { offeredVersion } from '../out/protocol.js';
import { recordingPage } from '../out/recordingPage.js';
import { timelinePage } from '../out/timeline/page.js';
import { briefValues, callValues, cut, durationText, handleKind, messageFacts, messageLine, messageWay, momentText, requestFacts, requestLine, shortFunction, shortInterface } from '../out/wording.js';

const moment = { position: '', tick: 45678, percent: 37.2, event: 123 };

test('moments', () => {
  assert.equal(momentText(moment, 4567), 'event 123 of 4,567 (37 %)');
  assert.equal(momentText({ ...moment, event: 4567, percent: 99.99 }, 4567), 'event 4,567 of 4,567 (99 %)');
  assert.equal(momentText(moment, 0), 'tick 45,678 (37 %)');
});

test('names without what is always the same', () => {
  assert.equal(shortInterface('wasi:io/streams@0.2.12'), 'io/streams');
  assert.equal(shortInterface('my:own/thing'), 'my:own/thing');
  const call = { event: 1, failed: false, name: 'wasi:io/streams@0.2.12#[method]output-stream.write' };
  assert.equal(shortFunction(call), 'write');
  assert.equal(shortFunction({ ...call, function: '[static]descriptor.open' }), 'descriptor.open');
  assert.equal(shortFunction({ ...call, function: '[constructor]fields' }), 'fields');
  const drop = { ...call, name: 'resource.drop x#descriptor', interface: 'resource.drop', function: 'descriptor' };
  assert.equal(shortFunction(drop), 'resource.drop descriptor');
});

test('values, with and without a result', () => {
  assert.equal(callValues({ arguments: 'a: 1', result: 'ok' }), '(a: 1) → ok');
  assert.equal(callValues({ arguments: 'a: 1', result: null }), '(a: 1)');
  assert.equal(callValues({}), '()');
  const later = { event: 9, result: 'ok(5)', text: 'ok(5) returned before event 9' };
  assert.equal(callValues({ arguments: 'a: 1', result: '<not returned: subtask 4>', later }), '(a: 1) → <not returned: subtask 4> → ok(5) returned before event 9');
  assert.equal(callValues({ arguments: '', result: 'completed(3)', taken: 'b"hel"' }), '() → completed(3): b"hel"');
  const told = [{ event: 3, inCall: false, text: 'event 3, wait-for: returned' }, { event: 4, inCall: true, text: 'event 4, get: ok(5) returned' }];
  assert.equal(callValues({ arguments: 'set: 1', result: 'none', told }), '(set: 1) → none (before it ← event 3, wait-for: returned) ← event 4, get: ok(5) returned');
  assert.equal(briefValues({ arguments: 'self: borrow<x> 4, path: "a, b"', result: 'ok' }), '(path: "a, b") → ok');
  assert.equal(briefValues({ arguments: 'self: borrow<x> 4' }), '()');
  assert.equal(briefValues({ arguments: 'handle: 5' }), '(handle: 5)');
  assert.equal(cut('abcdef', 4), 'abc…');
  assert.equal(cut('abcd', 4), 'abcd');
  assert.equal(handleKind({ kind: 'own', type: 'descriptor' }), 'own<descriptor>');
  assert.equal(handleKind({ kind: 'own', type: 'own<descriptor>' }), 'own<descriptor>');
  assert.equal(handleKind({ kind: 'borrow', type: 'wasi:x/y@0.2.12#descriptor' }), 'borrow<descriptor>');
  assert.equal(handleKind({ kind: 'subtask' }), 'subtask');
});

test('a server without the requests is told from one with them', () => {
  assert.equal(offeredVersion({ supportsStepBack: true, rrDap: { version: 1 } }), 1);
  for (const capabilities of [undefined, {}, { rrDap: {} }, { rrDap: { version: '1' } }]) {
    assert.equal(offeredVersion(capabilities), 0);
  }
});

test('the timeline runs its own script and no other', () => {
  const page = timelinePage({ nonce: 'N', source: 'S', script: 'X', style: 'Y' });
  assert.match(page, /default-src 'none'; style-src S; script-src 'nonce-N'"/);
  assert.doesNotMatch(page, /unsafe|\son\w+=|style=/);
  assert.equal(page.match(/<script/g).length, 1);
});

test('what a recording says cannot become a part of the page', () => {
  const evil = '<img src=x onerror=alert(1)>"\'&';
  const info = {
    bytes: 1,
    hostcalls: 1,
    outcome: { how: evil, what: evil },
    metadata: { program: evil, args: [evil], dirs: [evil], invoke: evil, recorder: evil },
    crossings: [{ name: evil, calls: 2, direction: 'outgoing' }],
  };
  for (const page of [recordingPage(evil, 'command:x', info), recordingPage(evil, 'command:x', { error: evil })]) {
    assert.doesNotMatch(page, /<img/);
    assert.match(page, /&#60;img/);
    assert.match(page, /default-src 'none'/);
  }
});

test('places that people type', () => {
  assert.deepEqual(readPlace('123', 200), { event: 123 });
  assert.deepEqual(readPlace(' 1,234 ', 2000), { event: 1234 });
  assert.deepEqual(readPlace('50%', 0), { percent: 50 });
  assert.deepEqual(readPlace('12.5 %', 10), { percent: 12.5 });
  for (const wrong of ['', 'x', '-1', '200', '1.5', '101%', '1e2', '%']) assert.equal(readPlace(wrong, 200), undefined, wrong);
});

test('requests', () => {
  const asked = { number: 3, title: 'GET /trap', outcome: 'trapped', error: 'unreachable', failed: true, start: 12, hostcalls: 1234, outgoing: 2, received: 0, sent: 21 };
  const told = { ...asked, status: 500, time: '2026-11-29T18:45:12.345Z', durationNs: 12_345_678 };
  assert.equal(requestLine(told), '500 · trapped · 12.3 ms · 18:45:12.345');
  assert.equal(requestLine({ ...told, outcome: 'answered' }), '500 · 12.3 ms · 18:45:12.345');
  assert.equal(requestLine(asked), 'trapped');
  assert.deepEqual(requestFacts(told, '12.3 ms'), [
    '500, trapped: unreachable',
    '2026-11-29T18:45:12.345Z, took 12.3 ms',
    '1,234 hostcalls, 2 requests to other servers',
    '0 bytes received, 21 sent',
  ]);
  assert.ok(requestFacts({ ...told, start: undefined }, undefined).includes('it never came to the program'));
  assert.deepEqual([850_000, 4_200_000_000].map(durationText), ['850 µs', '4.20 s']);
});

test('messages', () => {
  const end = (node, more) => ({ threadId: 1, node, event: 3, inCall: true, part: 0.5, past: true, ...more });
  const sent = { number: 1, kind: 'message', what: 'request', said: 'GET /x', bytes: 0, evidence: 'trace-context', tookNs: 1_200_000, text: '' };
  const message = { ...sent, from: end('client'), to: end('server', { event: 0, inCall: false, past: false }) };
  assert.equal(messageWay(message), 'client → server');
  assert.equal(messageLine(message), 'GET /x · 1.2 ms');
  assert.deepEqual(messageFacts(message), [
    'sent in event 3 of client',
    'received before event 0 of server, still to come',
    'told by trace context',
    'took 1.2 ms',
  ]);
  assert.equal(messageLine({ ...message, bytes: 1234, tookNs: -5_000 }), 'GET /x · 1,234 bytes · −5 µs');
  assert.equal(messageWay({ number: 2, kind: 'outside', said: '', text: '', from: end('client') }), 'client → outside');
  const unclear = { number: 3, kind: 'ambiguous', said: '', text: '', to: end('server'), candidates: ['a', 'b'] };
  assert.equal(messageWay(unclear), '? (a, b) → server');
  assert.deepEqual(messageFacts(unclear), ['nothing tells which of these it is with: a, b', 'received in event 3 of server']);
});
