// What a user does with the extension, in a real VS Code. `page` has the hands; `vscode` is the
// extension host's own view of what came of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE = 45_000;

/** Sources are not where the fixture was compiled. */
const sourceMap = { '/rr-dap/fixtures': '${workspaceFolder}' };
const configuration = (name, more) => ({ name, type: 'rr-dap', request: 'launch', sourceMap, ...more });
const RECORDING = configuration('Recording', { trace: '${workspaceFolder}/ledger.rrtrace', stopAt: 'end' });
const PROGRAM = configuration('Program', { program: 'ledger.wasm', dirs: ['${workspaceFolder}::/work'], stopOnEntry: true });
const RETURNED = configuration('Returned', { trace: '${workspaceFolder}/nested.rrtrace', stopAt: 'start' });
const SERVED = configuration('Served', { trace: '${workspaceFolder}/served.rrtrace', stopAt: 'end' });
const SYSTEM = configuration('System', {
  traces: ['poster.rrtrace', 'getter.rrtrace', 'served'].map((name) => `\${workspaceFolder}/shop/${name}`),
  stopAt: 'entry',
});
const DEADLOCK = configuration('Deadlock', { trace: '${workspaceFolder}/deadlock.rrtrace', stopAt: 'end' });
const LATER = configuration('Later', { trace: '${workspaceFolder}/later.rrtrace', stopAt: 'start' });
const ENDLESS = configuration('Endless', { program: '${workspaceFolder}/endless.wat', stopOnEntry: true, pauseEnds: true });
const HEARTBEAT = configuration('Heartbeat', { program: '${workspaceFolder}/heartbeat.wat', stopAt: 'start' });
const HEADLESS = configuration('Headless', { request: 'attach', socket: '${workspaceFolder}/headless.sock', stopOnEntry: true });

export default async function scenario(vscode, page) {
  const { session, forget, ...play } = players(vscode, page);
  const wanted = new RegExp(process.env.RR_ACTS ?? '');
  for (const [name, act] of Object.entries(acts)) {
    if (!wanted.test(name)) continue;
    const began = Date.now();
    forget();
    await Promise.race([act({ vscode, page, session, ...play }), tooLong(name)]);
    await page('say', { text: `ok ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)` });
  }
}

/** An act may wait for several things; a command that never answers would hide which one. */
async function tooLong(name) {
  await new Promise((wake) => setTimeout(wake, 2 * PATIENCE).unref());
  throw new Error(`${name}: it does not end`);
}

const acts = {
  async 'a recording opens as what it holds, and a link debugs it'({ vscode, page, folder, session, stopped, until }) {
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.joinPath(folder.uri, 'ledger.rrtrace'));
    const text = await page('pageText', { has: 'Debug Recording' });
    assert.match(text, /unreachable/);
    assert.match(text, /output-stream\.blocking-write-and-flush/);
    await page('picture', { name: 'recording' });
    await page('clickLink', { text: 'Debug Recording' });
    await stopped('exception');
    assert.equal(session().configuration.trace, vscode.Uri.joinPath(folder.uri, 'ledger.rrtrace').fsPath);
    // The source is not where it was compiled: a tab comes nevertheless, and must not come later.
    await until('a tab for the source', () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === 'ledger.c');
    await end(vscode, until);
  },

  async 'F5 without a launch.json debugs what is open'({ vscode, page, folder, session, stopped, until }) {
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.joinPath(folder.uri, 'ledger.rrtrace'));
    // What F5 runs: in a page just opened, nobody knows when keys reach the workbench.
    void vscode.commands.executeCommand('workbench.action.debug.start');
    // VS Code knows the debugger of a text file by its language; for this one it asks.
    await page('choose', { text: 'rr-dap (WebAssembly)' });
    await stopped('exception');
    assert.equal(session().configuration.trace, vscode.Uri.joinPath(folder.uri, 'ledger.rrtrace').fsPath);
    // The source is not where it was compiled: a tab comes nevertheless, and must not come later.
    await until('a tab for the source', () => vscode.window.tabGroups.activeTabGroup.activeTab?.label === 'ledger.c');
    await end(vscode, until);
  },

  async 'F5 in a C file debugs what the workspace has'({ vscode, page, folder, stopped, cursor, until }) {
    await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, 'ledger.c'));
    void vscode.commands.executeCommand('workbench.action.debug.start');
    await page('choose', { text: 'ledger.rrtrace' });
    await stopped('exception');
    await page('picture', { name: 'c-file' });
    await end(vscode, until);
  },

  async 'what there is to debug is listed once'({ vscode, page, until }) {
    void vscode.commands.executeCommand('workbench.action.debug.selectandstart');
    await page('choose', { text: 'rr-dap (WebAssembly)' });
    const listed = async () => (await page('choices')).map((text) => text.trim().split('\n')[0]);
    await until('the list', async () => (await listed()).some((text) => text.includes('ledger.wasm')));
    const all = await listed();
    assert.equal(new Set(all).size, all.length, all.join());
    await page('keys', { keys: ['Escape'] });
  },

  async 'where the program is missing, what to do is told'({ vscode, page, folder, until }) {
    const settings = vscode.workspace.getConfiguration('rr-dap');
    await settings.update('path', '/nowhere/rr-dap', vscode.ConfigurationTarget.Workspace);
    try {
      assert.equal(await vscode.debug.startDebugging(folder, PROGRAM), false);
      await page('button', { text: 'How to Install' });
      await until('the page', () => /readme/i.test(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? ''));
      await page('picture', { name: 'install' });
    } finally {
      await settings.update('path', undefined, vscode.ConfigurationTarget.Workspace);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    }
  },

  async 'the ends of a run that returned can be left again'({ vscode, page, folder, stopped, go, until, moment }) {
    const enabled = async (...wanted) => {
      await until(wanted.join(', '), async () => {
        const labels = (await page('toolbarEnabled')).filter((label) => label !== null);
        return wanted.every((button) => labels.some((label) => label.startsWith(button)));
      });
    };
    assert.ok(await vscode.debug.startDebugging(folder, RETURNED));
    await stopped('start');
    await enabled('Continue', 'Step Over', 'Step Into');
    await go('rr-dap.goToEnd', 'end');
    await enabled('Continue', 'Step Back', 'Reverse', 'Previous Hostcall');
    await vscode.commands.executeCommand('workbench.view.debug');
    await page('openSection', { view: 'Call Stack' });
    await until('where one is', async () => (await page('rows', { view: 'Call Stack' })).join().includes('end of the recording: the program returned 222'));
    await page('picture', { name: 'end' });
    await go('workbench.action.debug.stepBack');
    await enabled('Step Back', 'Reverse');
    await vscode.debug.activeDebugSession.customRequest('evaluate', { expression: 'seek end', context: 'repl' });
    await stopped('end');
    await enabled('Step Back', 'Reverse');
    await go('workbench.action.debug.reverseContinue', 'start');
    await enabled('Continue', 'Step Into');
    await go('workbench.action.debug.stepInto');
    await until('after the start', () => vscode.debug.activeStackItem instanceof vscode.DebugStackFrame);
    await end(vscode, until);
  },

  async 'a program that does not end is paused, and debugged from there'({ vscode, page, folder, stopped, until }) {
    const started = vscode.debug.startDebugging(folder, ENDLESS);
    await until('Pause', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Pause')));
    assert.ok(await started);
    await vscode.commands.executeCommand('workbench.view.debug');
    const { threads } = await vscode.debug.activeDebugSession.customRequest('threads', {});
    assert.deepEqual(threads, [{ id: 1, name: 'recording endless.wat' }]);
    await until('the progress', async () => (await page('notifications')).join().includes('recording the program for'));
    await page('picture', { name: 'recording-endless' });
    await page('toolbar', { button: 'Pause' });
    await stopped('end');
    await until('Step Back', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Step Back')));
    await page('picture', { name: 'paused-endless' });
    await end(vscode, until);
  },

  async 'Cancel beside the progress of a run ends it, too'({ vscode, page, folder, stopped, until }) {
    const started = vscode.debug.startDebugging(folder, ENDLESS);
    await until('the progress', async () => (await page('notifications')).join().includes('recording the program for'));
    assert.ok(await started);
    await page('button', { text: 'Cancel' });
    await stopped('end');
    await end(vscode, until);
  },

  async 'a program that goes on is debugged meanwhile, and what is shown grows'({ vscode, page, folder, stopped, until }) {
    assert.ok(await vscode.debug.startDebugging(folder, HEARTBEAT));
    await stopped('start');
    const ask = (request) => vscode.debug.activeDebugSession.customRequest(request, {});
    const { events } = await ask('rr/when');
    await until('more', async () => (await ask('rr/when')).events > events + 10);
    const { threads } = await ask('threads');
    assert.match(threads[0].name, / so far$/);
    await page('picture', { name: 'goes-on' });
    await page('toolbar', { button: 'Continue' });
    await until('Pause', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Pause')));
    await page('toolbar', { button: 'Pause' });
    // Where it has come to, or at what is recorded so far, if it waits there.
    await stopped();
    await until('it stands', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Step Back')));
    assert.ok((await ask('rr/when')).moment.event > events);
    await page('toolbar', { button: 'Stop' });
    await until('the run ends', async () => !/ so far$/.test((await ask('threads')).threads[0].name));
    await page('toolbar', { button: 'Stop' });
    await until('the session ends', () => vscode.debug.activeDebugSession === undefined);
  },

  async 'Stop ends a run first, and then the session'({ vscode, page, folder, stopped, until }) {
    const started = vscode.debug.startDebugging(folder, ENDLESS);
    await until('Stop', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Pause')));
    assert.ok(await started);
    await page('toolbar', { button: 'Stop' });
    await stopped('end');
    await page('toolbar', { button: 'Stop' });
    await until('the session ends', () => vscode.debug.activeDebugSession === undefined);
  },

  async 'a hostcall shows who made it'({ vscode, page, folder, stopped, cursor, go, until }) {
    assert.ok(await vscode.debug.startDebugging(folder, RECORDING));
    await stopped('exception');
    await go('rr-dap.goToEvent', 'goto', 30);
    await cursor('ledger.c', /printf|fgets/);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await go('rr-dap.previousHostcall', 'hostcall');
    await cursor('ledger.c', /printf|fgets/);
    const { phase } = await vscode.debug.activeDebugSession.customRequest('rr/when', {});
    assert.equal(phase, 'calling');
    await page('picture', { name: 'hostcall' });
    await go('rr-dap.stepOverHostcall', 'hostcall');
    await cursor('ledger.c', /printf|fgets/);
    await end(vscode, until);
  },

  async 'the requests of a service are listed, filtered, and travelled to'({ vscode, page, folder, stopped, cursor, go, until }) {
    const rows = async () => (await page('rows', { view: 'Requests' })).map((row) => row.trim().replaceAll('\n', ' '));
    assert.ok(await vscode.debug.startDebugging(folder, SERVED));
    await stopped('exception');
    await vscode.commands.executeCommand('workbench.view.debug');
    const others = ['Variables', 'Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints', 'Hostcalls', 'Handles'];
    for (const view of others) await page('closeSection', { view });
    await page('openSection', { view: 'Requests' });
    await until('all of them', async () => (await rows()).length === 9);
    assert.match((await rows())[2], /^3\s+GET \/status\/503\s*503 · [\d.]+ [mµ]?s · [\d:.]+$/);
    assert.match((await rows())[8], /^9\s+GET \/trap\?place=3\s*500 · trapped · /);
    await page('picture', { name: 'requests' });
    await page('clickRow', { view: 'Requests', text: 'GET /status/503' });
    await stopped('goto');
    await cursor('lib.rs', /export!|fn handle/);
    const { threads } = await vscode.debug.activeDebugSession.customRequest('threads', {});
    assert.match(threads[0].name, /^request 3: GET \/status\/503, /);
    await page('openSection', { view: 'Call Stack' });
    await until('the call stack', async () => (await page('rows', { view: 'Call Stack' })).join().includes('GET /status/503'));
    await page('clickRow', { view: 'Call Stack', text: 'GET /status/503' });
    await page('openSection', { view: 'Variables' });
    // Rows out of sight are not there.
    for (const view of ['Call Stack', 'Requests']) await page('closeSection', { view });
    const values = async () => (await page('rows', { view: 'Variables' })).join('\n');
    await until('the answer', async () => /answer body/.test(await values()));
    await page('picture', { name: 'request-frame' });
    await page('closeSection', { view: 'Variables' });
    for (const view of ['Call Stack', 'Requests']) await page('openSection', { view });
    await go('rr-dap.nextRequest');
    await vscode.commands.executeCommand('rr-dap.showFailedRequests');
    await until('the failed ones', async () => (await rows()).length === 2);
    await go('rr-dap.nextFailedRequest');
    await until('the one that trapped', async () => /trap/.test((await vscode.debug.activeDebugSession.customRequest('threads', {})).threads[0].name));
    await page('picture', { name: 'requests-failed' });
    await vscode.commands.executeCommand('rr-dap.showAllRequests');
    for (const view of ['Variables', 'Watch', 'Breakpoints', 'Hostcalls']) await page('openSection', { view });
    await end(vscode, until);
    // Others have none, and no view for them.
    assert.ok(await vscode.debug.startDebugging(folder, RETURNED));
    await stopped('start');
    await page('openSection', { view: 'Hostcalls' });
    assert.deepEqual(await rows(), []);
    await end(vscode, until);
  },

  async 'tasks are listed with what they wait for, deadlocks are marked, and rows lead there'({ vscode, page, folder, session, stopped, go, until, moment, menu }) {
    const rows = async () => (await page('rows', { view: 'Tasks' })).map((row) => row.trim().replaceAll('\n', ' '));
    const toldBefore = await page('notifications');
    assert.ok(await vscode.debug.startDebugging(folder, DEADLOCK));
    await stopped('exception');
    await vscode.commands.executeCommand('workbench.view.debug');
    const others = ['Variables', 'Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints', 'Hostcalls', 'Handles'];
    await page('openSection', { view: 'Tasks' });
    for (const view of others) await page('closeSection', { view });
    await until('both tasks', async () => (await rows()).filter((row) => /^task [12] .*waits for ever at set/.test(row)).length >= 2);
    const all = await rows();
    assert.match(all[0], /^deadlock\s*task 1 → task 2 → task 1$/);
    const first = all.findIndex((row) => /^task 1\s+run/.test(row));
    assert.match(all[first + 1], /^set 3/);
    assert.match(all[first + 2], /^subtask 1 \(order, started\)/);
    assert.match(all[first + 3], /^task 2\s+order/);
    assert.ok(all.some((row) => /^future 2, writable end/.test(row)), all.join('\n'));
    await page('picture', { name: 'tasks' });
    await page('clickRow', { view: 'Tasks', text: 'subtask 1 (order, started)' });
    await stopped('goto');
    await until('event 2', () => eventOf(moment()) === 2);
    // As it is there: the second task has still to begin.
    await until('the view follows', async () => (await rows()).length > 0 && !(await rows()).some((row) => /for ever|deadlock/.test(row)));
    assert.deepEqual((await session().customRequest('rr/tasks', {})).tasks.map(({ id }) => id), [1]);
    assert.equal((await rows()).filter((row) => /^task /.test(row)).length, 1);
    await vscode.commands.executeCommand('rr-dap.showTasksAtEnd');
    await until('those at the end', async () => (await rows()).some((row) => /for ever/.test(row)));
    await go('rr-dap.goToStart');
    assert.ok((await rows()).some((row) => /for ever/.test(row)));
    await menu({ view: 'Tasks', text: 'task 2  order', item: 'Go to Where It Began' });
    await stopped('goto');
    await until('the call of task 2', () => eventOf(moment()) === 2);
    await vscode.commands.executeCommand('rr-dap.showTasksHere');
    await until('those here', async () => !(await rows()).some((row) => /for ever/.test(row)));
    // Nothing but how the run ended.
    const told = (await page('notifications')).filter((text) => !toldBefore.includes(text));
    assert.deepEqual(told.filter((text) => !text.startsWith('every task waits')), []);
    for (const view of ['Variables', 'Watch', 'Call Stack', 'Breakpoints', 'Hostcalls']) await page('openSection', { view });
    await end(vscode, until);
    // Others have one call, and no view for it.
    assert.ok(await vscode.debug.startDebugging(folder, RETURNED));
    await stopped('start');
    await page('openSection', { view: 'Hostcalls' });
    assert.deepEqual(await rows(), []);
    await end(vscode, until);
  },

  async 'hostcalls that have their results later tell where those came, and lead there'({ vscode, page, folder, stopped, until, moment, menu }) {
    const rows = async () => (await page('rows', { view: 'Hostcalls' })).map((row) => row.trim().replaceAll('\n', ' '));
    const toldBefore = await page('notifications');
    assert.ok(await vscode.debug.startDebugging(folder, LATER));
    await stopped('start');
    await vscode.commands.executeCommand('workbench.view.debug');
    for (const view of ['Variables', 'Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints', 'Handles', 'Tasks']) await page('closeSection', { view });
    await page('openSection', { view: 'Hostcalls' });
    await until('the results', async () => (await rows()).some((row) => /wait-for.*→ subtask \d+, returned before event \d+/.test(row)));
    await page('picture', { name: 'later-results' });
    const wait = (await rows()).find((row) => /wait-for/.test(row));
    const came = Number(/before event (\d+)/.exec(wait)[1]);
    await menu({ view: 'Hostcalls', text: 'wait-for', item: 'Go to Where Its Result Came' });
    await stopped('goto');
    await until('where it came', () => eventOf(moment()) === came);
    await page('picture', { name: 'later-result' });
    // What has no result later has nowhere to lead; and what was written is told in WAVE.
    const written = (await rows()).find((row) => /stream\.write/.test(row));
    assert.match(written ?? '', /elements: b?"hello/);
    for (const view of ['Variables', 'Watch', 'Call Stack', 'Breakpoints']) await page('openSection', { view });
    // A view that still asks when the session ends shows nobody that it has ended.
    await vscode.debug.stopDebugging();
    await until('the session ends', () => vscode.debug.activeDebugSession === undefined);
    await new Promise((wake) => setTimeout(wake, 1500));
    const told = (await page('notifications')).filter((text) => !toldBefore.includes(text));
    assert.deepEqual(told, []);
  },

  async 'a system shows what its nodes said to each other, and one goes along that'({ vscode, page, folder, session, stopped, stops, go, key, until, moment, menu }) {
    assert.ok(await vscode.debug.startDebugging(folder, SYSTEM));
    await stopped('entry');
    const ask = (request, given = {}) => session().customRequest(request, given);
    const nodes = async () => new Map((await ask('rr/system')).nodes.map((node) => [node.name, node]));
    await vscode.commands.executeCommand('workbench.view.debug');
    const others = ['Variables', 'Watch', 'Call Stack', 'Loaded Scripts', 'Breakpoints', 'Hostcalls', 'Handles'];
    for (const view of others) await page('closeSection', { view });
    await page('openSection', { view: 'Messages' });
    const rows = async () => (await page('rows', { view: 'Messages' })).map((row) => row.trim().replaceAll('\n', ' '));
    const { total, messages } = await ask('rr/messages');
    await until('all of them', async () => (await rows()).length === total);
    assert.match((await rows())[0], /^poster → answer-1\s*POST \/echo · /);
    await page('picture', { name: 'messages' });

    // A click goes to where it was sent, the menu to where it was received, and keys from one to the other.
    const body = messages.find(({ said, from }) => said === '"hello there"' && from.node === 'poster');
    const there = async (end) => {
      await until(`${end.node}, event ${end.event}`, () => moment().startsWith(`${end.node}: `) && eventOf(moment()) === end.event);
    };
    await page('clickRow', { view: 'Messages', text: '"hello there"' });
    await stopped('goto');
    await there(body.from);
    let stop = stops();
    await menu({ view: 'Messages', text: '"hello there"', item: 'Go to Where It Is Received' });
    await stopped('goto', stop);
    await there(body.to);
    await go('rr-dap.followBack', 'goto');
    await there(body.from);
    await go('rr-dap.follow', 'goto');
    await there(body.to);
    await page('openSection', { view: 'Call Stack' });
    await until('the thread', async () => (await page('rows', { view: 'Call Stack' })).join().includes('answer-1'));
    await page('picture', { name: 'messages-received' });
    stop = stops();
    await menu({ view: 'Call Stack', text: 'answer-1', item: 'Follow Message Back to Where It Was Sent' });
    await stopped('goto', stop);
    await there(body.from);
    await go('rr-dap.follow', 'goto');
    await there(body.to);
    await page('closeSection', { view: 'Call Stack' });
    void vscode.commands.executeCommand('rr-dap.filterMessages');
    await page('type', { text: 'getter' });
    await until('those of one node', async () => (await rows()).length > 0 && (await rows()).every((row) => row.includes('getter')));
    await vscode.commands.executeCommand('rr-dap.clearMessageFilter');
    await until('all again', async () => (await rows()).length === total);

    // Lanes, and lines between them.
    await vscode.commands.executeCommand('rr-dap.timeline.focus');
    await until('the strip', async () => (await page('timeline')).moment.startsWith('answer-1: event '));
    assert.match((await page('timeline')).ending, new RegExp(`^${total} messages of 4 recordings$`));
    await key('the first message', 'Home', ({ tip }) => /^poster → answer-1 {2}POST \/echo[^]*received before event 0 of answer-1/.test(tip ?? ''));
    await page('picture', { name: 'system' });
    stop = stops();
    await page('keys', { keys: ['Enter'] });
    await stopped('goto', stop);
    await there(messages[0].from);
    await key('the last message', 'End', ({ tip }) => /^answer-2 → getter/.test(tip ?? ''));
    stop = stops();
    await page('keys', { keys: ['Shift+Enter'] });
    await stopped('goto', stop);
    await there(messages.at(-1).to ?? messages.at(-1).from);
    // Nothing is to lie upon the strip.
    await vscode.commands.executeCommand('notifications.clearAll');
    // Along the lane of the first node, until there is one of its messages.
    let part = 0.12;
    await until('a message', async () => {
      part += 0.005;
      await page('pointTimeline', { part, down: 0.15 });
      return /^poster → |→ poster/.test((await page('timeline')).tip ?? '');
    });
    stop = stops();
    await page('clickTimeline', { part, down: 0.15 });
    await stopped('goto', stop);
    await until('the node that was pointed at', async () => moment().startsWith('poster: ') || moment().startsWith('answer-1: '));
    // Elsewhere in a lane, that node goes where it was then: the last lane is the second instance of the service.
    stop = stops();
    await page('clickTimeline', { part: 0.985, down: 0.7 });
    await stopped(undefined, stop);
    const after = await nodes();
    const last = after.get('answer-2');
    const said = messages.findLast(({ from }) => from.node === 'answer-2').from.event;
    assert.ok(last.open && last.event > said, JSON.stringify([...after.values()]));
    await page('wheelTimeline', { part: 0.8, by: -500 });
    await page('picture', { name: 'system-near' });
    await page('timelineButton', { button: 'Hostcalls' });
    await until('the hostcalls of a node', async () => /^event /.test((await page('timeline')).moment));
    await page('timelineButton', { button: 'All Nodes' });
    await until('all nodes', async () => (await page('timeline')).moment.startsWith('answer-2: '));
    for (const view of ['Variables', 'Watch', 'Call Stack', 'Breakpoints', 'Hostcalls']) await page('openSection', { view });
    await end(vscode, until);
    // One recording alone has none of it.
    assert.ok(await vscode.debug.startDebugging(folder, RETURNED));
    await stopped('start');
    await page('openSection', { view: 'Hostcalls' });
    assert.deepEqual(await rows(), []);
    await end(vscode, until);
  },

  async 'a link leads to the moment where it was copied'({ vscode, folder, stopped, go, until, moment }) {
    assert.ok(await vscode.debug.startDebugging(folder, RECORDING));
    await stopped('exception');
    await go('rr-dap.goToEvent', 'goto', 30);
    await until('event 30', () => eventOf(moment()) === 30);
    await vscode.commands.executeCommand('rr-dap.copyLink');
    const link = await vscode.env.clipboard.readText();
    assert.match(link, /^[\w-]+:\/\/rr-dap\.rr-dap\/open\?trace=\/.*ledger\.rrtrace&at=\d+:\d+:0x/);
    const { openLink } = vscode.extensions.getExtension('rr-dap.rr-dap').exports;
    const follow = async () => {
      await openLink(vscode.Uri.parse(link));
      await stopped('goto');
      await until('event 30', () => eventOf(moment()) === 30);
    };
    await go('rr-dap.goToStart', 'start');
    await follow();
    await end(vscode, until);
    await follow();
    await end(vscode, until);
  },

  async 'a program is recorded, and stops at main'({ vscode, folder, stopped, cursor, until }) {
    assert.ok(await vscode.debug.startDebugging(folder, PROGRAM));
    await stopped('entry');
    await cursor('ledger.c', /path = argc > 1|int main/);
    await end(vscode, until);
  },

  async 'a headless server is attached to'({ vscode, folder, stopped, cursor, until }) {
    const socket = vscode.Uri.joinPath(folder.uri, 'headless.sock').fsPath;
    const trace = vscode.Uri.joinPath(folder.uri, 'ledger.rrtrace').fsPath;
    const server = spawn(process.env.RR_DAP, ['--listen', `unix:${socket}`, '--trace', trace]);
    try {
      await once(server.stdout, 'data');
      assert.ok(await vscode.debug.startDebugging(folder, HEADLESS));
      await stopped('entry');
      await cursor('ledger.c', /path = argc > 1|int main/);
      await end(vscode, until);
    } finally {
      server.kill();
    }
  },

  async 'lines and breakpoints, backward from the trap'({ vscode, page, folder, stopped, cursor, locals, go }) {
    assert.ok(await vscode.debug.startDebugging(folder, RECORDING));
    await stopped('exception');
    await cursor('ledger.c', /__builtin_trap/);
    await vscode.commands.executeCommand('workbench.view.debug');
    const file = vscode.Uri.joinPath(folder.uri, 'ledger.c');
    const line = vscode.window.activeTextEditor.document.getText().split('\n').findIndex((text) => text.includes('from->balance -= transfer->amount'));
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(file, new vscode.Position(line, 0)))]);
    // To the beginning of the line that trapped, and to the one before.
    await go('workbench.action.debug.stepBack', 'step');
    await go('workbench.action.debug.stepBack', 'step');
    await cursor('ledger.c', /fprintf\(stderr/);
    await go('workbench.action.debug.reverseContinue', 'breakpoint');
    await cursor('ledger.c', /from->balance -= transfer->amount/);
    assert.ok((await locals()).includes('transfer'));
  },

  async 'the toolbar has our buttons, and they go back'({ page, cursor, until, moment }) {
    const buttons = await page('toolbarButtons');
    for (const button of ['Step Back Into', 'Step Back Out', 'Previous Hostcall', 'Next Hostcall']) {
      assert.ok(buttons.some((label) => label?.includes(button)), `${button} in ${buttons}`);
    }
    const before = moment();
    await page('toolbar', { button: 'Previous Hostcall' });
    await until('the moment changes', () => moment() !== before);
    const event = eventOf(moment());
    assert.ok(event < eventOf(before), `${before}, then ${moment()}`);
    await page('toolbar', { button: 'Next Hostcall' });
    await until('the moment changes', () => eventOf(moment()) > event);
  },

  async 'commands go to events, to the start and to the end'({ vscode, page, go, moment, until }) {
    // Steps by hostcalls end at breakpoints on their way, too.
    const set = vscode.debug.breakpoints;
    vscode.debug.removeBreakpoints(set);
    await go('rr-dap.goToEvent', 'goto', 20);
    await until('event 20', () => /^event 20 of 52( \(\d+ %\))?$/.test(moment()));
    await until('the status bar', async () => /event 20 of 52/.test((await page('statusBar')).join()));
    void vscode.commands.executeCommand('rr-dap.goToEvent');
    await page('type', { text: '30' });
    await until('event 30', () => eventOf(moment()) === 30);
    await go('rr-dap.previousHostcall', 'hostcall');
    await until('event 29', () => eventOf(moment()) === 29);
    await go('rr-dap.stepOverHostcall', 'hostcall');
    await go('rr-dap.stepBackOverHostcall', 'hostcall');
    await go('rr-dap.goToStart');
    await until('the start', () => /^event 0 /.test(moment()));
    await go('rr-dap.goToEnd');
    await until('the end', () => eventOf(moment()) === 52);
    await go('rr-dap.goToEvent', 'goto', 20);
    vscode.debug.addBreakpoints(set);
  },

  async 'steps go back into and out of calls'({ vscode, page, go, cursor, stopped }) {
    await go('workbench.action.debug.reverseContinue', 'breakpoint');
    await cursor('ledger.c', /from->balance -= transfer->amount/);
    await go('rr-dap.stepBackInto', 'step');
    await cursor('ledger.c', /if \(!from \|\| !to\)/);
    await go('rr-dap.stepBackInto', 'step');
    await cursor('ledger.c', /return NULL|return &accounts|^}|for \(int i/);
    await go('rr-dap.stepBackOut', 'step');
    await cursor('ledger.c', /find\(transfer->to\)/);
    await page('keys', { keys: ['Control+Shift+F10'] });
    await stopped('step');
  },

  async 'the source tells what the whole run did, and lenses lead there'({ vscode, page, folder, go, cursor, until, moment }) {
    await go('rr-dap.goToEnd');
    await cursor('ledger.c', /__builtin_trap/);
    const file = vscode.Uri.joinPath(folder.uri, 'ledger.c');
    const document = await vscode.workspace.openTextDocument(file);
    const lineOf = (part) => document.getText().split('\n').findIndex((text) => text.includes(part));
    const apply = lineOf('static int apply(');
    const lenses = async () => {
      const all = await vscode.commands.executeCommand('vscode.executeCodeLensProvider', file, 100);
      return (all ?? []).filter(({ range }) => range.start.line === apply).map(({ command }) => command);
    };
    await until('how much of the run it took', async () => /called 12 times · [\d.]+ % of ticks/.test((await lenses())[0]?.title ?? ''));
    assert.deepEqual((await lenses()).slice(1).map(({ title }) => title), ['first', 'previous', 'next', 'last']);
    const whole = new vscode.Range(0, 0, document.lineCount, 0);
    const hints = await vscode.commands.executeCommand('vscode.executeInlayHintProvider', file, whole);
    const subtracts = lineOf('from->balance -= transfer->amount');
    assert.ok(hints.some(({ position, label }) => position.line === subtracts && label === '×12'));
    const at = new vscode.Position(subtracts, document.lineAt(subtracts).text.indexOf('amount'));
    const hovers = await vscode.commands.executeCommand('vscode.executeHoverProvider', file, at);
    assert.match(hovers.flatMap(({ contents }) => contents.map(({ value }) => value)).join(), /`transfer->amount` had 12 values/);
    const lens = async (wanted) => {
      const { command, arguments: given } = (await lenses()).find(({ title }) => title === wanted);
      await go(command, 'goto', ...given);
    };
    await lens('first');
    await until('the first call', () => eventOf(moment()) === 15);
    await cursor('ledger.c', /static int apply|find\(transfer->from\)/);
    await page('picture', { name: 'lenses' });
    await lens('next');
    await until('the next call', () => eventOf(moment()) === 17);
    await lens('previous');
    await until('the first call again', () => eventOf(moment()) === 15);
    const settings = vscode.workspace.getConfiguration('rr-dap');
    await settings.update('languageServer', false, vscode.ConfigurationTarget.Workspace);
    await until('no lenses', async () => (await lenses()).length === 0);
    await settings.update('languageServer', undefined, vscode.ConfigurationTarget.Workspace);
  },

  async 'hostcalls are listed, filtered, and travelled to'({ vscode, page, go, until, moment }) {
    await page('openSection', { view: 'Hostcalls' });
    await go('rr-dap.goToEvent', 'goto', 20);
    const rows = () => page('rows', { view: 'Hostcalls' });
    await until('event 20 in the view', async () => (await rows()).some((row) => /^20\s/.test(row.trim())));
    assert.match((await rows()).join('\n'), /bob pays dave/);
    void vscode.commands.executeCommand('rr-dap.filterHostcalls');
    await page('type', { text: 'wasi:filesystem/*' });
    await until('only the filesystem', async () => (await rows()).length > 0 && (await rows()).every((row) => !/blocking-write/.test(row)));
    await page('picture', { name: 'hostcalls' });
    await page('clickRow', { view: 'Hostcalls', text: 'open-at' });
    await until('event 11', () => eventOf(moment()) === 11);
    await vscode.commands.executeCommand('rr-dap.clearHostcallFilter');
    await until('all of them', async () => (await rows()).some((row) => /^7\s/.test(row.trim())));
    await go('rr-dap.goToEvent', 'goto', 40);
    await until('the view follows', async () => (await rows()).some((row) => /^40\s/.test(row.trim())));
    await vscode.commands.executeCommand('rr-dap.showFailedHostcalls');
    await until('the failed one', async () => (await rows()).length === 1 && /^44\s/.test((await rows())[0].trim()));
    await vscode.commands.executeCommand('rr-dap.showAllHostcalls');
  },

  async 'handles are listed with their life'({ vscode, page, until, moment }) {
    await page('closeSection', { view: 'Hostcalls' });
    await page('openSection', { view: 'Handles' });
    const rows = () => page('rows', { view: 'Handles' });
    await until('the table', async () => (await rows()).some((row) => /stdout/.test(row)));
    await vscode.commands.executeCommand('rr-dap.showHandlesAtEnd');
    await until('what is never dropped', async () => (await rows()).some((row) => /Never dropped/.test(row)));
    await vscode.commands.executeCommand('rr-dap.showHandlesHere');
    await until('the table again', async () => (await rows()).some((row) => /preopened directory/.test(row)));
    await page('expandRow', { view: 'Handles', text: 'preopened directory' });
    await until('its life', async () => (await rows()).some((row) => /^3\s+made by/.test(row.trim())));
    await page('picture', { name: 'handles' });
    await page('clickRow', { view: 'Handles', text: 'made by' });
    await until('event 3', () => eventOf(moment()) === 3);
  },

  async 'a moment is marked, and returned to'({ vscode, page, go, until, moment }) {
    await go('rr-dap.goToEvent', 'goto', 34);
    const marked = vscode.commands.executeCommand('rr-dap.markHere');
    await page('type', { text: 'overdraft' });
    await marked;
    await go('rr-dap.goToEvent', 'goto', 5);
    void vscode.commands.executeCommand('rr-dap.goToMark');
    await page('choose', { text: 'overdraft' });
    await until('event 34', () => eventOf(moment()) === 34);
  },

  async 'the timeline shows the recording, and travels'({ vscode, page, key, until, moment }) {
    await vscode.commands.executeCommand('rr-dap.timeline.focus');
    await until('the strip', async () => (await page('timeline')).moment.startsWith('event 34'));
    const shown = await page('timeline');
    assert.equal(shown.nothing, null);
    assert.match(shown.ending, /unreachable/);
    assert.ok(shown.colours > 5, `${shown.colours} colours`);
    await until('the call in the tip', async () => {
      // What is laid out anew forgets where the mouse was.
      await page('pointTimeline', { part: 0.6 });
      return /wasi:.*\n\(/.test((await page('timeline')).tip ?? '');
    });
    await page('picture', { name: 'timeline' });
    await page('clickTimeline', { part: 0.5 });
    await until('another event', () => eventOf(moment()) !== 34);
    await page('wheelTimeline', { part: 0.5, by: -600 });
    await page('picture', { name: 'timeline-near' });
    const before = eventOf(moment());
    for (const chosen of [before + 1, before + 2]) {
      await key('the call that keys chose', 'ArrowRight', ({ spoken }) => new RegExp(`^event ${chosen}\\b`).test(spoken));
    }
    await page('keys', { keys: ['Enter'] });
    await until('the event that keys chose', () => eventOf(moment()) === before + 2);
  },

  async 'who wrote a variable is found'({ vscode, page, go, cursor, stopped, stops, menu }) {
    await page('closeSection', { view: 'Handles' });
    await go('rr-dap.goToEnd');
    await cursor('ledger.c', /__builtin_trap/);
    await page('openSection', { view: 'Variables' });
    const stop = stops();
    await menu({ view: 'Variables', text: 'i =', item: 'Who Wrote This' });
    await stopped(undefined, stop);
    await cursor('ledger.c', /for \(int i = 0; i < ACCOUNTS; i\+\+\)/);
  },

  async 'one picture of it all'({ vscode, page, go, cursor, until }) {
    await page('size', { width: 1280, height: 800 });
    await go('rr-dap.goToEvent', 'goto', 34);
    await vscode.commands.executeCommand('workbench.action.debug.reverseContinue');
    await cursor('ledger.c', /from->balance -= transfer->amount/);
    for (const view of ['Watch', 'Call Stack', 'Breakpoints']) await page('closeSection', { view });
    for (const view of ['Variables', 'Hostcalls', 'Handles']) await page('openSection', { view });
    await vscode.commands.executeCommand('rr-dap.timeline.focus');
    await vscode.commands.executeCommand('notifications.clearAll');
    await page('focusTimeline');
    await page('keys', { keys: ['0'] });
    await until('the tip', async () => {
      await page('pointTimeline', { part: 0.35 });
      return (await page('timeline')).tip?.includes('(');
    });
    await page('picture', { name: 'everything' });
    await end(vscode, until);
  },

  async 'nothing of ours stays when the session is over'({ page, until }) {
    await until('an empty status bar', async () => (await page('statusBar')).join('').trim() === '');
  },
};

async function end(vscode, until) {
  await vscode.debug.stopDebugging();
  await until('the session ends', () => vscode.debug.activeDebugSession === undefined);
  // VS Code cleans up behind it; a session that begins meanwhile is not given the focus.
  await new Promise((wake) => setTimeout(wake, 500));
}

function eventOf(text) {
  return Number(/event ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? Number.NaN);
}

/** What an act needs to play: watching stops, waiting for what is seen. */
function players(vscode, page) {
  const [folder] = vscode.workspace.workspaceFolders;
  const seen = [];
  vscode.debug.registerDebugAdapterTrackerFactory('rr-dap', {
    createDebugAdapterTracker: () => ({
      onDidSendMessage: (message) => {
        if (message.type === 'event' && message.event === 'stopped') seen.push(message.body);
      },
    }),
  });
  let passed = 0;
  const session = () => vscode.debug.activeDebugSession;
  const stops = () => seen.length;
  const until = async (what, holds) => {
    for (const late = Date.now() + PATIENCE; Date.now() < late; await new Promise((wake) => setTimeout(wake, 50))) {
      if (await holds()) return;
    }
    throw new Error(`${what}: not after ${PATIENCE / 1000} s; last stop ${JSON.stringify(seen.at(-1))}, ${moment()}`);
  };
  /** The next stop that nobody has waited for. */
  const stopped = async (reason, after = passed) => {
    await until(`a stop, ${reason ?? 'for whatever reason'}`, () => seen.length > after);
    passed = seen.length;
    if (reason !== undefined) assert.equal(seen.at(-1).reason, reason);
  };
  const go = async (command, reason, ...given) => {
    const before = seen.length;
    await vscode.commands.executeCommand(command, ...given);
    await stopped(reason, before);
  };
  /** The workbench itself has brought the line into sight. */
  const cursor = async (file, line) => {
    await until(`the cursor at ${line}`, () => {
      const editor = vscode.window.activeTextEditor;
      const frame = vscode.debug.activeStackItem;
      if (!(frame instanceof vscode.DebugStackFrame) || !editor?.document.uri.path.endsWith(`/${file}`)) return false;
      return line.test(editor.document.lineAt(editor.selection.active.line).text);
    });
  };
  const locals = async () => {
    const { frameId } = vscode.debug.activeStackItem;
    const { scopes } = await session().customRequest('scopes', { frameId });
    const all = await Promise.all(
      scopes.map(({ variablesReference }) => session().customRequest('variables', { variablesReference })),
    );
    return all.flatMap(({ variables }) => variables.map(({ name }) => name));
  };
  const moment = () => vscode.extensions.getExtension('rr-dap.rr-dap').exports?.momentText() ?? '';
  /** A menu that opens before the workbench knows that it stands still has what moves disabled. */
  const menu = async (given) => {
    await until('it stands still', async () => (await page('toolbarEnabled')).some((label) => label?.startsWith('Continue')));
    await page('menu', given);
  };
  /** A key for the strip, until it has come to what was wanted: the workbench takes the focus to the line of a stop. */
  const key = async (what, pressed, holds) => {
    await until(what, async () => {
      if (holds(await page('timeline'))) return true;
      await page('focusTimeline');
      await page('keys', { keys: [pressed] });
      return holds(await page('timeline'));
    });
  };
  /** Stops that no act has waited for are not the next one's. */
  const forget = () => {
    passed = seen.length;
  };
  return { folder, session, stops, forget, until, stopped, go, key, menu, cursor, locals, moment };
}
