/** Whether the component model's own built-ins, which only keep its books, are hostcalls to people. */

import * as vscode from 'vscode';

let shown = false;

export function builtinsShown(): boolean {
  return shown;
}

export async function showBuiltins(show: boolean): Promise<void> {
  shown = show;
  await vscode.commands.executeCommand('setContext', 'rr-dap.builtinsShown', show);
}
