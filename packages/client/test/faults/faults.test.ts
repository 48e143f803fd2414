import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { answerFaults } from './answer-faults.js';
import { connectionFaults } from './connection-faults.js';
import { blobFaults, listFaults, manifestFaults } from './content-faults.js';
import { downloadFaults } from './download-faults.js';
import { type SeenTable, faultPage } from './fault-page.js';
import { runFault } from './run-fault.js';
import { tlsFaults } from './tls-faults.js';
import { uploadFaults } from './upload-faults.js';

const page = new URL('../../../../docs/faults.md', import.meta.url);
const tables = [
  connectionFaults,
  tlsFaults,
  answerFaults,
  manifestFaults,
  listFaults,
  blobFaults,
  downloadFaults,
  uploadFaults,
];
const seen: SeenTable[] = [];

for (const { title, rows } of tables) {
  const seenRows: SeenTable['rows'][number][] = [];
  seen.push({ title, rows: seenRows });
  describe(`${title} that break`, () => {
    test.each(rows.map((row) => [`${row.operation}: ${row.fault}`, row] as const))(
      '%s',
      async (_, row) => {
        const result = await runFault(row, 0);
        seenRows.push({ row, result });
        expect(result.outcome).toBe(row.outcome);
      },
    );
  });
}

describe('What breaks a download in workers', () => {
  const rows = tables.flatMap(({ rows }) => rows).filter((row) => row.operation === 'download');
  test.each(rows.map((row) => [row.fault, row] as const))('%s', async (_, row) => {
    expect(await runFault(row, 2)).toMatchObject({ outcome: row.outcome });
  });
});

test('docs/faults.md tells what was seen', () => {
  const text = faultPage(seen);
  if (process.env['OCI_WRITE_FAULTS']) writeFileSync(page, text);
  expect(readFileSync(page, 'utf8')).toBe(text);
});
