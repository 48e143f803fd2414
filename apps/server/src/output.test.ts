import { readFileSync, readdirSync } from 'node:fs';

import { OciError } from '@oci/spec-types';
import { afterEach, expect, test, vi } from 'vitest';

import { logStream, printFailure, printNote, printResult } from './output.js';

const hostile = 'a\u001b[2J\u009b31m\u202e\u2028b';
const shown = 'a\\u001b[2J\\u009b31m\\u202e\\u2028b';
const written: string[] = [];
const write = (text: unknown): boolean => written.push(String(text)) > 0;

afterEach(() => {
  written.length = 0;
  vi.restoreAllMocks();
});

test.each([
  ['a result', () => printResult({ json: 0, lines: [hostile] }, 'text'), `${shown}\n`],
  ['JSON', () => printResult({ json: { a: hostile }, lines: [] }, 'json'), `{"a":"${shown}"}\n`],
  ['a note', () => printNote([hostile]), `${shown}\n`],
  [
    'a failure',
    () => printFailure(new OciError('USAGE', hostile, { hint: hostile }), 'text'),
    `error: ${shown} [USAGE]\nhint: ${shown}\n`,
  ],
  [
    'a line of the log',
    () => logStream.write('{"a":"\u009b\u202e"}\n'),
    '{"a":"\\u009b\\u202e"}\n',
  ],
])('%s is printed without characters that a terminal obeys', (_, print, text) => {
  vi.spyOn(process.stdout, 'write').mockImplementation(write);
  vi.spyOn(process.stderr, 'write').mockImplementation(write);
  print();
  expect(written.join('')).toBe(text);
});

const root = `${import.meta.dirname}/../../..`;

/** Sources that reach standard output or standard error, of the server and of the libraries. */
function printing(directory: string): string[] {
  return readdirSync(`${root}/${directory}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .filter((name) =>
      /process\.std(?:out|err)|console\.|process\.emitWarning/.test(
        readFileSync(`${root}/${directory}/${name}`, 'utf8'),
      ),
    )
    .toSorted();
}

test('nothing else prints', () => {
  expect(printing('apps/server/src')).toEqual(['main.ts', 'output.ts']);
  for (const name of ['spec-types', 'client', 'cache', 'manager', 'extensions'])
    expect([name, printing(`packages/${name}/src`)]).toEqual([name, []]);
});
