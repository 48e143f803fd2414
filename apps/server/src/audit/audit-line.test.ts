import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  type AuditEntry,
  auditLine,
  chainStart,
  maxLineBytes,
  readAuditLine,
} from './audit-line.js';
import { AuditLog } from './audit-log.js';
import { verifyAudit } from './audit-verify.js';

const key = Buffer.alloc(32, 7);
const time = '2026-01-31T12:00:00.000Z';
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'x\u2028y',
    '\u2029',
    '\u0085',
    '\0',
    '\ud800',
    '\udfff\ud800',
    '\n',
    '"}',
    '\u202e',
  ),
  fc.string({ unit: 'binary', minLength: 990, maxLength: 1200 }),
);
const entries: fc.Arbitrary<AuditEntry> = fc.record({
  event: fc.constant('denied'),
  result: fc.constant('denied'),
  who: text,
  repository: text,
  reference: text,
  detail: text,
});

test('any entry is one line, which is read as what was written', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const { line, end } = auditLine({ entry, time }, chainStart, key);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      expect(readAuditLine(Buffer.from(line), key)).toMatchObject({ prev: chainStart.hash, end });
      const { who } = JSON.parse(line) as { who: string };
      const isCut = entry.who.length > 1000;
      expect(who).toBe(isCut ? `${entry.who.slice(0, 1000)}...` : entry.who);
    }),
  );
});

test('a log of any entries is whole', async () => {
  await using directory = await temporaryDirectory();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entries, { maxLength: 5 }), async (all) => {
      const dir = join(directory.path, String((runs += 1)));
      const log = new AuditLog({ dir, key });
      await log.open();
      for (const entry of all) log.record(entry);
      await log.close();
      expect(await verifyAudit(dir, key)).toMatchObject({ lines: all.length, problems: [] });
    }),
    { numRuns: 20 },
  );
});

test('the longest line is far from the bound of a line', () => {
  const long = '\u0001'.repeat(70_000);
  const texts = { who: long, client: long, request_id: long, repository: long, reference: long };
  const entry: AuditEntry = {
    event: 'denied',
    result: 'denied',
    ...texts,
    digest: long,
    detail: long,
  };
  expect(auditLine({ entry, time }, chainStart).line.length).toBeLessThan(maxLineBytes / 10);
});

test.each([
  ['another byte', (line: string) => line.replace('ci', 'cj')],
  [
    'bytes that are no UTF-8',
    (line: string) => Buffer.from(line.replace('ci', '\u00ff'), 'latin1'),
  ],
  ['no hash', (line: string) => line.slice(0, 30)],
  ['nothing', () => ''],
])('a line with %s is none', (_, change) => {
  const entry: AuditEntry = { event: 'pull', result: 'ok', who: 'token:ci' };
  const { line } = auditLine({ entry, time }, chainStart);
  expect(readAuditLine(Buffer.from(change(line)))).toBeUndefined();
});
