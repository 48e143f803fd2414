import { readFileSync, readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { styleText } from 'node:util';

import { describe, expect, it } from 'vitest';

import { TextStream } from './terminal.js';

function streamOf(isTTY: boolean): { stream: TextStream; text: () => string } {
  const raw = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  return { stream: new TextStream(raw), text: () => String(raw.read() ?? '') };
}

const hostile = 'a\u001b]0;title\u0007\u001b[2J\u009b31m\u202e\u061c\u200b\u2028\rb';
const shown = 'a\\u001b]0;title\\u0007\\u001b[2J\\u009b31m\\u202e\\u061c\\u200b\\u2028\\u000db';

describe('a text stream', () => {
  it.each([true, false])('escapes what a terminal would obey (terminal: %s)', (isTTY) => {
    const { stream, text } = streamOf(isTTY);
    stream.write(`${hostile}\n\tend\n`);
    expect(text()).toBe(`${shown}\n\tend\n`);
  });

  it('keeps the styles of the program on a terminal, and nowhere else', () => {
    const styled = styleText(['bold', 'red'], 'error:', { validateStream: false });
    const terminal = streamOf(true);
    terminal.stream.write(`${styled} \u001b[8mhidden`);
    expect(terminal.text()).toBe(`${styled} \\u001b[8mhidden`);
    const pipe = streamOf(false);
    pipe.stream.write(styled);
    expect(pipe.text()).not.toContain('\u001b');
  });

  it('gives a program content byte for byte, and a terminal what it may show', () => {
    const pipe = streamOf(false);
    pipe.stream.writeContent(Buffer.from(hostile));
    expect(pipe.text()).toBe(hostile);
    const terminal = streamOf(true);
    terminal.stream.writeContent(Buffer.from(hostile));
    expect(terminal.text()).toBe(shown);
  });
});

/** Of a test, or of the file that is this one way. */
const exempt = /\.test\.ts$|^terminal\.ts$/;

describe('the sources', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !exempt.test(name))
    .toSorted();
  const found = (pattern: RegExp): string[] =>
    files.filter((name) => pattern.test(readFileSync(`${import.meta.dirname}/${name}`, 'utf8')));

  it('reach standard output and standard error in two places, which make text streams of them', () => {
    expect(found(/process\.std(?:out|err)/)).toEqual(['main.ts', 'start.ts']);
    expect(found(/console\.|process\.emitWarning|fs\.writeSync/)).toEqual([]);
  });

  it('go around the escaping only where content is asked for, or a person', () => {
    expect(found(/std(?:out|err)\.raw\b/)).toEqual([
      'commands/pull-files.ts',
      'commands/pull.ts',
      'question.ts',
    ]);
  });
});
