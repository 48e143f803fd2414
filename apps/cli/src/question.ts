import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import { OciError } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import type { Terminal } from './terminal.js';

/** A secret that is longer is none. */
const mostSecretBytes = 64 * 1024;

/** Asks a person for a line; undefined where nobody can answer. */
export async function answer(question: string, terminal: Terminal): Promise<string | undefined> {
  return ask(printable(question), terminal, terminal.stderr.raw);
}

/** As {@link answer}, without showing what is typed. */
export async function secretAnswer(
  question: string,
  terminal: Terminal,
): Promise<string | undefined> {
  if (!isTerminal(terminal.stdin)) return undefined;
  terminal.stderr.write(printable(question));
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    return await ask('', terminal, nowhere);
  } finally {
    terminal.stderr.write('\n');
  }
}

/** Asks a person whether to go on; undefined where nobody can answer. */
export async function confirmed(
  question: string,
  terminal: Terminal,
): Promise<boolean | undefined> {
  const text = await answer(`${question} [y/N] `, terminal);
  return text === undefined ? undefined : /^y(?:es)?$/i.test(text.trim());
}

/** A secret from standard input, without the end of its line. @throws OciError `USAGE` */
export async function piped({ stdin }: Pick<Terminal, 'stdin'>): Promise<string> {
  let text = '';
  for await (const chunk of stdin) {
    text += String(chunk);
    if (text.length > mostSecretBytes) throw new OciError('USAGE', 'standard input is no secret');
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret !== '') return secret;
  throw new OciError('USAGE', 'standard input is empty', {
    hint: 'Give the secret there: ... --password-stdin < FILE',
  });
}

async function ask(
  question: string,
  { stdin, signal }: Terminal,
  output: NodeJS.WritableStream,
): Promise<string | undefined> {
  if (!isTerminal(stdin)) return undefined;
  const lines = createInterface({ input: stdin, output, terminal: true });
  // In raw mode the terminal sends no signal for Ctrl-C.
  const interrupted = new AbortController();
  lines.on('SIGINT', () => {
    interrupted.abort();
    process.kill(process.pid, 'SIGINT');
  });
  try {
    return await lines.question(question, {
      signal: AbortSignal.any([signal, interrupted.signal]),
    });
  } finally {
    lines.close();
  }
}

function isTerminal(stdin: NodeJS.ReadableStream): boolean {
  return 'isTTY' in stdin && stdin.isTTY === true;
}
