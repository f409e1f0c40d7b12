/** The view *Tasks*: calls of exported functions in progress, what each waits for, and who waits for ever. */

import * as vscode from 'vscode';
import { type Recording, type Recordings, reporting } from './recording.js';
import { isAsynchronous, type Row, type Sign, taskRows, tasksText } from './taskRows.js';

type At = 'here' | 'end';

const SIGNS: Readonly<Record<Sign, string>> = {
  deadlock: 'sync-ignored',
  running: 'play',
  calling: 'debug-stackframe',
  waiting: 'watch',
  yielded: 'debug-pause',
  ended: 'pass',
  subtask: 'call-outgoing',
  'waitable-set': 'list-unordered',
  stream: 'arrow-swap',
  future: 'arrow-swap',
  'other-end': 'plug',
  host: 'server',
  nobody: 'circle-slash',
  group: 'list-unordered',
};

export class TasksView implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Row>;
  private readonly subscriptions: vscode.Disposable[];
  private rows: readonly Row[] = [];
  private at: At = 'here';
  /** The recording, stop and time that are shown. */
  private shown = '';
  private of: Recording | undefined;
  /** Whether there is anything to be shown in the recording that is looked at. */
  private hasTasks = false;
  /** How much of the recording had been written when there was nothing to be shown. */
  private noneIn = -1;

  constructor(private readonly recordings: Recordings) {
    this.view = vscode.window.createTreeView('rr-dap.tasks', { treeDataProvider: this, showCollapseAll: true });
    const command = (name: string, run: (row?: Row) => Promise<unknown>) =>
      vscode.commands.registerCommand(`rr-dap.${name}`, (row?: Row) => reporting(() => run(row)));
    this.subscriptions = [
      this.changed,
      this.view,
      recordings.onDidChange(() => void this.refresh()),
      this.view.onDidChangeVisibility(() => void this.refresh()),
      command('showTasksAtEnd', () => this.look('end')),
      command('showTasksHere', () => this.look('here')),
      command('goToTaskBegin', (row) => this.goToBegin(row)),
    ];
  }

  getChildren(parent?: Row): Row[] {
    return [...(parent === undefined ? this.rows : parent.children())];
  }

  getTreeItem(row: Row): vscode.TreeItem {
    const { Collapsed, Expanded, None } = vscode.TreeItemCollapsibleState;
    const hasChildren = row.children().length > 0;
    const item = new vscode.TreeItem(row.label, hasChildren ? (row.isOpen ? Expanded : Collapsed) : None);
    item.id = row.id;
    item.description = row.description;
    item.tooltip = [...row.facts, ...(row.isStuck ? ['Nothing of what it waits for can ever happen.'] : [])].join('\n');
    const isTask = row.begun !== undefined;
    item.iconPath = row.isStuck
      ? new vscode.ThemeIcon(isTask ? 'error' : SIGNS[row.sign], new vscode.ThemeColor('list.errorForeground'))
      : new vscode.ThemeIcon(SIGNS[row.sign]);
    if (row.event !== undefined) {
      item.command = { command: 'rr-dap.seek', title: 'Go There', arguments: [{ event: row.event }] };
    }
    if (isTask) item.contextValue = 'task';
    item.accessibilityInformation = { label: `${row.label}, ${row.description}${row.isStuck ? ', stuck' : ''}` };
    return item;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async look(at: At): Promise<void> {
    this.at = at;
    void vscode.commands.executeCommand('setContext', 'rr-dap.tasksAtEnd', at === 'end');
    await this.refresh();
  }

  /** To the call that it answers, or else to the first hostcall after it began, if there is one. */
  private async goToBegin(row: Row | undefined): Promise<void> {
    const recording = this.recordings.current;
    if (recording === undefined || row?.begun === undefined) return;
    const { events } = await recording.ask('rr/when', {});
    await recording.ask('rr/seek', { event: Math.max(0, Math.min(row.begun, events - 1)) });
  }

  private async refresh(): Promise<void> {
    const recording = this.recordings.current;
    if (recording !== this.of) this.forget(recording);
    if (recording === undefined || recording.stop === 0 || !recording.travels) return;
    const wanted = `${recording.session.id} ${recording.news} ${this.at}`;
    if (wanted === this.shown) return;
    this.shown = wanted;
    try {
      if (!this.hasTasks) await this.findOut(recording, wanted);
      // Nobody looks: who does will have it asked then.
      if (this.shown === wanted && !(this.hasTasks && this.view.visible)) this.shown = '';
      if (this.shown !== wanted) return;
      const told = await recording.ask('rr/tasks', { at: this.at });
      if (this.shown !== wanted) return;
      this.rows = taskRows(told);
      this.view.message = this.rows.length > 0 ? undefined : this.at === 'here' ? 'No task is in progress here.' : 'No task was in progress at the end.';
      this.view.description = `${this.at === 'end' ? 'at the end: ' : ''}${tasksText(told)}`;
      this.changed.fire();
    } catch (error) {
      // The next stop asks again.
      if (this.shown === wanted) this.shown = '';
      if (this.view.visible) this.view.message = error instanceof Error ? error.message : String(error);
    }
  }

  /** Whether the view is to be there at all: at the start there is nothing yet, and at the end of a good run nothing is left. */
  private async findOut(recording: Recording, wanted: string): Promise<void> {
    if (this.noneIn === recording.grown) return;
    const { grown } = recording;
    for (const at of ['here', 'end'] as const) {
      const found = isAsynchronous(await recording.ask('rr/tasks', { at }));
      if (this.shown !== wanted || this.recordings.current !== recording) return;
      if (found) return this.say(true);
    }
    this.noneIn = grown;
  }

  private forget(recording: Recording | undefined): void {
    this.of = recording;
    this.rows = [];
    this.shown = '';
    this.noneIn = -1;
    this.view.message = undefined;
    this.view.description = '';
    this.say(false);
    this.changed.fire();
  }

  private say(hasTasks: boolean): void {
    this.hasTasks = hasTasks;
    void vscode.commands.executeCommand('setContext', 'rr-dap.hasTasks', hasTasks);
  }
}
