import { once } from 'node:events';
import { addAbortSignal } from 'node:stream';

import { OciError, isOciError, throwIfAborted } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { eitherSignal } from '../transport/own-signal.js';
import type { Credential, CredentialAsk } from './credential.js';
import { ExpiringCredentials } from './expiring-credentials.js';

const defaultTimeoutMs = 15_000;
/** How long an answer is believed; cloud helpers give passwords that end after an hour or more. */
const rememberMs = 5 * 60_000;
const maxOutput = 64 * 1024;
const notFound = 'credentials not found in native keychain';
/** The user name that says that the secret is an identity token. */
const tokenUser = '<token>';

/**
 * The programs `docker-credential-<suffix>` (docker-credential-helpers' protocol: the server or JSON on
 * stdin, JSON or an error message on stdout). What they print is never logged. Each is asked once for a
 * server, however many wait for the answer.
 */
export class CredentialHelpers {
  readonly #timeoutMs: number;
  readonly #answers = new ExpiringCredentials();

  constructor(timeoutMs: number = defaultTimeoutMs) {
    this.#timeoutMs = timeoutMs;
  }

  /** @throws OciError `UNAUTHORIZED` when the helper is missing, fails or takes too long; `ABORTED` */
  get(
    suffix: string,
    serverUrl: string,
    ask: Pick<CredentialAsk, 'fresh' | 'signal'> = {},
  ): Promise<Credential | undefined> {
    const key = JSON.stringify([suffix, serverUrl]);
    return this.#answers.get(key, ask, async (end) => ({
      credential: await this.#ask(suffix, serverUrl, end),
      expiresAt: Date.now() + rememberMs,
    }));
  }

  async #ask(
    suffix: string,
    serverUrl: string,
    signal: AbortSignal,
  ): Promise<Credential | undefined> {
    const stdout = await this.#run(suffix, 'get', { input: serverUrl, signal });
    return stdout === undefined ? undefined : parseAnswer(stdout, programOf(suffix));
  }

  /** @throws OciError `UNAUTHORIZED`, `ABORTED` */
  async store(
    suffix: string,
    serverUrl: string,
    what: {
      readonly credential: Exclude<Credential, { kind: 'bearer' }>;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<void> {
    const { credential, signal } = what;
    const [username, secret] =
      credential.kind === 'password'
        ? [credential.username, credential.password]
        : [tokenUser, credential.token];
    const input = JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret });
    await this.#run(suffix, 'store', { input, signal });
  }

  /** @returns whether there was something to erase @throws OciError `UNAUTHORIZED`, `ABORTED` */
  async erase(suffix: string, serverUrl: string, signal?: AbortSignal): Promise<boolean> {
    return (await this.#run(suffix, 'erase', { input: serverUrl, signal })) !== undefined;
  }

  /** What it printed; undefined when it says that it does not have the credential. */
  async #run(
    suffix: string,
    action: string,
    given: { readonly input: string; readonly signal: AbortSignal | undefined },
  ): Promise<string | undefined> {
    const program = programOf(suffix);
    if (!/^[A-Za-z0-9._-]+$/.test(suffix)) throw broken(program, 'has a name that is not allowed');
    const { code, stdout } = await run(program, action, { ...given, timeoutMs: this.#timeoutMs });
    if (code === 0) return stdout;
    if (stdout.trim() === notFound) return undefined;
    throw broken(program, `failed with exit code ${code}`);
  }
}

function programOf(suffix: string): string {
  return `docker-credential-${suffix}`;
}

function parseAnswer(stdout: string, program: string): Credential | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null;
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw broken(program, 'answered what is not JSON');
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw broken(program, 'answered without a secret');
  if (username === '' && secret === '') return undefined;
  return username === tokenUser
    ? { kind: 'refresh', token: secret }
    : { kind: 'password', username, password: secret };
}

interface Run {
  readonly input: string;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Runs a program, and reads its answer within a time and a size. */
async function run(
  program: string,
  action: string,
  { input, timeoutMs, signal }: Run,
): Promise<{ code: number | null; stdout: string }> {
  const { spawn } = await import('node:child_process');
  throwIfAborted(signal);
  const late = AbortSignal.timeout(timeoutMs);
  const end = eitherSignal(signal, late);
  const child = spawn(program, [action], {
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: end,
    killSignal: 'SIGKILL',
  });
  // Its children may hold the pipe open, so its end is not waited for.
  addAbortSignal(end, child.stdout);
  // A helper that ends without reading its input is judged by its answer.
  child.stdin.on('error', () => {}).end(input);
  try {
    await once(child, 'spawn');
    const answer = readBytes(child.stdout, { limit: maxOutput, what: 'the answer' });
    const [stdout, [code]] = await Promise.all([answer, once(child, 'close')]);
    return { code: code as number | null, stdout: stdout.toString('utf8') };
  } catch (cause) {
    child.kill('SIGKILL');
    throwIfAborted(signal);
    if (late.aborted) throw broken(program, `did not answer within ${timeoutMs} ms`);
    if (isOciError(cause)) throw broken(program, `answered more than ${maxOutput} bytes`);
    throw broken(program, 'cannot be run', cause);
  }
}

function broken(program: string, why: string, cause?: unknown): OciError {
  return new OciError('UNAUTHORIZED', `the credential helper ${program} ${why}`, {
    cause,
    hint: 'It is named in the docker configuration; install it, or log in without it.',
  });
}
