// Starts rr-dap in each of the ways that clients do, with DebugClient at the other end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateLog } from './schema.mjs';

const { DebugClient } = createRequire(import.meta.url)('@vscode/debugadapter-testsupport');
const LOG_OPTION = process.env.RR_DAP_LOG_OPTION ?? '--log-dap';
/** Recording and compiling happen before the first stop. */
const PATIENCE = 60_000;

export const TRANSPORTS = ['stdio', 'tcp', 'unix'];
export const THREAD = { threadId: 1 };

/** Runs `scenario` with a client, then validates all that was said. */
export async function debugging(transport, options, scenario) {
  const directory = mkdtempSync(join(tmpdir(), 'rr-dap-'));
  const log = join(directory, 'traffic.jsonl');
  const server = await start(transport, [LOG_OPTION, log, ...options], directory);
  try {
    const client = await server.client();
    await scenario(client, { directory, another: server.client });
    await client.disconnectRequest();
    await server.stop();
    validateLog(log);
  } finally {
    server.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function start(transport, options, directory) {
  const address = { tcp: '0', unix: `unix:${join(directory, 's')}` }[transport];
  const listen = address === undefined ? [] : ['--listen', address];
  const child = spawn(process.env.RR_DAP, [...listen, ...options], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = () => child.exitCode === null && child.kill('SIGKILL');
  if (transport === 'stdio') {
    const client = async () => initialized(child.stdout, child.stdin);
    // Standard input closes with the client; the process must end by itself.
    return { client, kill, stop: () => within(exited, 'rr-dap did not end') };
  }
  const place = (await firstLine(child.stdout)).replace(/^LISTENING /, '').trim();
  const client = async () => {
    const socket = place.startsWith('unix:') ? connect(place.slice(5)) : connect(+place, '127.0.0.1');
    await once(socket, 'connect');
    return initialized(socket, socket);
  };
  return { client, kill, stop: async () => kill() };
}

async function initialized(reader, writer) {
  const client = new DebugClient('', '', 'rr-dap');
  client.defaultTimeout = PATIENCE;
  client.connect(reader, writer);
  client.capabilities = (await client.initializeRequest({
    adapterID: 'rr-dap', clientID: 'check', pathFormat: 'path',
    linesStartAt1: true, columnsStartAt1: true,
    supportsVariableType: true, supportsMemoryReferences: true, supportsProgressReporting: true,
    supportsInvalidatedEvent: true,
  })).body;
  return client;
}

/** Never trust one chunk: the line may come in pieces. */
async function firstLine(stream) {
  let text = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw new Error(`rr-dap ended before it listened: ${text}`);
}

function within(promise, otherwise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), 10_000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Launches, sets breakpoints, and returns the first stop. */
export async function begin(client, launch, source, lines) {
  const initialized = client.waitForEvent('initialized', PATIENCE);
  const stopped = client.waitForEvent('stopped', PATIENCE);
  // A failed launch is the error to show, not a wait that ended.
  const launched = client.launchRequest(launch);
  await Promise.race([initialized, launched.then(() => initialized)]);
  const breakpoints = lines.map(line => ({ line }));
  const set = await client.setBreakpointsRequest({ source: { path: source }, breakpoints });
  await client.configurationDoneRequest();
  await launched;
  return { ...(await stopped).body, breakpoints: set.body.breakpoints };
}

/** Moves: the waiter is there before the request goes out. */
export async function go(client, motion, more = {}) {
  const stopped = client.waitForEvent('stopped', PATIENCE);
  await client.customRequest(motion, { ...THREAD, ...more });
  return (await stopped).body;
}

/** Asks for a motion in other words than the protocol's, and returns the stop. */
export async function travel(client, ask) {
  const stopped = client.waitForEvent('stopped', PATIENCE);
  const answer = await ask();
  return { ...(await stopped).body, answer };
}

export async function console_(client, expression) {
  return (await client.evaluateRequest({ expression, context: 'repl' })).body.result;
}

export async function stack(client) {
  return (await client.stackTraceRequest(THREAD)).body.stackFrames;
}

/** The innermost frame of the program's own, past a hostcall's; its source may not be here. */
export async function sourceFrame(client) {
  const own = frame => frame.presentationHint !== 'subtle' && frame.source !== undefined && !frame.source.name.endsWith('.wat');
  return (await stack(client)).find(own);
}

/** The variables of a scope whose name fits, by name. */
export async function scope(client, frame, name) {
  const { scopes } = (await client.scopesRequest({ frameId: frame.id })).body;
  const found = scopes.find(scope => name.test(scope.name));
  if (!found) throw new Error(`no scope ${name} among ${scopes.map(scope => scope.name)}`);
  return children(client, found.variablesReference);
}

export async function children(client, variablesReference) {
  const { variables } = (await client.variablesRequest({ variablesReference })).body;
  return Object.fromEntries(variables.map(variable => [variable.name, variable]));
}
