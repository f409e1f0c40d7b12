/** The commands that go somewhere, and marks. */

import * as vscode from 'vscode';
import { builtinsShown } from './builtins.js';
import { copyLink } from './links.js';
import { readPlace } from './place.js';
import type { Mark, Requests, Seek, Step, WhoWrote } from './protocol.js';
import { type Recording, type Recordings, reporting, STAYS } from './recording.js';
import { grouped, momentText } from './wording.js';

const STEPS: Readonly<Record<string, Step>> = {
  stepBackInto: { direction: 'backward', unit: 'line', kind: 'into' },
  stepBackOut: { direction: 'backward', unit: 'line', kind: 'out' },
  stepBackInstruction: { direction: 'backward', unit: 'instruction', kind: 'into' },
  nextHostcall: { direction: 'forward', unit: 'hostcall' },
  previousHostcall: { direction: 'backward', unit: 'hostcall' },
  stepOverHostcall: { direction: 'forward', unit: 'hostcall', kind: 'over' },
  stepBackOverHostcall: { direction: 'backward', unit: 'hostcall', kind: 'over' },
  stepOverToResult: { direction: 'forward', unit: 'hostcall', kind: 'over', result: true },
  stepBackFromResult: { direction: 'backward', unit: 'hostcall', kind: 'over', result: true },
  nextFailedHostcall: { direction: 'forward', unit: 'hostcall', failed: true },
  nextRequest: { direction: 'forward', unit: 'request' },
  previousRequest: { direction: 'backward', unit: 'request' },
  nextFailedRequest: { direction: 'forward', unit: 'request', failed: true },
  previousFailedRequest: { direction: 'backward', unit: 'request', failed: true },
  previousFailedHostcall: { direction: 'backward', unit: 'hostcall', failed: true },
};

/** What VS Code hands to commands in the menu of the call stack. */
interface StackItemInMenu {
  /** Ends with the number of the thread. */
  readonly threadId?: unknown;
}

/** What VS Code hands to commands in the menu of a variable. */
interface VariableInMenu {
  /** What the variable is in: a scope, or a variable, which has a value. */
  readonly container?: { readonly value?: string };
  readonly variable?: {
    readonly name: string;
    readonly evaluateName?: string;
    readonly memoryReference?: string;
  };
}

export function travelCommands(recordings: Recordings, extension: string): vscode.Disposable[] {
  const command = (name: string, run: (recording: Recording, ...given: never[]) => Promise<unknown>) =>
    vscode.commands.registerCommand(`rr-dap.${name}`, (...given: never[]) =>
      reporting(async () => {
        const recording = recordings.current;
        if (recording === undefined) throw new Error('No recording is being debugged: start one first.');
        await run(recording, ...given);
      }),
    );
  const seek = (to: Seek) => (recording: Recording) => recording.ask('rr/seek', to);
  return [
    ...Object.entries(STEPS).map(([name, step]) => command(name, (recording) => recording.ask('rr/step', { ...step, builtins: builtinsShown(), ...recording.thread }))),
    command('follow', (recording, item?: StackItemInMenu) => follow(recording, 'forward', item)),
    command('followBack', (recording, item?: StackItemInMenu) => follow(recording, 'backward', item)),
    command('goToStart', seek({ to: 'start' })),
    command('goToEnd', seek({ to: 'end' })),
    command('goToEvent', goToEvent),
    command('goToMark', goToMark),
    command('markHere', markHere),
    command('removeMark', removeMark),
    command('copyLink', (recording) => copyLink(recording, extension)),
    command('whoWrote', (recording, variable) => whoWrote(recording, variable, 'backward')),
    command('whoWritesNext', (recording, variable) => whoWrote(recording, variable, 'forward')),
    // What items of the views run.
    command('seek', (recording, to: Seek) => recording.ask('rr/seek', to)),
    command('goMessage', (recording, to: Requests['rr/goMessage'][0]) => recording.ask('rr/goMessage', to)),
  ];
}

async function follow(recording: Recording, direction: 'forward' | 'backward', item?: StackItemInMenu): Promise<void> {
  const [, chosen] = /(\d+)$/.exec(String(item?.threadId ?? '')) ?? [];
  const thread = chosen === undefined ? recording.thread : { threadId: Number(chosen) };
  await recording.ask('rr/follow', { direction, ...thread });
}

async function goToEvent(recording: Recording, given?: unknown): Promise<void> {
  if (typeof given === 'number') return void (await recording.ask('rr/seek', { event: given }));
  const { moment, events } = await recording.ask('rr/when', {});
  if (events === 0) throw new Error('The recording has no hostcalls: go to the start or the end.');
  const text = await vscode.window.showInputBox({
    ...STAYS,
    title: 'Go to Event',
    prompt: `A number from 0 to ${grouped(events - 1)}, or a part of the recording such as 50%`,
    value: String(moment.event),
    validateInput: (text) => (readPlace(text, events) ? undefined : `Give a number from 0 to ${events - 1}, or a percentage.`),
  });
  const to = text === undefined ? undefined : readPlace(text, events);
  if (to !== undefined) await recording.ask('rr/seek', to);
}

async function goToMark(recording: Recording): Promise<void> {
  const mark = await chooseMark(recording, 'Go to Mark');
  if (mark !== undefined) await recording.ask('rr/seek', { mark: mark.name });
}

async function markHere(recording: Recording): Promise<void> {
  const name = await vscode.window.showInputBox({
    ...STAYS,
    title: 'Mark This Moment',
    prompt: 'A name for it; without one, it gets a number.',
  });
  if (name === undefined) return;
  await recording.ask('rr/mark', name.trim() === '' ? {} : { name: name.trim() });
  marked.fire();
}

async function removeMark(recording: Recording): Promise<void> {
  const mark = await chooseMark(recording, 'Remove Mark');
  if (mark === undefined) return;
  await recording.ask('rr/unmark', { name: mark.name });
  marked.fire();
}

const marked = new vscode.EventEmitter<void>();
/** Marks have changed, though nothing has moved. */
export const onDidMark = marked.event;

async function chooseMark(recording: Recording, title: string): Promise<Mark | undefined> {
  const { marks } = await recording.ask('rr/marks', {});
  if (marks.length === 0) throw new Error('There are no marks: "rr-dap: Mark Here…" makes one.');
  const { events } = await recording.ask('rr/when', {});
  const items = marks.map((mark) => ({ label: mark.name, description: momentText(mark.moment, events), mark }));
  const chosen = await vscode.window.showQuickPick(items, { ...STAYS, title });
  return chosen?.mark;
}

async function whoWrote(recording: Recording, given: VariableInMenu | undefined, direction: 'backward' | 'forward'): Promise<void> {
  const what = await written(given);
  if (what !== undefined) await recording.ask('rr/whoWrote', { ...what, direction });
}

/** The bytes of a variable; the server knows how many they are where it has an expression. */
async function written(given: VariableInMenu | undefined): Promise<WhoWrote | undefined> {
  const variable = given?.variable;
  const item = vscode.debug.activeStackItem;
  const frame = item instanceof vscode.DebugStackFrame ? { frameId: item.frameId } : {};
  const known = variable && expressionOf(variable, given.container);
  if (known) return { expression: known, ...frame };
  if (variable?.memoryReference) {
    const count = await vscode.window.showInputBox({
      ...STAYS,
      title: `Who Wrote ${variable.name}`,
      prompt: 'How many bytes?',
      value: '4',
      validateInput: (text) => (/^[1-9]\d{0,8}$/.test(text) ? undefined : 'Give a number of bytes.'),
    });
    return count === undefined ? undefined : { memoryReference: variable.memoryReference, count: Number(count) };
  }
  const expression = given ? itsName(given) : await vscode.window.showInputBox({ ...STAYS, title: 'Who Wrote', prompt: 'An expression' });
  return expression ? { expression, ...frame } : undefined;
}

/** The name of a variable of the frame is its expression; those within have theirs told, or none. */
function expressionOf(
  { name, evaluateName, memoryReference }: NonNullable<VariableInMenu['variable']>,
  container: VariableInMenu['container'],
): string | undefined {
  if (evaluateName) return evaluateName;
  return memoryReference && container?.value === undefined ? name : undefined;
}

/** Items of the watch view have a name, which is the expression. */
function itsName(given: VariableInMenu): string | undefined {
  return (given as { name?: string }).name ?? given.variable?.name;
}
