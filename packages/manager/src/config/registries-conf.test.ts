import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseRegistryHost } from '@oci/spec-types';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { lookupRegistriesConf } from './registries-conf.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(() => work.remove());

async function lookup(text: string) {
  const path = join(work.path, 'registries.conf');
  await writeFile(path, text);
  const find = await lookupRegistriesConf(path);
  return (host: string) => find(parseRegistryHost(host));
}

test('takes mirrors in their order, each with what it is for', async () => {
  const of = await lookup(`
    unqualified-search-registries = ["docker.io"]
    [[registry]]
    location = "docker.io"
    [[registry.mirror]]
    location = "a.example/hub"
    pull-from-mirror = "tag-only"
    [[registry.mirror]]
    location = "b.example:5000"
    insecure = true
    [[registry]]
    prefix = "docker.io/library"
    location = "docker.io/library"
    mirror-by-digest-only = true
    [[registry.mirror]]
    location = "c.example"
  `);
  expect(of('docker.io')?.mirrors).toEqual([
    { location: 'c.example', repositories: 'library', pullFrom: 'digest-only' },
    { location: 'a.example/hub', repositories: undefined, pullFrom: 'tag-only' },
    {
      location: 'https://b.example:5000',
      repositories: undefined,
      pullFrom: 'all',
      insecure: true,
    },
    { location: 'http://b.example:5000', repositories: undefined, pullFrom: 'all' },
  ]);
  expect(of('quay.io')).toBeUndefined();
});

test('a location elsewhere is asked behind the mirrors', async () => {
  const of = await lookup(`
    [[registry]]
    prefix = "registry.example/team"
    location = "internal.example/foo"
  `);
  expect(of('registry.example')?.mirrors).toEqual([
    { location: 'internal.example/foo', repositories: 'team' },
  ]);
});

test('a wildcard is for every depth, and a name comes before it', async () => {
  const of = await lookup(`
    [[registry]]
    prefix = "*.example"
    insecure = true
    [[registry]]
    prefix = "*.deep.example"
    blocked = true
    [[registry]]
    prefix = "own.example"
  `);
  expect(of('a.b.example')).toEqual({ insecure: true });
  expect(of('a.deep.example')).toEqual({ blocked: true });
  expect(of('own.example')).toEqual({});
  expect(of('notexample')).toBeUndefined();
});

test('later files replace what earlier ones say of a prefix', async () => {
  const directory = join(work.path, 'registries.conf.d');
  await mkdir(directory);
  await writeFile(
    join(directory, '10.conf'),
    '[[registry]]\nlocation = "a.example"\nblocked = true',
  );
  await writeFile(join(directory, '20.conf'), '[[registry]]\nlocation = "a.example"');
  await writeFile(join(directory, 'other.txt'), 'not read');
  const of = await lookup('[[registry]]\nlocation = "a.example"\ninsecure = true');
  expect(of('a.example')).toEqual({});
});

test.each([
  '[registries.search]\nregistries = ["docker.io"]',
  'registry = 5',
  '[[registry]]\ninsecure = true',
  '[[registry]]\nlocation = 5',
  '[[registry]]\nlocation = "a.example"\ninsecure = "yes"',
  '[[registry]]\nlocation = "a.example"\nmirror = 5',
  '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\ninsecure = true',
  '[[registry]]\nlocation = "a.example"\n[[registry.mirror]]\nlocation = "x"\npull-from-mirror = "y"',
  '[[registry]]\nlocation = "a.example/team"\nblocked = true',
  '[[registry]]\nprefix = "a.example/team:1.0"',
  'not TOML',
])('refuses %j', async (text) => {
  await expect(lookup(text)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('registries.conf'),
    hint: expect.any(String),
  });
});
