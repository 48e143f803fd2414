import { createHmac, hash } from 'node:crypto';
import { copyFile, cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type AuditEntry, type ChainEnd, chainStart } from './audit-line.js';
import { AuditLog, type AuditOptions } from './audit-log.js';
import { verifyAudit } from './audit-verify.js';

const key = Buffer.alloc(32, 7);
const entry: AuditEntry = { event: 'pull', result: 'ok', who: 'token:ci' };

let work: TemporaryDirectory;
let dir: string;
let file: string;
let head: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  dir = join(work.path, 'audit');
  file = join(dir, 'audit.jsonl');
  head = join(dir, 'audit-head.json');
});
afterEach(() => work.remove());

async function write(count: number, options: Partial<AuditOptions> = {}): Promise<void> {
  const log = new AuditLog({ dir, key, ...options });
  await log.open();
  for (let at = 1; at <= count; at += 1) {
    log.record(entry);
    await log.flush();
  }
  await log.close();
}

async function linesOf(path: string = file): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1);
}

const pointOf = (line = ''): ChainEnd => {
  const { seq, hash } = JSON.parse(line) as ChainEnd;
  return { seq, hash };
};

/** Leaves some lines, with a head that fits them as far as it can be made without the key. */
async function forge(lines: readonly string[], before: ChainEnd, more: object = {}): Promise<void> {
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  await writeFile(head, JSON.stringify({ before, end: pointOf(lines.at(-1)), ...more }));
}

const problemsWith = async (withKey: Uint8Array | undefined): Promise<string> =>
  (await verifyAudit(dir, withKey)).problems.map(({ what }) => what).join('; ');
const problems = (): Promise<string> => problemsWith(key);

describe('of a log with a key, somebody without it', () => {
  test.each([
    ['of an earlier version', {}, /replaced: it is of an earlier version than the lines/],
    ['without HMAC', { v: 2 }, /not made with this key/],
    ['with another HMAC', { v: 2, mac: 'ab'.repeat(32) }, /not made with this key/],
  ])('cannot cut its ends and make a head %s fit', async (_, more, found) => {
    await write(6);
    const lines = await linesOf();
    expect(await problems()).toBe('');
    await forge(lines.slice(0, 4), chainStart, more);
    expect(await problems()).toMatch(found);
    await forge(lines.slice(2, 4), pointOf(lines[1]), more);
    expect(await problems()).toMatch(found);
  });

  test('cannot give it the head of another log', async () => {
    await write(6);
    const lines = await linesOf();
    const other = { dir: join(work.path, 'other') };
    await write(3, other);
    await forge(lines.slice(0, 3), chainStart);
    await copyFile(join(other.dir, 'audit-head.json'), head);
    expect(await problems()).toBe('its last line was replaced');
  });

  test('cannot cut it and have the next start make it whole', async () => {
    await write(6);
    const lines = await linesOf();
    await forge(lines.slice(2, 4), pointOf(lines[1]));
    await write(1);
    expect(await problems()).toMatch(/the server found: audit-head.json was not made with the key/);
    await rm(head);
    await write(1);
    expect(await problems()).toMatch(/the server found: audit-head.json was missing/);
  });

  test('cannot remove its lines while the server is away or runs', async () => {
    await write(4);
    await writeFile(file, '');
    await write(1);
    expect(await problems()).toMatch(/lines 1 to 4 were removed.*found: lines 1 to 4 were missing/);
    const log = new AuditLog({ dir, key });
    await log.open();
    await rm(dir, { recursive: true });
    log.record(entry);
    await log.close();
    expect(await problems()).toMatch(/lines 1 to 6 were missing/);
  });

  test('cannot put an earlier head in place of the last one while the lines are there', async () => {
    await write(2);
    const early = await readFile(head);
    await write(2);
    await writeFile(head, early);
    // As after a crash: lines behind the head count, since nobody else can make them.
    expect(await verifyAudit(dir, key)).toMatchObject({ problems: [], end: { seq: 4 } });
  });
});

test('a log that was put back to an earlier state of itself is found by a line that was noted', async () => {
  await write(2);
  const early = join(work.path, 'early');
  await cp(dir, early, { recursive: true });
  await write(2);
  const { end } = await verifyAudit(dir, key);
  const problemsNow = async (): Promise<readonly string[]> =>
    (await verifyAudit(dir, key, end)).problems.map(({ what }) => what);
  await write(1);
  expect(await problemsNow()).toEqual([]);
  await rm(dir, { recursive: true });
  await cp(early, dir, { recursive: true });
  expect(await problems()).toBe('');
  expect(await problemsNow()).toEqual(['line 4 is not there as it was noted']);
  await write(3);
  expect(await problemsNow()).toEqual(['line 4 is not there as it was noted']);
});

test('all files removed, and a log that never was, are told from one that is whole', async () => {
  await write(3);
  await rm(file);
  expect(await problems()).toBe('its last 3 lines were removed');
  await rm(head);
  expect(await verifyAudit(dir, key)).toMatchObject({ exists: false, lines: 0 });
  expect(await verifyAudit(join(work.path, 'none'), key)).toMatchObject({ exists: false });
});

describe('the retention', () => {
  const options = { maxFileBytes: 500, keepFiles: 2 };
  const rotated = async (): Promise<string[]> =>
    (await readdir(dir)).filter((name) => name.startsWith('audit-0')).toSorted();

  test('removes the oldest files, and what is left is whole and begins where the head says', async () => {
    await write(12, options);
    const { before, problems: found, lines, end } = await verifyAudit(dir, key);
    expect({ found, last: end.seq }).toEqual({ found: [], last: 12 });
    expect(before.seq).toBe(12 - lines);
    expect(before.seq).toBeGreaterThan(0);
    await rm(join(dir, (await rotated())[0] ?? ''));
    expect(await problems()).toMatch(/were removed before it/);
  });

  test('that was cut off leaves files that do not count', async () => {
    await write(12, options);
    const [oldest = ''] = await rotated();
    // Older than the head says; a process may end before it has removed it.
    await copyFile(join(dir, oldest), join(dir, 'audit-00000000000001.jsonl'));
    expect(await verifyAudit(dir, key)).toMatchObject({
      problems: [],
      notes: [{ file: 'audit-00000000000001.jsonl' }],
    });
  });

  test('replaces no file that somebody put in the place of the next one', async () => {
    await write(2);
    await writeFile(join(dir, 'audit-00000000000001.jsonl'), 'planted\n');
    await write(1, { maxFileBytes: 10 });
    expect(await readFile(join(dir, 'audit-00000000000001.jsonl'), 'utf8')).toBe('planted\n');
    expect(await linesOf(join(dir, 'audit-00000000000003.jsonl'))).toHaveLength(3);
  });
});

describe('a log of the version before', () => {
  /** As it was written: no `v` in lines, no HMAC in the head. */
  async function old(count: number, withKey: Uint8Array | undefined): Promise<string[]> {
    const lines: string[] = [];
    let prev = chainStart.hash;
    for (let seq = 1; seq <= count; seq += 1) {
      const body = `{"seq":${seq},"time":"2026-01-31T12:00:00.000Z","event":"login","result":"ok","who":"x\u2028y","prev":"${prev}"}`;
      prev = withKey
        ? createHmac('sha256', withKey).update(body).digest('hex')
        : hash('sha256', body);
      lines.push(`${body.slice(0, -1)},"hash":"${prev}"}`);
    }
    await mkdir(dir, { recursive: true });
    await forge(lines, chainStart);
    return lines;
  }

  test.each([
    ['with', key],
    ['without', undefined],
  ])(
    'is verified and continued %s a key, and what is cut from it is noticed as before',
    async (_, withKey) => {
      const lines = await old(3, withKey);
      expect(await verifyAudit(dir, withKey)).toMatchObject({ lines: 3, problems: [] });
      await write(2, { key: withKey });
      const verdict = await verifyAudit(dir, withKey);
      expect(verdict).toMatchObject({
        lines: 6,
        problems: [],
        isAuthenticated: withKey !== undefined,
      });
      expect(verdict.notes[0]?.what).toMatch(/line 4: continues a log of an earlier version/);
      await writeFile(file, lines.slice(0, 2).join('\n') + '\n');
      expect(await problemsWith(withKey)).toBe('its last 4 lines were removed');
    },
  );

  test('is not made of a newer one by a head of that version', async () => {
    const lines = await old(3, key);
    await write(2);
    const all = await linesOf();
    await forge(all.slice(0, 5), chainStart);
    expect(await problems()).toMatch(/replaced: it is of an earlier version/);
    await forge([...lines, ...all.slice(3)], chainStart);
    await write(1);
    expect(await problems()).toMatch(/the server found: audit-head.json/);
  });
});

test.each([0, 4])(
  'a head of an earlier version does not hide that all lines up to %i are gone',
  async (count) => {
    await write(6);
    const end = count === 0 ? chainStart : pointOf((await linesOf())[count - 1]);
    await rm(file);
    await writeFile(head, JSON.stringify({ before: end, end }));
    await write(1);
    expect(await problems()).toMatch(/the server found: audit-head.json is of lines that are gone/);
  },
);

describe('the key', () => {
  test.each([
    ['given to a log without', undefined, key],
    ['taken from a log with one', key, undefined],
    ['changed', key, Buffer.alloc(32, 8)],
  ])('%s is refused at the start, and nothing is written', async (_, before, after) => {
    await write(2, { key: before });
    const [lines, text] = [await linesOf(), await readFile(head, 'utf8')];
    await expect(write(1, { key: after })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('audit.key_file'),
    });
    expect([await linesOf(), await readFile(head, 'utf8')]).toEqual([lines, text]);
    expect(await problemsWith(before)).toBe('');
  });
});

test('goes on in a new file when the old one is moved away, and says which lines went', async () => {
  const log = new AuditLog({ dir, key });
  await log.open();
  log.record(entry);
  await log.flush();
  await rename(file, join(work.path, 'moved.jsonl'));
  log.record(entry);
  await log.close();
  expect(await linesOf()).toHaveLength(2);
  expect(await problems()).toMatch(/lines 1 to 1 were missing/);
});

test('notices lines of another process, and stays one chain', async () => {
  const log = new AuditLog({ dir, key });
  log.record(entry);
  await log.flush();
  await write(2);
  log.record(entry);
  await log.close();
  expect(await problems()).toBe('line 4: the server found: lines 2 to 3 are of another process');
});

test.each([
  ['head', () => writeFile(head, '{"before":null}')],
  ['last line', async () => writeFile(file, `${(await linesOf()).slice(0, 2).join('\n')}\n{}\n`)],
])(
  'a server starts with a %s that was destroyed, and the log keeps the alarm',
  async (_, destroy) => {
    await write(3);
    await destroy();
    expect(await problems()).not.toBe('');
    await write(1);
    expect(await problems()).toMatch(/the server found/);
    const copy = join(work.path, 'copy');
    await cp(dir, copy, { recursive: true });
    await write(1);
    expect((await verifyAudit(dir, key)).lines).toBe((await verifyAudit(copy, key)).lines + 1);
  },
);
