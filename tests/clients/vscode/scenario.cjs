// What a person does with the ledger: look for the transfer that broke the books, from
// the end back. Everything is asked of the workbench: where its cursor is, and what the
// frame that it shows holds.
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');

const PATIENCE = 60_000;

module.exports = async (vscode, say) => {
  const [folder] = vscode.workspace.workspaceFolders;
  const file = vscode.Uri.joinPath(folder.uri, 'ledger.c');
  const lines = readFileSync(file.fsPath, 'utf8').split('\n');
  const line = text => lines.findIndex(line => line.includes(text)) + 1;
  const SUBTRACTS = line('from->balance -=');
  const stops = [];
  vscode.debug.registerDebugAdapterTrackerFactory('rr-dap', {
    createDebugAdapterTracker: () => ({
      onDidSendMessage: message => {
        if (message.type === 'event' && message.event === 'stopped') stops.push(message.body.reason);
      },
    }),
  });

  const until = async (what, holds) => {
    const end = Date.now() + PATIENCE;
    let seen;
    while (Date.now() < end) {
      seen = await holds();
      if (seen === true) return say(`ok ${what}`);
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    throw new Error(`${what}: ${JSON.stringify(seen)} after ${stops.join()}`);
  };
  /** The workbench shows this line after so many stops, the last one for this reason. */
  const at = (what, count, reason, expected) => until(`${what}: line ${expected}`, () => {
    const cursor = vscode.window.activeTextEditor?.selection.active.line + 1;
    const shown = vscode.window.activeTextEditor?.document.uri.fsPath;
    const focused = vscode.debug.activeStackItem instanceof vscode.DebugStackFrame;
    const here = { cursor, shown, focused, reason: stops.at(-1), count: stops.length };
    return (focused && cursor === expected && shown === file.fsPath
      && here.reason === reason && here.count === count) || here;
  });
  const ask = (request, more) => vscode.debug.activeDebugSession.customRequest(request, more);
  const evaluate = async expression => (await ask('evaluate', {
    expression, context: 'watch', frameId: vscode.debug.activeStackItem.frameId,
  })).result;
  const told = expression => ask('evaluate', { expression, context: 'repl' });
  const press = command => vscode.commands.executeCommand(`workbench.action.debug.${command}`);

  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(
    new vscode.Location(file, new vscode.Position(SUBTRACTS - 1, 0)))]);
  assert.ok(await vscode.debug.startDebugging(folder, 'ledger'), 'it should have started');
  await at('entry', 1, 'entry', line('const char *path = argc'));
  await press('continue');
  await at('continue', 2, 'breakpoint', SUBTRACTS);
  assert.equal(await evaluate('transfer->amount'), '1200');
  await press('stepOver');
  await at('step over', 3, 'step', SUBTRACTS + 1);
  await press('stepBack');
  await at('step back', 4, 'breakpoint', SUBTRACTS);
  const { scopes } = await ask('scopes', { frameId: vscode.debug.activeStackItem.frameId });
  const names = [];
  for (const { variablesReference } of scopes) {
    const { variables } = await ask('variables', { variablesReference });
    names.push(...variables.map(({ name }) => name));
  }
  for (const name of ['transfer', 'from', 'to']) assert.ok(names.includes(name), names.join());

  say(`console: ${(await told('seek end')).result}`);
  await at('seek end', 5, 'exception', line('__builtin_trap()'));
  say(`console: ${(await told('when')).result}`);
  for (const [count, amount] of [[6, '5000'], [7, '2400']]) {
    await press('reverseContinue');
    await at('reverse continue', count, 'breakpoint', SUBTRACTS);
    assert.equal(await evaluate('transfer->amount'), amount);
  }
  await vscode.debug.stopDebugging();
  await until('the session is over', () => vscode.debug.activeDebugSession === undefined);
};
