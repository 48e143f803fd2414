import { spawn } from 'node:child_process';

import { OciError } from '@oci/spec-types';

import type { Credential } from './credential.js';

const timeoutMs = 10_000;
const maxOutput = 64 * 1024;
const notFound = 'credentials not found in native keychain';

/**
 * Asks `docker-credential-<suffix> get` (docker-credential-helpers' protocol: the server on stdin, JSON
 * or an error message on stdout). What it prints is never logged.
 *
 * @throws OciError `UNAUTHORIZED` when the helper is missing or fails
 */
export async function askHelper(
  suffix: string,
  serverUrl: string,
): Promise<Credential | undefined> {
  const program = `docker-credential-${suffix}`;
  if (!/^[A-Za-z0-9._-]+$/.test(suffix)) throw broken(program, 'has a name that is not allowed');
  const { code, stdout } = await runHelper(program, serverUrl);
  if (code !== 0) {
    if (stdout.trim() === notFound) return undefined;
    throw broken(program, `failed with exit code ${code}`);
  }
  return parseAnswer(stdout, program);
}

function parseAnswer(stdout: string, program: string): Credential | undefined {
  let answer: { Username?: unknown; Secret?: unknown };
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw broken(program, 'answered what is not JSON');
  }
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string')
    throw broken(program, 'answered without a secret');
  if (username === '' && secret === '') return undefined;
  return username === '<token>'
    ? { kind: 'refresh', token: secret }
    : { kind: 'password', username, password: secret };
}

function runHelper(
  program: string,
  serverUrl: string,
): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: timeoutMs,
      shell: false,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxOutput) chunks.push(chunk);
    });
    child.on('error', (cause) => reject(broken(program, 'can not be run', cause)));
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(chunks).toString('utf8') }));
    // A helper that ends without reading its input is judged by its answer.
    child.stdin.on('error', () => {});
    child.stdin.end(serverUrl);
  });
}

function broken(program: string, why: string, cause?: unknown): OciError {
  return new OciError('UNAUTHORIZED', `the credential helper ${program} ${why}`, {
    cause,
    hint: 'It is named in the docker configuration; install it, or log in without it.',
  });
}
