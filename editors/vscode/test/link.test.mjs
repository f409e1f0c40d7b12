import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkTo, readLink } from '../out/link.js';

test('a link leads back to where it was made', () => {
  for (const trace of ['/a/b.rrtrace', '/a b/ä&?#%.rrtrace']) {
    for (const at of ['45678:3:0x1f4', '45678:3:0x1f4+call', 'end']) {
      const url = new URL(linkTo({ trace, at }, 'vscode', 'rr-dap.rr-dap'));
      assert.ok(trace !== '/a/b.rrtrace' || !/%(?!25)/.test(url.href), url.href);
      assert.equal(url.protocol + url.host, 'vscode:rr-dap.rr-dap');
      assert.deepEqual(readLink(url.pathname, decodeURIComponent(url.search.slice(1))), { trace, at });
    }
  }
});

test('what is wrong with a link is told', () => {
  for (const [path, query, says] of [
    ['/other', 'trace=/a', /begins with/],
    ['/open', '', /no recording/],
    ['/open', 'trace=a.rrtrace', /whole path/],
    ['/open', 'trace=/a&at=a;b', /no moment/],
    ['/open', `trace=/a&at=${'1'.repeat(101)}`, /no moment/],
  ]) {
    assert.match(readLink(path, query), says);
  }
});
