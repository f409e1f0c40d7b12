/** Links that lead to a moment of a recording: what they say. */

/** A moment of a recording. */
export interface Target {
  readonly trace: string;
  /** As the server takes it in `stopAt`. */
  readonly at: string;
}

const OPEN = '/open';

export function linkTo({ trace, at }: Target, scheme: string, extension: string): string {
  return `${scheme}://${extension}${OPEN}?trace=${encoded(trace)}&at=${encoded(at)}`;
}

/** The workbench decodes the whole query before it is read: what would be taken for more of it is encoded twice. */
function encoded(text: string): string {
  return text.replace(/[^\w/.:-]/gu, (character) => encodeURIComponent(encodeURIComponent(character)));
}

/** What a link leads to, or what is wrong with it: it may come from anywhere. */
export function readLink(path: string, query: string): Target | string {
  const given = new URLSearchParams(query);
  // A `+` written by hand stands for itself.
  const [trace, at] = [given.get('trace') ?? '', (given.get('at') ?? 'end').replaceAll(' ', '+')];
  if (path !== OPEN) return `A link of rr-dap begins with ${OPEN}, not with ${path}.`;
  if (!trace.startsWith('/')) return 'The link names no recording by its whole path: "trace" is missing.';
  if (!/^[\w.:+%]{1,100}$/.test(at)) return 'The link names no moment: "at" is a position, as "Copy Link to This Moment" writes it.';
  return { trace, at };
}
