/** What people read about moments, hostcalls, handles, requests and messages. */

import type { Handle, Hostcall, Message, MessageEnd, Moment, ServedRequest } from './protocol.js';

const numbers = new Intl.NumberFormat('en-US');

export function grouped(number: number): string {
  return numbers.format(number);
}

/** `event 123 of 4,567 (37 %)` */
export function momentText(moment: Moment, events: number): string {
  const percent = `${Math.floor(moment.percent)} %`;
  if (events === 0) return `tick ${grouped(moment.tick)} (${percent})`;
  return `event ${grouped(moment.event)} of ${grouped(events)} (${percent})`;
}

/** `wasi:io/streams@0.2.12` is `io/streams` to people who see it a hundred times. */
export function shortInterface(name: string): string {
  return name.replace(/^wasi:/, '').replace(/@[^#/]*$/, '');
}

/** The function's own name: what is behind the interface, and behind the resource of a method. */
export function shortFunction(call: Hostcall): string {
  // What the component model itself has stands for an interface: `resource.drop`.
  if (call.interface && call.function && !call.interface.includes(':')) return `${call.interface} ${call.function}`;
  const own = call.function ?? call.name.slice(call.name.indexOf('#') + 1);
  return own.replace(/^\[method\][^.]*\./, '').replace(/^\[(?:static|constructor)\]/, '');
}

/** One line: `(self: 4, path: "x") → ok(5)`; what came later, and what it tells of, behind it. */
export function callValues(call: Hostcall): string {
  const listed = `(${call.arguments ?? ''})`;
  const answered = call.taken ? `${call.result ?? ''}: ${call.taken}` : call.result;
  const told = (call.told ?? []).map(({ inCall, text }) => (inCall ? ` ← ${text}` : ` (before it ← ${text})`));
  return [listed, answered, call.later?.text].filter(Boolean).join(' → ') + told.join('');
}

/** As little as tells one call from the next: the handle that a method is of comes first, and is always the same. */
export function briefValues(call: Hostcall): string {
  const given = (call.arguments ?? '').replace(/^self: [^,]*(?:, |$)/, '');
  return callValues({ ...call, arguments: given });
}

/** `own<descriptor>`: what a handle is, whatever it stands for and whosever type it has. */
export function handleKind(handle: Handle): string {
  if (!handle.type) return handle.kind;
  const type = handle.type.slice(handle.type.indexOf('#') + 1);
  return type.startsWith(handle.kind) ? type : `${handle.kind}<${type}>`;
}

export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** `850 µs`, `12.3 ms`, `4.20 s`. */
export function durationText(nanoseconds: number): string {
  if (nanoseconds < 1e6) return `${Math.round(nanoseconds / 1e3)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

/** `500 · trapped · 12.3 ms · 18:45:12.345`: what tells one request from the next, besides its title. */
export function requestLine(request: ServedRequest): string {
  const status = request.status ? String(request.status) : undefined;
  const outcome = request.outcome === 'answered' ? undefined : request.outcome;
  const time = request.time?.replace(/^.*T|Z$/g, '');
  const took = typeof request.durationNs === 'number' ? durationText(request.durationNs) : undefined;
  return [status, outcome, took, time].filter((part) => part !== undefined).join(' · ');
}

/** Everything else that is known of one, a line each. */
export function requestFacts(request: ServedRequest, took: string | undefined): string[] {
  const ending = request.error ? `${request.outcome}: ${request.error}` : request.outcome;
  const outgoing = request.outgoing > 0 ? `, ${grouped(request.outgoing)} requests to other servers` : '';
  return [
    request.status ? `${request.status}, ${ending}` : ending,
    request.time ? `${request.time}${took === undefined ? '' : `, took ${took}`}` : (took ?? ''),
    `${grouped(request.hostcalls)} hostcalls${outgoing}`,
    `${grouped(request.received)} bytes received, ${grouped(request.sent)} sent`,
    typeof request.start === 'number' ? '' : 'it never came to the program',
  ].filter((fact) => fact !== '');
}

/** `client → server`; of what has one end only, where the other one is looked for. */
export function messageWay(message: Message): string {
  const missing = message.kind === 'ambiguous' ? `? (${(message.candidates ?? []).join(', ')})` : 'outside';
  return `${message.from?.node ?? missing} → ${message.to?.node ?? missing}`;
}

/** `GET /orders · 1.2 ms`, `"hello" · 5 bytes`. */
export function messageLine(message: Message): string {
  const bytes = message.bytes ? `${grouped(message.bytes)} bytes` : undefined;
  const took = typeof message.tookNs === 'number' ? tookText(message.tookNs) : undefined;
  return [message.said, bytes, took].filter((part) => part !== undefined).join(' · ');
}

/** Everything that is known of one, a line each. */
export function messageFacts(message: Message): string[] {
  const end = (what: string, at: MessageEnd | null | undefined) =>
    at ? `${what} ${at.inCall ? 'in' : 'before'} event ${grouped(at.event)} of ${at.node}${at.past ? '' : ', still to come'}` : undefined;
  return [
    message.kind === 'contradiction' ? 'it would be received before it was sent' : undefined,
    message.kind === 'outside' ? 'its other end is in none of these recordings' : undefined,
    message.kind === 'ambiguous' ? `nothing tells which of these it is with: ${(message.candidates ?? []).join(', ')}` : undefined,
    end('sent', message.from),
    end('received', message.to),
    message.evidence ? `told by ${message.evidence.replaceAll('-', ' ')}` : undefined,
    message.bytes ? `${grouped(message.bytes)} bytes` : undefined,
    typeof message.tookNs === 'number' ? `took ${tookText(message.tookNs)}` : undefined,
  ].filter((fact) => fact !== undefined);
}

/** Clocks of two hosts may disagree. */
function tookText(nanoseconds: number): string {
  return nanoseconds < 0 ? `−${durationText(-nanoseconds)}` : durationText(nanoseconds);
}
