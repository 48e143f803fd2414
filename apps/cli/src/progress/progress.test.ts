import { PassThrough } from 'node:stream';

import type { Digest, TransferEvent } from '@oci/spec-types';
import { beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from '../../test/json-schema.js';
import { type Page } from '../render/page.js';
import { stringWidth } from '../render/string-width.js';
import { TextStream } from '../terminal.js';
import { JsonProgress } from './json-progress.js';
import { PlainProgress } from './plain-progress.js';
import { createProgress } from './create-progress.js';
import { doneLine, pauseLine, transferLine } from './transfer-line.js';
import { Transfers } from './transfers.js';
import { TtyProgress } from './tty-progress.js';

const digest = `sha256:${'a'.repeat(64)}` as Digest;
const other = `sha256:${'b'.repeat(64)}` as Digest;
const size = 10_000_000;
const start: TransferEvent = { type: 'start', digest, size, title: 'package.tar' };
const bytes = (done: number): TransferEvent => ({ type: 'bytes', digest, done, size });
const page = (width: number): Page => ({ width, colors: false, unicode: true });

let now = 0;
const clock = (): number => now;
beforeEach(() => {
  now = 0;
});

/** Half of a blob in two seconds. */
function halfway(): Transfers {
  const transfers = new Transfers(clock);
  transfers.add(start);
  for (let step = 1; step <= 5; step += 1) {
    now = step * 400;
    transfers.add(bytes(step * 1_000_000));
  }
  return transfers;
}

function lineAt(width: number, transfers: Transfers): string {
  const [transfer] = transfers.active;
  if (!transfer) throw new Error('nothing is on its way');
  return transferLine(transfer, transfers, page(width));
}

describe('the line of a transfer', () => {
  it('says name, share, bytes, rate and time left at 120 columns', () => {
    expect(lineAt(120, halfway())).toBe(
      'package.tar  [███████████████               ]   50 %         5/10 MB    2.5 MB/s   0:02 left',
    );
  });

  it('keeps what matters most at 40 columns', () => {
    expect(lineAt(40, halfway())).toBe('package.tar           50 %    2.5 MB/s');
  });

  it.each([20, 40, 60, 80, 120, 200])('fits %i columns', (width) => {
    expect(stringWidth(lineAt(width, halfway()))).toBeLessThan(width);
  });

  it('draws a bar at 80 columns', () => {
    expect(lineAt(80, halfway())).toBe(
      'package.tar  [████████▌        ]   50 %         5/10 MB    2.5 MB/s   0:02 left',
    );
  });

  it('says for how long nothing came', () => {
    const transfers = halfway();
    now += 7_000;
    expect(lineAt(80, transfers)).toContain('nothing for 7.0 s');
  });

  it('says that another process downloads the same', () => {
    const transfers = new Transfers(clock);
    transfers.add({ type: 'joined', digest, size });
    expect(lineAt(80, transfers)).toContain('another download of it');
  });

  it('counts no speed for what was there before', () => {
    const transfers = new Transfers(clock);
    transfers.add(start);
    transfers.add({ type: 'resume', digest, offset: 9_000_000 });
    now = 1000;
    transfers.add(bytes(size));
    const done = transfers.add({ type: 'done', digest, size });
    expect(done && doneLine(done, transfers, page(80))).toBe(
      '✓ package.tar  10 MB in 1.0 s, 1 MB/s',
    );
  });
});

describe('a pause', () => {
  it('says how long, for whom and why, until something moves', () => {
    const transfers = halfway();
    transfers.add({
      type: 'wait',
      host: 'ghcr.io',
      delayMs: 47_000,
      until: 47_000,
      reason: 'ghcr.io answered 429',
    });
    now += 5_000;
    const { pause } = transfers;
    expect(pause && pauseLine(pause, now, page(100))).toBe(
      'waiting 42 s: ghcr.io wants a pause: ghcr.io answered 429',
    );
    transfers.add(bytes(6_000_000));
    expect(transfers.pause).toBeUndefined();
  });
});

/** A terminal that remembers what was written. */
function terminalOf(columns: number): { stream: NodeJS.WritableStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns, rows: 24 });
  return { stream, text: () => String(stream.read() ?? '').replaceAll('\u001b', 'ESC') };
}

describe('on a terminal', () => {
  it('draws a line for each blob, and takes them away again', () => {
    const { stream, text } = terminalOf(80);
    const progress = new TtyProgress(new TextStream(stream), { NO_COLOR: '1' }, clock);
    progress.add(start);
    progress.add({ type: 'start', digest: other, size });
    now = 1000;
    progress.draw();
    expect(
      text()
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['package.tar', 'sha256:bbbbbbbbbbbb']);
    progress.clear();
    expect(text()).toBe('ESC[2A\rESC[J');
  });

  it('leaves a line for what is done, above those that go on', () => {
    const { stream, text } = terminalOf(80);
    const progress = new TtyProgress(new TextStream(stream), { NO_COLOR: '1' }, clock);
    progress.add(start);
    progress.add({ type: 'start', digest: other, size });
    now = 1000;
    progress.draw();
    text();
    progress.add({ type: 'done', digest, size });
    progress.draw();
    expect(text()).toMatch(
      /^ESC\[2A\rESC\[J✓ package\.tar {2}10 MB in 1\.0 s, 10 MB\/s\n.*ESC\[2A\rESC\[Jsha256:bbbbbbbbbbbb .*\n$/s,
    );
    progress.clear();
  });

  it('counts the rows that lines take after the terminal became narrower', () => {
    const { stream, text } = terminalOf(80);
    const progress = new TtyProgress(new TextStream(stream), { NO_COLOR: '1' }, clock);
    progress.add(start);
    now = 1000;
    progress.draw();
    const drawn = text().trimEnd();
    Object.assign(stream, { columns: 40 });
    progress.draw();
    expect(text()).toMatch(new RegExp(`^ESC\\[${Math.ceil(drawn.length / 40)}A`));
    progress.clear();
  });

  it('draws nothing for what is over in a moment', () => {
    const { stream, text } = terminalOf(80);
    const progress = new TtyProgress(new TextStream(stream), {}, clock);
    progress.add({ type: 'start', digest, size: 0 });
    now = 100;
    progress.draw();
    progress.add({ type: 'done', digest, size: 0 });
    progress.clear();
    expect(text()).toBe('');
  });
});

describe('plain lines', () => {
  it('tell begin, end, and every ten seconds how far a blob is', () => {
    const stream = new PassThrough();
    const progress = new PlainProgress(new TextStream(stream), { everything: true, now: clock });
    progress.add(start);
    for (let step = 1; step <= 24; step += 1) {
      now = step * 500;
      progress.add(bytes(step * 250_000));
    }
    progress.add({ type: 'done', digest, size });
    expect(String(stream.read())).toBe(
      'package.tar: 10 MB\npackage.tar: 50 %, 5 MB of 10 MB, 500 kB/s, 10 s left\npackage.tar: done, 10 MB in 12 s\n',
    );
  });

  it('are of the unusual alone where nobody asked for more', async () => {
    const stream = new PassThrough();
    const progress = await createProgress(
      { stderr: new TextStream(stream), env: {} },
      { progress: 'auto' },
    );
    progress.add(start);
    progress.add({ type: 'done', digest, size });
    progress.add({ type: 'retry', attempt: 2, delayMs: 1200, reason: 'x \u001b[31manswered 503' });
    expect(String(stream.read())).toBe(
      'retrying in 1.2 s (attempt 2): x \\u001b[31manswered 503\n',
    );
  });

  it('tell of a host that fails once, however many connections do, and again when it lasts', () => {
    const stream = new PassThrough();
    const progress = new PlainProgress(new TextStream(stream), { everything: false, now: clock });
    const fail = (host: string, attempt: number): void =>
      progress.add({ type: 'retry', host, attempt, delayMs: 20 * attempt, reason: 'gone' });
    for (const attempt of [2, 2, 2, 3, 3, 4]) fail('a:5000', attempt);
    fail('b:5000', 5);
    now = 9_999;
    fail('a:5000', 5);
    now = 10_000;
    fail('a:5000', 6);
    expect(String(stream.read()).split('\n')).toEqual([
      'retrying now (attempt 2): gone',
      'retrying in 0.1 s (attempt 5): gone',
      'retrying in 0.1 s (attempt 6): gone',
      '',
    ]);
  });

  it.each([
    [{ CI: 'true' }, {}, /^package\.tar: 10 MB\n$/],
    [{ CI: 'true' }, { quiet: true }, /^$/],
    [{}, { progress: 'none' as const }, /^$/],
    [{}, { progress: 'json' as const }, /^\{"type":"start"/],
    [{}, {}, /^$/],
  ])('with %j and %j are as asked', async (env, options, expected) => {
    const stream = new PassThrough();
    const terminal = { stderr: new TextStream(stream), env };
    const progress = await createProgress(terminal, { progress: 'auto', ...options });
    progress.add(start);
    expect(String(stream.read() ?? '')).toMatch(expected);
  });
});

describe('JSON lines', () => {
  it('have keys in snake_case, and bytes four times a second at most', () => {
    const stream = new PassThrough();
    const progress = new JsonProgress(new TextStream(stream), clock);
    progress.add({ type: 'retry', attempt: 2, delayMs: 5, reason: 'x' });
    for (let step = 1; step <= 10; step += 1) {
      now = step * 50;
      progress.add(bytes(step * 1_000_000));
    }
    const lines = String(stream.read())
      .trim()
      .split('\n')
      .map((line) => expectJson('progress', line));
    expect(lines).toEqual([
      { type: 'retry', attempt: 2, delay_ms: 5, reason: 'x' },
      { type: 'bytes', digest, done: 1_000_000, size },
      { type: 'bytes', digest, done: 6_000_000, size },
      { type: 'bytes', digest, done: 10_000_000, size },
    ]);
  });
});
