import { appendFile, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { AuditEntry } from './audit-line.js';
import { AuditLog, type AuditOptions, type AuditTrouble } from './audit-log.js';
import { verifyAudit } from './audit-verify.js';

const key = Buffer.alloc(32, 7);
const pull = (reference: string): AuditEntry => ({
  event: 'pull',
  result: 'ok',
  who: 'token:ci',
  repository: 'kcl/demo',
  reference,
});

let work: TemporaryDirectory;
let dir: string;
let file: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  dir = join(work.path, 'audit');
  file = join(dir, 'audit.jsonl');
});
afterEach(() => work.remove());

async function write(count: number, options: Partial<AuditOptions> = {}): Promise<void> {
  const log = new AuditLog({ dir, ...options });
  for (let at = 1; at <= count; at += 1) {
    log.record(pull(`1.0.${at}`));
    // One batch each, so that files are rotated.
    if (options.maxFileBytes !== undefined) await log.flush();
  }
  await log.close();
}

async function linesOf(path: string = file): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1);
}

/** A log, once it has told that it can't write. */
function troubled(
  options: Partial<AuditOptions>,
  record: (log: AuditLog) => void,
): Promise<AuditLog> {
  return new Promise((resolve) => {
    const onTrouble = (trouble: AuditTrouble): void => {
      options.onTrouble?.(trouble);
      resolve(log);
    };
    const log = new AuditLog({ dir, ...options, onTrouble });
    record(log);
  });
}

const problems = async (withKey?: Uint8Array) =>
  (await verifyAudit(dir, withKey)).problems.map(({ what }) => what);

describe('an audit log', () => {
  test('has a line for each entry, and goes on where the process before ended', async () => {
    await write(3);
    await write(2);
    const verdict = await verifyAudit(dir);
    expect(verdict).toMatchObject({ lines: 5, problems: [], end: { seq: 5 } });
    expect(JSON.parse((await linesOf())[3] ?? '')).toMatchObject({
      seq: 4,
      event: 'pull',
      who: 'token:ci',
      time: expect.stringMatching(/^\d{4}-/),
    });
  });

  test.each<[string, (lines: string[]) => string[], RegExp]>([
    [
      'changed',
      (all) => all.map((l, i) => (i === 2 ? l.replace('1.0.3', '6.6.6') : l)),
      /^line 3 was changed/,
    ],
    ['removed', (all) => all.filter((_, i) => i !== 2), /^lines 3 to 3 were removed/],
    ['removed at the begin', (all) => all.slice(1), /^lines 1 to 1 were removed/],
    ['removed at the end', (all) => all.slice(0, -2), /last 2 lines were removed/],
    ['written twice', (all) => [...all.slice(0, 3), ...all.slice(2)], /^line 3 is here once more/],
    [
      'swapped',
      (all) => [all[1] ?? '', all[0] ?? '', ...all.slice(2)],
      /removed before it|once more/,
    ],
    ['all removed', () => [], /last 5 lines/],
  ])('shows that a line was %s', async (_, change, found) => {
    await write(5);
    const lines = change(await linesOf());
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    expect((await problems())[0]).toMatch(found);
  });

  test('shows a line that somebody without the key made', async () => {
    await write(2);
    expect(await problems()).toEqual([]);
    expect(await problems(key)).toEqual([
      'line 1 was changed',
      'line 2 was changed',
      'was not made with this key',
    ]);
    await rm(dir, { recursive: true });
    await write(2, { key });
    expect(await problems(key)).toEqual([]);
  });

  test('puts full files aside, keeps the chain over them and forgets the oldest', async () => {
    await write(20, { maxFileBytes: 1000, keepFiles: 3 });
    const files = (await readdir(dir)).filter((name) => name.startsWith('audit-0'));
    expect(files).toHaveLength(3);
    const verdict = await verifyAudit(dir);
    expect(verdict).toMatchObject({ problems: [], end: { seq: 20 } });
    expect(verdict.lines).toBeLessThan(20);
    await rm(join(dir, files[1] ?? ''));
    expect((await problems())[0]).toMatch(/were removed before it/);
  });

  test.each([0, 1, 2, 3, 10])(
    'is opened again while it is written, %i steps before the next entry, without trouble',
    async (steps) => {
      const log = new AuditLog({ dir });
      log.record(pull('1.0.0'));
      await log.flush();
      const reopened = log.reopen();
      for (let step = 0; step < steps; step += 1) await Promise.resolve();
      log.record(pull('1.0.1'));
      await reopened;
      await log.flush();
      expect(log.stats.failures).toBe(0);
      await log.close();
      expect(await verifyAudit(dir)).toMatchObject({ lines: 2, problems: [], notes: [] });
    },
  );

  test('removes and notes what a process that was killed wrote of a line', async () => {
    await write(2);
    await appendFile(file, '{"seq":3,"ti');
    const torn = await verifyAudit(dir);
    expect(torn).toMatchObject({ lines: 2, problems: [], notes: [{ line: 3 }] });
    await write(1);
    expect(await verifyAudit(dir)).toMatchObject({
      lines: 4,
      problems: [],
      notes: [{ what: 'line 3: 12 bytes of a torn line removed' }],
    });
  });

  test('says that the disk is full, keeps what waits and writes it later', async () => {
    await write(1);
    const before = await readFile(file);
    await rm(file);
    await symlink('/dev/full', file);
    const troubles: AuditTrouble[] = [];
    const log = await troubled({ required: true, onTrouble: (it) => troubles.push(it) }, (log) => {
      log.record(pull('2.0.0'));
    });
    expect(troubles).toMatchObject([{ error: { code: 'ENOSPC' }, pending: 1 }]);
    expect(log.refuses).toBe(true);
    await rm(file);
    await writeFile(file, before);
    await log.flush();
    expect(log.refuses).toBe(false);
    expect(troubles[1]).toMatchObject({ error: undefined });
    await log.close();
    expect(await verifyAudit(dir)).toMatchObject({ lines: 2, problems: [] });
  });

  test('counts what it could not keep, and says so in the log itself', async () => {
    await write(1);
    const before = await readFile(file);
    await rm(file);
    await symlink('/dev/full', file);
    const log = await troubled({}, (log) => {
      for (let at = 0; at < 50_010; at += 1) log.record(pull('3.0.0'));
    });
    expect(log.stats).toMatchObject({ lost: 10, pending: 50_000 });
    expect(log.refuses).toBe(false);
    await rm(file);
    await writeFile(file, before);
    await log.close();
    expect(await verifyAudit(dir)).toMatchObject({ lines: 50_002, problems: [] });
    expect(await readFile(file, 'utf8')).toContain('"detail":"10 lines lost"');
  });
});
