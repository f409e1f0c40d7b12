/** What a debug configuration lacks, and what is wrong with one. */

import * as path from 'node:path';

export const TYPE = 'rr-dap';
export const DEFAULT_PORT = 4711;
const DEFAULT_HOST = '127.0.0.1';

/** A debug configuration, before VS Code's own checks. */
export interface Configuration {
  type?: string;
  request?: string;
  name?: string;
  [key: string]: unknown;
}

/** What a file can be debugged as. */
export type Subject =
  | { readonly kind: 'recording'; readonly file: string }
  | { readonly kind: 'program'; readonly file: string };

export function subjectOf(file: string): Subject | undefined {
  switch (path.extname(file).toLowerCase()) {
    case '.rrtrace':
      return { kind: 'recording', file };
    case '.wasm':
    case '.wat':
      return { kind: 'program', file };
    default:
      return undefined;
  }
}

/** What F5 does with a file: a recording is looked at from its end, a program from `main`. */
export function configurationFor(subject: Subject): Configuration & { type: string; request: string; name: string } {
  const base = { type: TYPE, request: 'launch' };
  const file = path.basename(subject.file);
  return subject.kind === 'recording'
    ? { ...base, name: `Debug ${file}`, trace: subject.file, stopAt: 'end' }
    : { ...base, name: `Record and debug ${file}`, program: subject.file, stopOnEntry: true };
}

/** Files of the same name are told apart by their folders. */
export function distinct<C extends ReturnType<typeof configurationFor>>(configurations: readonly C[], shorter: (file: string) => string): C[] {
  const often = new Set<string>();
  const once = new Set<string>();
  for (const { name } of configurations) (once.has(name) ? often : once).add(name);
  return configurations.map((configuration) => {
    const file = String(configuration['program'] ?? configuration['trace']);
    const name = configuration.name.replace(path.basename(file), () => shorter(file));
    return often.has(configuration.name) ? { ...configuration, name } : configuration;
  });
}

/** Whether a configuration says what to debug; where there is no launch.json, it does not. */
export function namesSubject(configuration: Configuration): boolean {
  return configuration.request === 'attach' || ['program', 'trace', 'traces'].some((key) => given(configuration, key));
}

/** A configuration for a subject, and what was given beside it. */
export function withSubject(configuration: Configuration, subject: Subject): ReturnType<typeof configurationFor> {
  const said = Object.entries(configuration).filter(([key]) => given(configuration, key));
  return { ...configurationFor(subject), ...Object.fromEntries(said) };
}

/** Fills in what can be left out. */
export function completed<C extends Configuration>(configuration: C, folder: string | undefined): C {
  const full: Configuration = { ...configuration };
  if (full.request === 'attach') {
    if (!given(full, 'socket') && !given(full, 'debugServer')) {
      full['host'] ??= DEFAULT_HOST;
      full['port'] ??= DEFAULT_PORT;
    }
  } else if (folder !== undefined) {
    full['cwd'] ??= folder;
    full['workspaceFolder'] ??= folder;
  }
  return full as C;
}

/** What is wrong with a completed configuration, in words for who wrote it. */
export function complaint(configuration: Configuration): string | undefined {
  if (configuration.request === 'attach') return attachComplaint(configuration);
  const [program, trace] = [given(configuration, 'program'), given(configuration, 'trace')];
  if (program && trace) return 'Both "program" and "trace" are given: leave one out.';
  if (!program && !trace && !given(configuration, 'traces')) {
    return 'Nothing to debug: give "program" (a component to record) or "trace" (a recording).';
  }
  const useless = ['args', 'dirs', 'invoke', 'recordTo', 'serve', 'wasi'].filter((key) => trace && given(configuration, key));
  if (useless.length > 0) {
    return `"${useless.join('", "')}" cannot change what "trace" holds: it has been recorded. Leave it out, or give "program".`;
  }
  return undefined;
}

function attachComplaint(configuration: Configuration): string | undefined {
  if (given(configuration, 'debugServer')) return undefined;
  if (given(configuration, 'socket')) {
    return given(configuration, 'port') ? 'Both "socket" and "port" are given: leave one out.' : undefined;
  }
  const port = configuration['port'];
  const valid = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
  return valid ? undefined : '"port" must be the number that `rr-dap --listen` has told.';
}

function given(configuration: Configuration, key: string): boolean {
  const value = configuration[key];
  if (value === undefined || value === null || value === '') return false;
  return !Array.isArray(value) || value.length > 0;
}

export interface ServerSettings {
  readonly code: string;
  readonly checkpointMemory: number | null;
  readonly logDap: string;
}

/** The server's command line. */
export function serverArguments(settings: ServerSettings): string[] {
  const options: string[] = [];
  if (settings.code === 'debug' || settings.code === 'fast') options.push('--code', settings.code);
  if (settings.checkpointMemory !== null) options.push('--checkpoint-memory', String(settings.checkpointMemory));
  if (settings.logDap !== '') options.push('--log-dap', settings.logDap);
  return options;
}

/** The command line of the language server that tells of a session's recording. */
export function languageServerArguments(trace: string, configuration: Configuration, settings: ServerSettings): string[] {
  const options = ['lsp', trace];
  const each = (option: string, values: unknown) => {
    for (const value of Array.isArray(values) ? values : []) if (typeof value === 'string') options.push(option, value);
  };
  for (const [from, to] of pairs(configuration['sourceMap'])) options.push('--source-map', `${from}=${to}`);
  each('--program', configuration['programs']);
  each('--debug-file', configuration['debugFiles']);
  // Another build has the debug information, if the recorded one was stripped of it.
  each('--debug-file', [configuration['component']]);
  if (settings.checkpointMemory !== null) options.push('--checkpoint-memory', String(settings.checkpointMemory));
  return options;
}

/** A map, or a list of pairs, as pairs. */
function pairs(map: unknown): [string, string][] {
  const listed: unknown[] = Array.isArray(map) ? map : typeof map === 'object' && map !== null ? Object.entries(map) : [];
  return listed.filter((pair): pair is [string, string] => Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string'));
}
