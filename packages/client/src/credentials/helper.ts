import { OciError, asOciError, throwIfAborted } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type { Credential, CredentialAsk } from './credential.js';
import { SharedCall } from './shared-call.js';

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
  readonly #answers = new LRUCache<
    string,
    { readonly until: number; readonly call: SharedCall<Credential | undefined> }
  >({ max: 1000 });

  constructor(timeoutMs: number = defaultTimeoutMs) {
    this.#timeoutMs = timeoutMs;
  }

  /** @throws OciError `UNAUTHORIZED` when the helper is missing, fails or takes too long; `ABORTED` */
  get(
    suffix: string,
    serverUrl: string,
    { fresh = false, signal }: Pick<CredentialAsk, 'fresh' | 'signal'> = {},
  ): Promise<Credential | undefined> {
    const key = JSON.stringify([suffix, serverUrl]);
    const known = this.#answers.get(key);
    const isOld = fresh || !known || known.until <= Date.now() || known.call.isAborted;
    if (!isOld) return known.call.answer(signal);
    const call = new SharedCall((end) => this.#ask(suffix, serverUrl, end));
    const entry = { until: Date.now() + rememberMs, call };
    this.#answers.set(key, entry);
    call.result.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    });
    return call.answer(signal);
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

async function run(
  program: string,
  action: string,
  options: {
    readonly input: string;
    readonly timeoutMs: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<{ code: number | null; stdout: string }> {
  const { input, timeoutMs, signal } = options;
  const { spawn } = await import('node:child_process');
  throwIfAborted(signal);
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'ignore'], shell: false });
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const giveUp = (error: OciError): void => {
      end();
      // Its children may hold the pipe open, so its end is not waited for.
      child.stdout.destroy();
      child.kill('SIGKILL');
      reject(error);
    };
    const give = (why: string, cause?: unknown): void => giveUp(broken(program, why, cause));
    const abort = (): void => giveUp(asOciError(signal?.reason));
    const timer = setTimeout(give, timeoutMs, `did not answer within ${timeoutMs} ms`);
    signal?.addEventListener('abort', abort);
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxOutput) give(`answered more than ${maxOutput} bytes`);
    });
    child.on('error', (cause) => give('can not be run', cause));
    child.on('close', (code) => {
      end();
      resolve({ code, stdout: Buffer.concat(chunks).toString('utf8') });
    });
    // A helper that ends without reading its input is judged by its answer.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function broken(program: string, why: string, cause?: unknown): OciError {
  return new OciError('UNAUTHORIZED', `the credential helper ${program} ${why}`, {
    cause,
    hint: 'It is named in the docker configuration; install it, or log in without it.',
  });
}
