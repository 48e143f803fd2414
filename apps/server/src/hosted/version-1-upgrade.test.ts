import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { type FileObjectStore, createFileObjectStore } from '@oci/cache';
import { mediaTypes } from '@oci/spec-types';
import { collect, temporaryDirectory, textOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { startServer } from '../server.js';
import { keys } from './keys.js';
import { upgradeVersion1 } from './version-1-upgrade.js';

interface Version1 {
  readonly files: Readonly<Record<string, string>>;
  /** Bodies of answers by path below `/v2/`. */
  readonly served: Readonly<Record<string, string>>;
}

const file = new URL('../../test/version-1.json', import.meta.url);
const version1 = JSON.parse(await readFile(file, 'utf8')) as Version1;

async function write(directory: string, files = Object.entries(version1.files)): Promise<void> {
  for (const [key, text] of files) {
    const path = join(directory, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

async function expectServed(dataDir: string): Promise<void> {
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir,
    manager: { namespace: 'extensions', cacheDir: `${dataDir}/cache` },
    logLevel: 'silent',
  });
  const served: Record<string, unknown> = {};
  for (const path of Object.keys(version1.served))
    served[path] = sorted(await (await fetch(`${server.url}/v2/${path}`)).text());
  const expected = Object.entries(version1.served).map(([path, text]) => [path, sorted(text)]);
  expect(served).toEqual(Object.fromEntries(expected));
  const catalog = (await (await fetch(`${server.url}/v2/_catalog`)).json()) as object;
  expect(catalog).toEqual({
    repositories: [`${'a'.repeat(120)}/${'b'.repeat(120)}`, 'team', 'team/tool'],
  });
  await server.close();
}

function sorted(text: string): unknown {
  return text.startsWith('{') ? JSON.parse(text) : text;
}

test('a directory of version 1 is taken over by the first start, and nothing of it is left', async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path);
  await expectServed(directory.path);
  expect(await readdir(directory.path)).not.toContain('v1');
  await expectServed(directory.path);
});

/** As a process that is killed before a change: nothing happens from then on. */
function killedBefore(store: FileObjectStore, change: number): FileObjectStore {
  let changes = 0;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]): unknown => {
        if (name === 'put' || name === 'adopt') {
          changes += 1;
          if (changes >= change) return Promise.reject(new Error('killed'));
        }
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  });
}

/** All that is stored, without what differs from one upgrade to the next. */
async function contentsOf(store: FileObjectStore): Promise<Record<string, string>> {
  const contents: Record<string, string> = {};
  for await (const key of store.list('')) {
    const object = await store.get(key);
    const text = textOf(await collect(object?.body ?? []));
    contents[key] = text.replace(/"writes":\[[^\]]*\]|"since":\d+/g, '');
  }
  return contents;
}

test('an upgrade that is killed before any of its changes goes on at the next start', async () => {
  await using directory = await temporaryDirectory();
  const open = (name: string) =>
    createFileObjectStore(join(directory.path, name), { isExclusive: true, fsync: false });
  await write(join(directory.path, 'whole'));
  await upgradeVersion1(open('whole'));
  const whole = await contentsOf(open('whole'));
  for (let change = 1; ; change += 1) {
    const name = `killed-${change}`;
    await write(join(directory.path, name));
    const outcome = await upgradeVersion1(killedBefore(open(name), change)).catch(() => 'killed');
    if (outcome === 'killed') await upgradeVersion1(open(name));
    expect({ change, contents: await contentsOf(open(name)) }).toEqual({ change, contents: whole });
    if (outcome === 'killed') continue;
    expect(change).toBeGreaterThan(40);
    break;
  }
}, 120_000);

test('what an older server wrote after the upgrade is taken over too, and changes nothing newer', async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path);
  await expectServed(directory.path);
  const older = Object.entries(version1.files).map(([key, text]): [string, string] =>
    key.includes('/_tags/') ? [key, text.replaceAll(/sha256:\w{4}/g, 'sha256:0000')] : [key, text],
  );
  await write(directory.path, older);
  await expectServed(directory.path);
});

test('damaged files of version 1 keep nothing else from being taken over', async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path);
  const name = 'v1/repositories/damaged';
  await write(directory.path, [
    [`${name}/_tags/1`, '{"dig'],
    [`${name}/_tags/2`, '{}'],
    [`${name}/_manifests/sha256/${'ab'.repeat(32)}`, ''],
    [`${name}/_manifests/sha256/${'ac'.repeat(32)}`, '[]'],
    [`${name}/_manifests/sha256/${'ad'.repeat(32)}`, 'x'.repeat(9 * 1024 * 1024)],
    [`${name}/_blobs/md5/xyz`, '{}'],
    ['v1/blobs/sha256/short', 'x'],
    ['v1/uploads/x/_begun', ''],
  ]);
  await expectServed(directory.path);
});

test('records and manifests of version 1 that are damaged are left out, and told of by their keys', async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path);
  const name = 'v1/repositories/damaged';
  const digest = (pair: string): string => pair.repeat(32);
  const record = (pair: string, fields: object = {}): string =>
    JSON.stringify({
      mediaType: mediaTypes.imageManifest,
      digest: `sha256:${digest(pair)}`,
      size: 10,
      pushedAt: 1,
      ...fields,
    });
  const long = ' '.repeat(9 * 1024 * 1024);
  const damaged: [string, string][] = [
    [`${name}/_manifests/sha256/${digest('a0')}`, '{}'],
    [`${name}/_manifests/sha256/${digest('a1')}`, '[]'],
    [`${name}/_manifests/sha256/${digest('a2')}`, `${record('a2')}${long}`],
    [`${name}/_manifests/sha256/${digest('a3')}`, record('ff')],
    [`${name}/_manifests/sha256/${digest('a4')}`, record('a4', { size: -1 })],
    [`${name}/_manifests/sha256/${digest('a5')}`, record('a5')],
    [`${name}/_tags/1`, '{}'],
    [`${name}/_tags/2`, record('a0', { mediaType: 'a\r\nb' })],
    [`${name}/_tags/3`, long],
  ];
  await write(directory.path, [
    ...damaged,
    [`v1/blobs/sha256/${digest('a5')}`, long],
    ['v1/repositories/No+Name/_tags/1', record('a0')],
    [`${name}/_tags/@no+tag`, record('a0')],
  ]);
  const found: string[] = [];
  const open = createFileObjectStore(directory.path, { isExclusive: true, fsync: false });
  await upgradeVersion1(open, (key) => found.push(key));
  expect(found).toEqual(damaged.map(([key]) => key));
  const taken = [];
  for await (const key of open.list('v2/')) if (key.includes('/damaged/')) taken.push(key);
  expect(taken).toEqual([`v2/manifests/damaged/sha256-${digest('a5')}`]);
});

test('a storage of a newer format is refused, with what to do', async () => {
  await using directory = await temporaryDirectory();
  await write(directory.path, [[keys.format, '{"version":3}']]);
  await expect(expectServed(directory.path)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: 'This server knows format 2: use the newer server that wrote it.',
  });
});
