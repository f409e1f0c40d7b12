/** The requests beyond the protocol, as docs/custom-requests.md has them. */

/** A moment of the recording. */
export interface Moment {
  /** In a hostcall, its own number; else, how many have been made. */
  readonly event: number;
  /** Can be given back to `rr/seek`; in a hostcall, it ends with `+call`. */
  readonly position: string;
  readonly tick: number;
  /** Of the hostcalls, or of the ticks where there are none. */
  readonly percent: number;
}

export interface When {
  readonly moment: Moment;
  /** How many hostcalls the recording has. */
  readonly events: number;
  /** One line for people. */
  readonly text: string;
  readonly phase: 'before' | 'calling' | 'answered' | 'end';
  /** The WIT name of the hostcall that we are in. */
  readonly hostcall?: string | null;
  /** The recording's path, where the server is. */
  readonly recording?: string | null;
  /** What the node is called, where several recordings are debugged as one. */
  readonly node?: string | null;
}

export interface Mark {
  readonly name: string;
  readonly moment: Moment;
}

export interface Hostcall {
  readonly event: number;
  readonly name: string;
  readonly interface?: string | null;
  readonly function?: string | null;
  /** WAVE text. */
  readonly arguments?: string | null;
  /** WAVE text. */
  readonly result?: string | null;
  /** What became of it, if it was not done when it returned. */
  readonly later?: { readonly event?: number | null; readonly result?: string | null; readonly text: string } | null;
  /** WAVE text: what a write took that was done at once, if not all. */
  readonly taken?: string | null;
  /** What the program is told of by it, or by callbacks just before. */
  readonly told?: readonly { readonly event: number; readonly inCall: boolean; readonly text: string }[] | null;
  /** A built-in of the component model that only keeps its books. */
  readonly builtin?: boolean | null;
  readonly failed: boolean;
  readonly depth?: number | null;
}

export interface HostcallQuery {
  /** A WIT path with `*`. */
  readonly filter?: string;
  readonly failed?: boolean;
  /** Whether the component model's own built-ins are meant, too. */
  readonly builtins?: boolean;
  readonly from?: number;
  readonly count?: number;
}

export interface Hostcalls {
  /** How many fit the filter, listed or not. */
  readonly total: number;
  readonly hostcalls: readonly Hostcall[];
}

/** What a service was asked; what is not known is absent. */
export interface ServedRequest {
  /** Counts the requests of the recording, from 1. */
  readonly number: number;
  /** Such as `GET /orders/7`. */
  readonly title: string;
  readonly method?: string | null;
  readonly target?: string | null;
  readonly status?: number | null;
  readonly outcome: 'answered' | 'trapped' | 'failed' | 'unanswered' | 'unfinished';
  readonly error?: string | null;
  readonly failed: boolean;
  /** Hostcalls made before it came; absent where it never came to the program. */
  readonly start?: number | null;
  readonly end?: number | null;
  /** RFC 3339. */
  readonly time?: string | null;
  readonly durationNs?: number | null;
  readonly hostcalls: number;
  readonly outgoing: number;
  readonly received: number;
  readonly sent: number;
}

export interface RequestQuery {
  readonly failed?: boolean;
  readonly from?: number;
  readonly count?: number;
}

export interface ServedRequests {
  /** How many are meant, listed or not. */
  readonly total: number;
  readonly requests: readonly ServedRequest[];
  /** The number of the one that the program is at work on. */
  readonly here?: number | null;
}

export interface LifeEvent {
  readonly event?: number | null;
  readonly what: string;
}

export interface Handle {
  readonly index: number;
  readonly kind: string;
  readonly type?: string | null;
  readonly state?: string | null;
  readonly meaning?: string | null;
  readonly created?: number | null;
  readonly life?: readonly LifeEvent[];
}

export interface Instance {
  readonly instance: number | string;
  readonly handles: readonly Handle[];
  readonly leaks?: readonly Handle[];
}

export interface Bucket {
  /** The first event. */
  readonly from: number;
  /** Behind the last event. */
  readonly to: number;
  /** One count for each interface. */
  readonly counts: readonly number[];
  readonly failed: number;
}

export interface Timeline {
  readonly events: number;
  readonly interfaces: readonly string[];
  readonly buckets: readonly Bucket[];
  readonly checkpoints: readonly Moment[];
  readonly marks: readonly Mark[];
  readonly here: Moment;
  /** One line on how the run ended. */
  readonly ending: string;
}

/** Where a node of a system stands. */
export interface SystemNode {
  readonly threadId: number;
  readonly name: string;
  /** Where it stands, in words. */
  readonly moment: string;
  readonly event: number;
  readonly events?: number | null;
  /** How much of the order of the system comes before it, of 1; absent until it is known who spoke with whom. */
  readonly part?: number | null;
  /** Whether it has been looked at. */
  readonly open: boolean;
  /** How much it did in each part of the order. */
  readonly activity?: readonly number[];
}

export interface System {
  /** None of a recording alone. */
  readonly nodes: readonly SystemNode[];
  /** The thread that was moved last. */
  readonly threadId: number;
  /** How many messages there are, and how long the order is; absent until that is known. */
  readonly messages?: number | null;
  readonly steps?: number | null;
}

export interface MessageEnd {
  readonly threadId: number;
  readonly node: string;
  readonly event: number;
  readonly inCall: boolean;
  /** How much of the order of the system comes before it, of 1. */
  readonly part: number;
  /** Whether the node has come so far. */
  readonly past: boolean;
}

/** What one node said to another, or what could not become a message. */
export interface Message {
  /** Counts the list, from 1. */
  readonly number: number;
  readonly kind: 'message' | 'outside' | 'ambiguous' | 'contradiction';
  readonly from?: MessageEnd | null;
  readonly to?: MessageEnd | null;
  readonly what?: string | null;
  readonly said: string;
  readonly bytes?: number | null;
  readonly evidence?: string | null;
  readonly tookNs?: number | null;
  readonly candidates?: readonly string[];
  readonly cycle?: readonly number[];
  /** All of it in one line. */
  readonly text: string;
}

export interface MessageQuery {
  /** What is in their line. */
  readonly filter?: string;
  readonly from?: number;
  readonly count?: number;
  readonly around?: boolean;
  /** What goes on between two parts of the order, of 1: if it is more than `count`, only some of it. */
  readonly between?: readonly [number, number];
}

export interface Messages {
  /** How many fit the filter, listed or not. */
  readonly total: number;
  readonly before: number;
  /** The number of the last one up to now; 0 if there is none. */
  readonly now: number;
  readonly messages: readonly Message[];
}

export type Seek = (
  | { readonly to: 'start' | 'entry' | 'end' }
  | { readonly event: number }
  | { readonly tick: number }
  | { readonly percent: number }
  | { readonly position: string }
  | { readonly mark: string }
  | { readonly request: number }
  | { readonly moment: string }
  | { readonly part: number }
) &
  OfThread;

/** Which node of a system is meant; the one that was moved last, if it is left out. */
export interface OfThread {
  readonly threadId?: number;
}

export interface Step {
  readonly direction: 'forward' | 'backward';
  readonly unit: 'line' | 'instruction' | 'hostcall' | 'request';
  readonly kind?: 'into' | 'over' | 'out';
  readonly filter?: string;
  readonly failed?: boolean;
  /** Whether the component model's own built-ins count as hostcalls. */
  readonly builtins?: boolean;
  /** Over a hostcall to where the program is told of its result, and back. */
  readonly result?: boolean;
  readonly threadId?: number;
}

export type WhoWrote = (
  | { readonly memoryReference: string; readonly count: number }
  | { readonly expression: string; readonly frameId?: number }
) & { readonly direction?: 'backward' | 'forward' };

/** What each request takes and answers. */
export interface Requests {
  'rr/when': [Record<string, never>, When];
  'rr/seek': [Seek, unknown];
  'rr/step': [Step, unknown];
  'rr/mark': [{ readonly name?: string }, Mark];
  'rr/unmark': [{ readonly name: string }, unknown];
  'rr/marks': [Record<string, never>, { readonly marks: readonly Mark[] }];
  'rr/hostcalls': [HostcallQuery, Hostcalls];
  'rr/requests': [RequestQuery, ServedRequests];
  'rr/resources': [
    { readonly handle?: number; readonly at?: 'here' | 'end' },
    { readonly instances: readonly Instance[] },
  ];
  'rr/timeline': [{ readonly buckets?: number; readonly builtins?: boolean }, Timeline];
  'rr/system': [{ readonly buckets?: number }, System];
  'rr/messages': [MessageQuery, Messages];
  'rr/follow': [{ readonly direction: 'forward' | 'backward' } & OfThread, unknown];
  'rr/goMessage': [{ readonly number: number; readonly end: 'sent' | 'received' }, unknown];
  'rr/whoWrote': [WhoWrote, unknown];
}

/** Those that answer with an empty body and go somewhere. */
export type Travel = 'rr/seek' | 'rr/step' | 'rr/whoWrote' | 'rr/follow' | 'rr/goMessage';

/** The version of the requests that a server's answer to `initialize` offers; 0 without them. */
export function offeredVersion(capabilities: unknown): number {
  const offered = (capabilities as { rrDap?: { version?: unknown } } | undefined)?.rrDap;
  return typeof offered?.version === 'number' ? offered.version : 0;
}
