/** What the view *Tasks* shows: tasks, what each waits for, and who has the other ends. */

import type { HeldItem, Task, Tasks, WaitNode } from './protocol.js';

export type Sign = 'deadlock' | Task['state'] | HeldItem['kind'] | 'other-end' | 'host' | 'nobody' | 'group';

export interface Row {
  /** The same as long as it is about the same. */
  readonly id: string;
  readonly label: string;
  readonly description: string;
  /** Everything that is known, a line each. */
  readonly facts: readonly string[];
  readonly sign: Sign;
  /** It waits for what can never happen. */
  readonly isStuck: boolean;
  readonly isOpen: boolean;
  /** The hostcall that a click leads to. */
  readonly event: number | undefined;
  /** The hostcall at which the task began. */
  readonly begun: number | undefined;
  readonly children: () => readonly Row[];
}

/** Whether there is more to see than one call of an exported function. */
export function isAsynchronous({ tasks, ended, instances, waits }: Tasks): boolean {
  const waitsOrWaited = (task: Task) => task.callbacks > 0 || task.state === 'waiting' || task.state === 'yielded' || Boolean(task.caller);
  return (
    tasks.length > 1 ||
    waits.cycles.length > 0 ||
    instances.some(({ items }) => items.length > 0) ||
    [...tasks, ...ended].some(waitsOrWaited)
  );
}

export function taskRows(told: Tasks): readonly Row[] {
  return new Rows(told).all();
}

/** `2 in progress, a deadlock` */
export function tasksText({ tasks, waits }: Tasks): string {
  const { length } = waits.cycles;
  const deadlocks = length === 0 ? '' : length === 1 ? ', a deadlock' : `, ${length} deadlocks`;
  return `${tasks.length} in progress${deadlocks}`;
}

/** How many tasks are listed before the rest is to be unfolded. */
const PART = 500;

/** What an instance holds. */
interface Held {
  readonly instance: number;
  readonly item: HeldItem;
}

class Rows {
  private readonly inProgress: ReadonlyMap<number, Task>;
  private readonly held: ReadonlyMap<string, HeldItem>;
  /** By task, those that it has; those of no task in progress by 0. */
  private readonly heldBy: ReadonlyMap<number, readonly Held[]>;
  private readonly next: ReadonlyMap<number, readonly number[]>;
  /** Where tasks are among the nodes. */
  private readonly places: ReadonlyMap<number, number>;

  constructor(private readonly told: Tasks) {
    const { instances, waits } = told;
    this.inProgress = new Map(told.tasks.map((task) => [task.id, task]));
    const held = instances.flatMap(({ instance, items }) => items.map((item): Held => ({ instance, item })));
    this.held = new Map(held.map(({ instance, item }) => [`${instance}/${item.index}`, item]));
    this.heldBy = grouped(held.map((each) => [this.holder(each), each]));
    this.next = grouped(waits.edges);
    this.places = new Map(waits.nodes.flatMap(({ kind, task }, place) => (kind === 'task' && task ? [[task, place]] : [])));
  }

  all(): readonly Row[] {
    const { tasks, ended, waits } = this.told;
    return [
      ...waits.cycles.map((cycle, place) => this.deadlock(cycle, place)),
      ...this.listed(tasks, 0),
      ...this.others(),
      ...(ended.length === 0 ? [] : [group('ended', 'Ended', `${ended.length}`, () => ended.map((task) => this.endedTask(task)))]),
    ];
  }

  private listed(tasks: readonly Task[], from: number): readonly Row[] {
    const to = from + PART;
    const rows = tasks.slice(from, to).map((task) => this.task(task, '', []));
    return tasks.length <= to ? rows : [...rows, group(`more ${to}`, `${tasks.length - to} more`, '', () => this.listed(tasks, to))];
  }

  private deadlock(cycle: readonly number[], place: number): Row {
    const nodes = cycle.flatMap((at) => this.told.waits.nodes[at] ?? []);
    const names = nodes.map(({ name }) => name);
    const tasks = nodes.filter(({ kind }) => kind === 'task').map(({ name }) => name);
    const id = `deadlock ${place}`;
    return {
      ...plain(id, 'deadlock', [...tasks, tasks[0]].join(' → ')),
      facts: ['They wait for each other, and for nobody else:', [...names, names[0]].join(' → ')],
      sign: 'deadlock',
      isStuck: true,
      children: () => cycle.map((at) => ({ ...this.waitedFor(at, id, []), children: () => [] })),
    };
  }

  /** The task in progress that has it, in its own instance; else 0. */
  private holder({ instance, item }: Held): number {
    const task = this.inProgress.get(item.task ?? 0);
    return task?.instance === instance ? task.id : 0;
  }

  /** A task in progress; `above` are the places of those that wait for it. */
  private task(task: Task, within: string, above: readonly number[]): Row {
    const place = this.places.get(task.id) ?? -1;
    const isStuck = this.told.waits.nodes[place]?.isStuck ?? false;
    const id = `${within}/task ${task.id}`;
    const isAgain = above.includes(place);
    return {
      ...this.ofTask(task, id),
      description: isAgain ? 'as above' : isStuck ? forEver(briefly(task)) : briefly(task),
      sign: task.state,
      isStuck,
      isOpen: within === '',
      children: () => (isAgain ? [] : [...this.waitsFor(place, id, above), ...this.holds(task, place, id)]),
    };
  }

  private endedTask(task: Task): Row {
    return { ...this.ofTask(task, `ended/task ${task.id}`), description: task.words, sign: 'ended' };
  }

  private ofTask(task: Task, id: string): Row {
    return {
      ...plain(id, `task ${task.id}  ${shortName(task.function)}`, ''),
      facts: [`task ${task.id}, instance ${task.instance}: ${task.function}(${task.arguments})`, task.words, ...task.more],
      event: whereItStands(task),
      begun: task.caller?.hostcall ?? task.begun,
    };
  }

  private waitsFor(place: number, within: string, above: readonly number[]): readonly Row[] {
    return (this.next.get(place) ?? []).map((to) => this.waitedFor(to, within, [...above, place]));
  }

  private waitedFor(place: number, within: string, above: readonly number[]): Row {
    const node = this.told.waits.nodes[place] as WaitNode;
    const task = node.kind === 'task' ? this.inProgress.get(node.task ?? 0) : undefined;
    if (task !== undefined) return this.task(task, within, above);
    const id = `${within}/waits ${place}`;
    const item = this.held.get(`${node.instance}/${node.index}`);
    return {
      ...plain(id, node.name, rest(node)),
      facts: [node.words, ...(item === undefined || node.words.includes(item.words) ? [] : [item.words])],
      sign: node.kind === 'end' ? (item?.kind ?? 'stream') : (node.kind as Sign),
      isStuck: node.isStuck,
      // Until the next task: that is the answer.
      isOpen: true,
      event: node.hostcall ?? item?.hostcall,
      children: () => (above.includes(place) ? [] : this.waitsFor(place, id, above)),
    };
  }

  /** Its subtasks, and the ends of streams and futures that it has; what it waits for stands there already. */
  private holds(task: Task, place: number, within: string): readonly Row[] {
    const waited = new Set<string>();
    for (const first of this.next.get(place) ?? []) {
      for (const at of [first, ...(this.next.get(first) ?? [])]) {
        const { kind, instance, index } = this.told.waits.nodes[at] as WaitNode;
        if (kind !== 'other-end') waited.add(`${instance}/${index}`);
      }
    }
    return this.items(task.id, within, waited);
  }

  /** What is there without a task in progress. */
  private others(): readonly Row[] {
    const rows = this.items(0, 'others');
    return rows.length === 0 ? [] : [group('others', 'Of no task in progress', `${rows.length}`, () => rows)];
  }

  private items(holder: number, within: string, waited?: ReadonlySet<string>): readonly Row[] {
    const held = (this.heldBy.get(holder) ?? []).filter(({ item }) => item.kind !== 'waitable-set');
    return held
      .filter(({ instance, item }) => !waited?.has(`${instance}/${item.index}`))
      .map(({ instance, item }) => this.item(item, instance, within));
  }

  private item(item: HeldItem, instance: number, within: string): Row {
    const id = `${within}/${instance}/${item.index}`;
    const isSubtask = item.kind === 'subtask';
    const [what, description] = isSubtask ? subtaskWords(item) : endWords(item);
    return {
      ...plain(id, what, description),
      facts: [`index ${item.index} of instance ${instance}`, item.words],
      sign: item.kind,
      event: item.hostcall,
      children: () => (isSubtask ? this.callee(item, id) : this.otherEnd(item, id)),
    };
  }

  private callee(item: HeldItem, within: string): readonly Row[] {
    const callee = this.inProgress.get(item.callee ?? 0);
    return callee === undefined ? [] : [{ ...this.task(callee, within, []), children: () => [] }];
  }

  private otherEnd({ otherEnd }: HeldItem, within: string): readonly Row[] {
    if (otherEnd === undefined) return [];
    const item = this.held.get(`${otherEnd.instance}/${otherEnd.index}`);
    const row = plain(`${within}/other end`, 'other end', otherEnd.words);
    return [{ ...row, facts: [otherEnd.words, ...(item ? [item.words] : [])], sign: 'other-end', event: item?.hostcall }];
  }
}

function plain(id: string, label: string, description: string): Row {
  return { id, label, description, facts: [], sign: 'group', isStuck: false, isOpen: false, event: undefined, begun: undefined, children: () => [] };
}

function group(id: string, label: string, description: string, children: () => readonly Row[]): Row {
  return { ...plain(id, label, description), children };
}

function grouped<Value>(pairs: readonly (readonly [number, Value])[]): ReadonlyMap<number, readonly Value[]> {
  const found = new Map<number, Value[]>();
  for (const [key, value] of pairs) {
    const known = found.get(key);
    if (known === undefined) found.set(key, [value]);
    else known.push(value);
  }
  return found;
}

/** The hostcall that it is in, or the last one before it began to wait, or ended. One that runs is where the session is. */
function whereItStands({ hostcall, since, ended }: Task): number | undefined {
  if (typeof hostcall === 'number') return hostcall;
  const moment = ended ?? since;
  return typeof moment === 'number' ? Math.max(0, moment - 1) : undefined;
}

/** What it waits for stands below it. */
function briefly({ state, words }: Task): string {
  return state === 'waiting' ? words.replace(/(?<= event \d+): .*$/s, '') : words;
}

function forEver(words: string): string {
  return words.startsWith('waits ') ? words.replace('waits', 'waits for ever') : `waits for ever, ${words}`;
}

/** `wasi:cli/run@0.3.0#run` is `run` to people who see it beside its task. */
function shortName(path: string): string {
  return path.slice(path.indexOf('#') + 1);
}

/** What there is to say of it besides its name. */
function rest({ name, words }: WaitNode): string {
  return words.startsWith(name) ? words.slice(name.length).replace(/^[:,]? ?/, '') : words;
}

function subtaskWords(item: HeldItem): [string, string] {
  const result = item.result ? ` → ${item.result}` : '';
  const callee = item.callee ? `, it is task ${item.callee}` : '';
  return [`subtask ${item.index}  ${shortName(item.function ?? '')}`, `${item.state ?? ''}${result}${callee}`];
}

function endWords(item: HeldItem): [string, string] {
  const said = `${item.type}, ${item.side} end`;
  const description = item.words.startsWith(said) ? item.words.slice(said.length).replace(/^[:;,]? ?/, '') : item.words;
  return [`${item.kind} ${item.index}, ${item.side} end`, description];
}
