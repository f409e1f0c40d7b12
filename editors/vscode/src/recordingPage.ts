/** The document that shows what a recording holds. */

import { grouped } from './wording.js';

/** What `rr-dap trace info --json` tells, as far as it is shown. */
export interface RecordingInfo {
  readonly bytes: number;
  readonly hostcalls: number;
  /** How many of those only keep the component model's books. */
  readonly builtins?: number;
  readonly exitCode?: number | null;
  readonly outcome?: { readonly how: string; readonly what?: string };
  readonly missing?: unknown;
  readonly metadata?: {
    readonly program?: string;
    readonly args?: readonly string[];
    readonly dirs?: readonly string[];
    readonly invoke?: string | null;
    readonly recorder?: string;
    /** Seconds since 1970. */
    readonly started?: number;
  };
  readonly crossings?: readonly { readonly name: string; readonly calls: number; readonly direction: string }[];
}

type Row = readonly [name: string, value: string | undefined];

export function recordingPage(name: string, link: string, info: RecordingInfo | { readonly error: string }): string {
  const body = 'error' in info ? `<p class="error">${escaped(info.error)}</p>` : `${facts(info)}${calls(info)}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
  <title>${escaped(name)}</title>
  <style>
    body { padding: 12px 24px; max-width: 900px; }
    th { padding: 2px 16px 2px 0; text-align: left; font-weight: normal; vertical-align: top; color: var(--vscode-descriptionForeground); }
    td { padding: 2px 16px 2px 0; overflow-wrap: anywhere; }
    td.number { text-align: right; font-variant-numeric: tabular-nums; }
    .error { color: var(--vscode-errorForeground); white-space: pre-wrap; }
    a.start { display: inline-block; margin: 8px 0 12px; padding: 5px 12px; border-radius: 3px; text-decoration: none;
      color: var(--vscode-button-foreground); background: var(--vscode-button-background); }
  </style>
</head>
<body>
  <h2>${escaped(name)}</h2>
  <a class="start" href="${escaped(link)}">Debug Recording</a>
  ${body}
</body>
</html>
`;
}

function facts({ bytes, hostcalls, builtins = 0, exitCode, outcome, missing, metadata = {} }: RecordingInfo): string {
  const { program, args = [], dirs = [], invoke, recorder, started } = metadata;
  const rows: Row[] = [
    ['program', program],
    ['arguments', args.map((argument) => JSON.stringify(argument)).join(' ')],
    ['directories', dirs.join(', ')],
    ['invoked', invoke ?? undefined],
    ['recorded', started === undefined ? undefined : new Date(started * 1000).toISOString().replace('T', ' ').slice(0, 19) + ' UTC'],
    ['with', recorder],
    ['ended', outcome && [outcome.how, outcome.what].filter(Boolean).join(': ')],
    ['exit code', exitCode === undefined || exitCode === null ? undefined : String(exitCode)],
    ['missing', missing ? JSON.stringify(missing) : undefined],
    ['hostcalls', builtins === 0 ? grouped(hostcalls) : `${grouped(hostcalls - builtins)}, ${grouped(builtins)} built-ins`],
    ['size', `${grouped(bytes)} bytes`],
  ];
  const shown = rows.filter(([, value]) => value !== undefined && value !== '');
  return `<table>${shown.map(([name, value]) => `<tr><th>${name}</th><td>${escaped(value ?? '')}</td></tr>`).join('')}</table>`;
}

function calls({ crossings = [] }: RecordingInfo): string {
  const outgoing = crossings.filter(({ direction }) => direction === 'outgoing').sort((a, b) => b.calls - a.calls);
  if (outgoing.length === 0) return '';
  const rows = outgoing.map(({ name, calls }) => `<tr><td class="number">${grouped(calls)}</td><td>${escaped(name)}</td></tr>`);
  return `<h3>What it called</h3><table>${rows.join('')}</table>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
