import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { loadConfiguration } from './configuration.js';

async function quotasOf(...tables: readonly string[]) {
  await using work = await temporaryDirectory();
  const configFile = join(work.path, 'config.toml');
  const toml = tables.map((table) => `[[orchestrator.oci.server.quotas]]\n${table}\n`).join('');
  await writeFile(configFile, toml);
  const { options } = await loadConfiguration({ configFile, env: { HOME: work.path } });
  return options.quotas;
}

test('quotas are read, with sizes as people write them', async () => {
  expect(await quotasOf()).toEqual([]);
  expect(
    await quotasOf(
      'namespace = "team"\nmax_bytes = "50GiB"',
      'namespace = "a-b/*/c_d"\nmax_bytes = 0',
      'namespace = "*"\nmax_bytes = 1000',
    ),
  ).toEqual([
    { namespace: 'team', maxBytes: 50 * 1024 ** 3 },
    { namespace: 'a-b/*/c_d', maxBytes: 0 },
    { namespace: '*', maxBytes: 1000 },
  ]);
});

const malformed = [
  '',
  'Team',
  'team/',
  '/team',
  'team/**',
  'team-*',
  'te am',
  '-team',
  'a'.repeat(256),
].map((name) => `namespace = "${name}"\nmax_bytes = 1`);
const refused: readonly (readonly [table: string, named: string])[] = [
  ['max_bytes = 1', 'server.quotas[0].namespace'],
  ['namespace = "team"', 'server.quotas[0].max_bytes'],
  ['namespace = "team"\nmax_bytes = -1', 'server.quotas[0].max_bytes'],
  ['namespace = "team"\nmax_bytes = "much"', 'server.quotas[0].max_bytes'],
  ['namespace = "team"\nmax_bytes = 1\nmax_tags = 1', 'max_tags'],
  ...malformed.map((table) => [table, 'server.quotas[0].namespace'] as const),
];

test.each(refused)('refuses %j', async (table, named) => {
  await expect(quotasOf(table)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(named) as string,
  });
});

test('refuses two quotas of one namespace, and more than 1000', async () => {
  const table = (namespace: string): string => `namespace = "${namespace}"\nmax_bytes = 1`;
  await expect(quotasOf(table('a'), table('b'), table('a'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('the second quota of a') as string,
  });
  const many = Array.from({ length: 1001 }, (_, at) => table(`n${at}`));
  await expect(quotasOf(...many)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('server.quotas[1000]') as string,
  });
});
