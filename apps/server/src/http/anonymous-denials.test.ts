import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { AuditLog } from '../audit/audit-log.js';
import { readFile } from 'node:fs/promises';
import { AnonymousDenials } from './anonymous-denials.js';

const denied = (client: string) =>
  ({ event: 'denied', result: 'denied', who: 'anonymous', client, detail: 'pull' }) as const;

async function linesOf(work: (denials: AnonymousDenials) => void) {
  await using directory = await temporaryDirectory();
  const audit = new AuditLog({ dir: directory.path });
  const denials = new AnonymousDenials(audit);
  work(denials);
  denials.flush();
  await audit.close();
  const text = await readFile(join(directory.path, 'audit.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { client?: string; count?: number });
}

test('five hundred denials of one client are two lines, and the second says how many', async () => {
  const lines = await linesOf((denials) => {
    for (let request = 0; request < 500; request += 1) denials.record(denied('192.0.2.1'));
  });
  expect(lines).toMatchObject([
    { client: '192.0.2.1', detail: 'pull' },
    { client: '192.0.2.1', count: 499 },
  ]);
});

test('clients without number are not remembered without bound, and none is left out', async () => {
  const lines = await linesOf((denials) => {
    for (let client = 0; client < 3000; client += 1)
      denials.record(denied(`10.0.${client >> 8}.${client & 255}`));
  });
  expect(lines).toHaveLength(1001);
  expect(lines.at(-1)).toMatchObject({ count: 2000 });
});
