/** The strip of a system: a lane for each node, and lines for what they said to each other. */

import type { Message, System } from '../protocol.js';
import { grouped, messageFacts, messageLine, messageWay } from '../wording.js';
import { laneAt, type Layout, nodesLayout } from './layout.js';
import { hasEnd, lineAt, type MessageLine, messageLines } from './messageLines.js';
import type { FromPanel } from './messages.js';
import { paintSystem } from './paintSystem.js';
import { toPlace } from './scale.js';
import type { Pointed, Show, Sight } from './show.js';

const PIXELS_PER_BUCKET = 3;
/** In milliseconds: who zooms asks for no more than one of the parts that go by. */
const ASKED_EVERY = 150;

export class SystemShow implements Show {
  readonly label = 'Timeline of messages';
  readonly keys =
    'Left and right choose a message, Enter goes to where it was sent, Enter with the shift key to where it was received, plus and minus zoom.';
  /** The number of the message that is chosen. */
  private number: number | undefined;
  private asked = '';
  private asking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private system: System,
    private messages: readonly Message[],
    readonly recording: string,
    private readonly post: (message: FromPanel) => void,
  ) {}

  /** The same system, somewhere else; whether its axis has another length. */
  tell(system: System, messages: readonly Message[]): boolean {
    const length = this.length;
    this.system = system;
    this.messages = messages;
    return this.length !== length;
  }

  get length(): number {
    return Math.max(1, this.system.steps ?? 1);
  }

  get here(): number {
    const present = this.system.nodes.find(({ threadId }) => threadId === this.system.threadId);
    return (present?.part ?? 0) * this.length;
  }

  get moment(): string {
    const present = this.system.nodes.find(({ threadId }) => threadId === this.system.threadId);
    return present === undefined ? '' : `${present.name}: ${present.moment}`;
  }

  get ending(): string {
    const { messages, nodes } = this.system;
    if (typeof messages !== 'number') return 'Finding out who spoke with whom…';
    return messages === 0 ? 'These recordings said nothing to each other.' : `${grouped(messages)} messages of ${grouped(nodes.length)} recordings`;
  }

  layout(width: number, height: number, widthOf: (text: string) => number): Layout {
    const widest = Math.max(0, ...this.system.nodes.map(({ name }) => widthOf(name)));
    return nodesLayout(width, height, this.system.nodes.length, widest);
  }

  paint(context: CanvasRenderingContext2D, sight: Sight): void {
    paintSystem(context, { ...sight, system: this.system, lines: this.lines(sight), steps: this.length, chosen: this.number });
  }

  /** Messages of what is seen, and of as much again, so that some panning finds them there. */
  ask({ window, layout }: Sight): void {
    const half = (window.to - window.from) / 2;
    const from = Math.max(0, (window.from - half) / this.length);
    const to = Math.min(1, (window.to + half) / this.length);
    const buckets = Math.ceil((layout.span / PIXELS_PER_BUCKET) * (this.length / (window.to - window.from)));
    const asked = `${from} ${to} ${buckets}`;
    if (typeof this.system.steps !== 'number' || asked === this.asked) return;
    this.asked = asked;
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.post({ kind: 'part', from, to, buckets }), ASKED_EVERY);
  }

  point(x: number, y: number, sight: Sight): Pointed | undefined {
    const { window, layout } = sight;
    this.number = undefined;
    const lane = laneAt(layout, y);
    const node = lane === undefined ? undefined : this.system.nodes[lane];
    if (x < layout.left) return node && { tip: `${node.name}\n${node.moment}` };
    const found = lineAt(this.lines(sight), x, y);
    if (found !== undefined) {
      this.number = found.line.message.number;
      return pointed(found.line.message, found.end);
    }
    if (node === undefined || typeof this.system.steps !== 'number') return undefined;
    const part = Math.min(1, Math.max(0, toPlace(x - layout.left, window, layout.span) / this.length));
    return {
      tip: `${node.name} at ${(part * 100).toFixed(1)} % of the order`,
      go: { kind: 'node', threadId: node.threadId, part },
    };
  }

  /** Of those that are known: where there are too many, not all are. */
  step(by: -1 | 1): void {
    const { messages } = this;
    const at = messages.findIndex(({ number }) => number === this.number);
    const next = at < 0 ? this.firstFrom(by) : Math.min(messages.length - 1, Math.max(0, at + by));
    this.number = messages[next]?.number;
  }

  stepTo(end: 'first' | 'last'): void {
    this.number = this.messages.at(end === 'first' ? 0 : -1)?.number;
  }

  chosen(sight: Sight): (Pointed & { place: number; y: number }) | undefined {
    const message = this.messages.find(({ number }) => number === this.number);
    const line = this.lines(sight).find((line) => line.message === message);
    if (message === undefined || line === undefined) return undefined;
    const end = message.from ?? message.to;
    return { ...pointed(message, message.from ? 'sent' : 'received'), place: (end?.part ?? 0) * this.length, y: message.from ? line.y1 : line.y2 };
  }

  forget(): void {
    this.number = undefined;
  }

  spoken(): { text: string; number: number; most: number } {
    const chosen = this.messages.find(({ number }) => number === this.number);
    return { text: chosen?.text ?? this.moment, number: this.number ?? 0, most: this.system.messages ?? 0 };
  }

  /** The message that comes next after the present, or the last one before. */
  private firstFrom(by: -1 | 1): number {
    const isAhead = (message: Message) => ((message.from ?? message.to)?.part ?? 0) * this.length > this.here;
    const ahead = this.messages.findIndex(isAhead);
    const first = ahead < 0 ? this.messages.length : ahead;
    return Math.min(this.messages.length - 1, Math.max(0, by > 0 ? first : first - 1));
  }

  private lines({ window, layout }: Sight): MessageLine[] {
    const lanes = new Map(this.system.nodes.map(({ threadId }, lane) => [threadId, lane]));
    return messageLines(this.messages, lanes, this.length, window, layout);
  }
}

function pointed(message: Message, end: 'sent' | 'received'): Pointed {
  const other = end === 'sent' ? 'received' : 'sent';
  const { number } = message;
  const tip = [`${messageWay(message)}  ${messageLine(message)}`, ...messageFacts(message)].join('\n');
  return {
    tip,
    go: { kind: 'message', number, end },
    ...(hasEnd(message, other) ? { goOther: { kind: 'message', number, end: other } as const } : {}),
  };
}
