import { OciError } from '@oci/spec-types';

import type { Credential } from './credential.js';

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
  readonly #answers = new Map<
    string,
    { readonly until: number; readonly answer: Promise<Credential | undefined> }
  >();

  constructor(timeoutMs: number = defaultTimeoutMs) {
    this.#timeoutMs = timeoutMs;
  }

  /** @throws OciError `UNAUTHORIZED` when the helper is missing, fails or takes too long */
  get(
    suffix: string,
    serverUrl: string,
    { fresh = false }: { fresh?: boolean | undefined } = {},
  ): Promise<Credential | undefined> {
    const key = JSON.stringify([suffix, serverUrl]);
    const known = this.#answers.get(key);
    if (known && known.until > Date.now() && !fresh) return known.answer;
    const answer = this.#ask(suffix, serverUrl);
    const entry = { until: Date.now() + rememberMs, answer };
    this.#answers.set(key, entry);
    answer.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    });
    return answer;
  }

  async #ask(suffix: string, serverUrl: string): Promise<Credential | undefined> {
    const stdout = await this.#run(suffix, 'get', serverUrl);
    return stdout === undefined ? undefined : parseAnswer(stdout, programOf(suffix));
  }

  /** @throws OciError `UNAUTHORIZED` */
  async store(
    suffix: string,
    serverUrl: string,
    credential: Exclude<Credential, { kind: 'bearer' }>,
  ): Promise<void> {
    const [username, secret] =
      credential.kind === 'password'
        ? [credential.username, credential.password]
        : [tokenUser, credential.token];
    const input = JSON.stringify({ ServerURL: serverUrl, Username: username, Secret: secret });
    await this.#run(suffix, 'store', input);
  }

  /** @returns whether there was something to erase @throws OciError `UNAUTHORIZED` */
  async erase(suffix: string, serverUrl: string): Promise<boolean> {
    return (await this.#run(suffix, 'erase', serverUrl)) !== undefined;
  }

  /** What it printed; undefined when it says that it does not have the credential. */
  async #run(suffix: string, action: string, input: string): Promise<string | undefined> {
    const program = programOf(suffix);
    if (!/^[A-Za-z0-9._-]+$/.test(suffix)) throw broken(program, 'has a name that is not allowed');
    const { code, stdout } = await run(program, action, { input, timeoutMs: this.#timeoutMs });
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
  { input, timeoutMs }: { input: string; timeoutMs: number },
): Promise<{ code: number | null; stdout: string }> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'ignore'], shell: false });
    const give = (why: string, cause?: unknown): void => {
      clearTimeout(timer);
      // Its children may hold the pipe open, so its end is not waited for.
      child.stdout.destroy();
      child.kill('SIGKILL');
      reject(broken(program, why, cause));
    };
    const timer = setTimeout(give, timeoutMs, `did not answer within ${timeoutMs} ms`);
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > maxOutput) give(`answered more than ${maxOutput} bytes`);
    });
    child.on('error', (cause) => give('can not be run', cause));
    child.on('close', (code) => {
      clearTimeout(timer);
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
