import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createIndex, createRegistry } from '@oci/client';
import { MemoryRepository } from '@oci/client/layout';
import {
  type Repository,
  type TransferEvent,
  annotations,
  parseRepositoryName,
} from '@oci/spec-types';
import { type TemporaryDirectory, startRegistry, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { attachFiles, listFiles, pullFiles, pushFiles } from './index.js';

let work: TemporaryDirectory;
let base: string;
let out: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  base = join(work.path, 'in');
  out = join(work.path, 'out');
  await mkdir(join(base, 'site', 'sub'), { recursive: true });
  await writeFile(join(base, 'tool.json'), '{"tool":1}\n');
  await writeFile(join(base, 'site', 'index.html'), '<p>site\n');
  await writeFile(join(base, 'site', 'sub', 'a.txt'), 'a\n');
});
afterEach(() => work.remove());

const inputs = [{ path: 'tool.json', mediaType: 'application/json' }, 'site'];

/** Runs against a registry, and against a repository that knows the contract alone. */
async function overBoth(run: (repository: Repository) => Promise<void>): Promise<void> {
  await run(new MemoryRepository());
  await rm(out, { recursive: true, force: true });
  await using server = await startRegistry();
  const registry = createRegistry({ url: server.url });
  await run(registry.repository(parseRepositoryName('team/tool'))).finally(() => registry.close());
}

test('files and directories come back as they went', () =>
  overBoth(async (repository) => {
    const pushed = await pushFiles(repository, inputs, {
      base,
      artifactType: 'application/vnd.team.tool.v1',
      annotations: { 'team.key': 'value' },
      tags: ['1.2.0', 'latest'],
    });
    for (const reference of ['1.2.0', 'latest', pushed.manifest.descriptor.digest]) {
      const directory = join(out, reference.slice(0, 12));
      const { manifest, files } = await pullFiles(repository, reference, { directory });
      expect(manifest.descriptor.digest).toBe(pushed.manifest.descriptor.digest);
      expect(manifest.document).toMatchObject({
        artifactType: 'application/vnd.team.tool.v1',
        annotations: { 'team.key': 'value', [annotations.created]: expect.any(String) },
      });
      expect(files.map(({ path }) => path)).toEqual([
        join(directory, 'tool.json'),
        join(directory, 'site'),
      ]);
      expect(await readFile(join(directory, 'tool.json'), 'utf8')).toBe('{"tool":1}\n');
      expect(await readFile(join(directory, 'site', 'sub', 'a.txt'), 'utf8')).toBe('a\n');
      expect((await readdir(directory)).sort()).toEqual(['site', 'tool.json']);
    }
  }));

test.each([
  ['a', 'a/b'],
  ['A/b', 'a/B/c'],
  ['a/b/c', 'a/b'],
])('layers named %s and %s are refused, and nothing is written', (first, second) =>
  overBoth(async (repository) => {
    const named = [first, second].map((title) => ({ path: 'tool.json', title }));
    await pushFiles(repository, named, { base, artifactType: 'a/b', tags: ['1.0.0'] });
    await expect(pullFiles(repository, '1.0.0', { directory: out })).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
    });
    await expect(readdir(work.path)).resolves.toEqual(['in']);
  }),
);

test('a file may go to a directory that the artifact brings', () =>
  overBoth(async (repository) => {
    const named = ['site', { path: 'tool.json', title: 'site/sub/tool.json' }];
    await pushFiles(repository, named, { base, artifactType: 'a/b', tags: ['1.0.0'] });
    await pullFiles(repository, '1.0.0', { directory: out });
    expect((await readdir(join(out, 'site', 'sub'))).sort()).toEqual(['a.txt', 'tool.json']);
  }));

test('a filter leaves files out, and no name of theirs matters', () =>
  overBoth(async (repository) => {
    const hostile = { path: 'tool.json', title: '../../escaped' };
    await pushFiles(repository, [...inputs, hostile], { base, tags: ['1.0.0'] });
    const names = (await listFiles(repository, '1.0.0')).files.map(({ name }) => name);
    expect(names).toEqual(['tool.json', 'site', '../../escaped']);
    await expect(pullFiles(repository, '1.0.0', { directory: out })).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
      reason: { kind: 'file-name-unsafe' },
    });
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
    const filter = ({ name }: { readonly name: string }): boolean => name === 'tool.json';
    await pullFiles(repository, '1.0.0', { directory: out, filter });
    expect(await readdir(out)).toEqual(['tool.json']);
  }));

test('a version stays what was published, and other tags move', () =>
  overBoth(async (repository) => {
    const created = '2026-01-01T00:00:00Z';
    const first = await pushFiles(repository, ['tool.json'], {
      base,
      tags: ['1.0.0', 'edge'],
      annotations: { [annotations.created]: created },
    });
    const again = await pushFiles(repository, ['tool.json'], { base, tags: ['1.0.0'] });
    expect(again.manifest.descriptor.digest).toBe(first.manifest.descriptor.digest);
    const other = { base, tags: ['edge', '1.0.0'] };
    await expect(pushFiles(repository, ['site'], other)).rejects.toMatchObject({
      code: 'TAG_EXISTS',
      reason: { kind: 'tag-taken' },
    });
    const digestOf = async (tag: string): Promise<string> =>
      (await listFiles(repository, tag)).manifest.descriptor.digest;
    expect(await digestOf('edge')).toBe(first.manifest.descriptor.digest);
    const forced = await pushFiles(repository, ['site'], { ...other, force: true });
    expect(forced.replaced).toEqual([{ tag: '1.0.0', digest: first.manifest.descriptor.digest }]);
    for (const tag of other.tags)
      expect(await digestOf(tag)).toBe(forced.manifest.descriptor.digest);
  }));

test('what is attached refers to its subject', () =>
  overBoth(async (repository) => {
    const { manifest } = await pushFiles(repository, ['tool.json'], { base, tags: ['1.0.0'] });
    const artifactType = 'application/spdx+json';
    const attached = await attachFiles(repository, '1.0.0', ['site'], { base, artifactType });
    expect(attached.subject?.digest).toBe(manifest.descriptor.digest);
    expect(attached.manifest.document).toMatchObject({
      artifactType,
      subject: { digest: manifest.descriptor.digest, size: manifest.descriptor.size },
    });
    await pullFiles(repository, attached.manifest.descriptor.digest, { directory: out });
    expect(await readdir(out)).toEqual(['site']);
    const again = await attachFiles(repository, '1.0.0', ['site'], { base, artifactType });
    expect(again.manifest.descriptor).toEqual(attached.manifest.descriptor);
    expect(again.manifest.document.annotations).toEqual({});
    await expect(attachFiles(repository, '1.0.0', [])).rejects.toMatchObject({
      code: 'USAGE',
      reason: { kind: 'attachment-empty' },
    });
  }));

test('each file begins, moves and ends, up and down, and what is there is told', () =>
  overBoth(async (repository) => {
    const told = (events: readonly TransferEvent[], title: string): readonly string[] => {
      const digest = events.find((event) => event.type === 'start' && event.title === title);
      const its = events.filter(
        (event) =>
          digest && 'digest' in digest && 'digest' in event && event.digest === digest.digest,
      );
      return its.map(({ type }) => type).filter((type) => type !== 'verify');
    };
    const events: TransferEvent[] = [];
    const onEvent = (event: TransferEvent): void => void events.push(event);
    await pushFiles(repository, ['tool.json'], { base, tags: ['1.0.0'], onEvent });
    expect(told(events, 'tool.json')).toEqual(['start', 'bytes', 'done']);
    events.length = 0;
    await pullFiles(repository, '1.0.0', { directory: out, onEvent });
    expect(told(events, 'tool.json')).toEqual(['start', 'bytes', 'done']);
    events.length = 0;
    await pullFiles(repository, '1.0.0', { directory: out, onEvent });
    await pushFiles(repository, ['tool.json'], { base, tags: ['2.0.0'], onEvent });
    expect(events.filter(({ type }) => type === 'cached')).toHaveLength(2);
  }));

test('an artifact that is not approved is not written, and a link is not followed', () =>
  overBoth(async (repository) => {
    await pushFiles(repository, [{ path: 'tool.json', title: 'sub/tool.json' }], {
      base,
      tags: ['1.0.0'],
    });
    const approve = async (): Promise<void> => {
      throw new Error('not approved');
    };
    await expect(pullFiles(repository, '1.0.0', { directory: out, approve })).rejects.toThrow(
      'not approved',
    );
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' });
    const outside = join(work.path, 'outside');
    await mkdir(outside, { recursive: true });
    const linked = join(work.path, 'linked');
    await mkdir(linked, { recursive: true });
    await symlink(outside, join(linked, 'sub')).catch(() => {});
    await expect(pullFiles(repository, '1.0.0', { directory: linked })).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    });
    expect(await readdir(outside)).toEqual([]);
  }));

type Call = (repository: Repository) => Promise<unknown>;
const wrong: readonly (readonly [string, Call, string])[] = [
  ['no list', (r) => pushFiles(r, 'tool.json' as never), 'USAGE'],
  ['no path', (r) => pushFiles(r, [{} as never]), 'USAGE'],
  ['null', (r) => pushFiles(r, [null as never]), 'USAGE'],
  ['a missing file', (r) => pushFiles(r, ['missing']), 'USAGE'],
  ['no media type', (r) => pushFiles(r, [{ path: 'x', mediaType: 'x' }]), 'USAGE'],
  ['no artifact type', (r) => pushFiles(r, [], { artifactType: 'x' }), 'USAGE'],
  ['no annotations', (r) => pushFiles(r, [], { annotations: { a: 1 } as never }), 'USAGE'],
  ['one tag for several', (r) => pushFiles(r, [], { tags: 'latest' as never }), 'USAGE'],
  ['no tag', (r) => pushFiles(r, ['x'], { tags: ['../x'] }), 'REFERENCE_INVALID'],
  ['no directory', (r) => pullFiles(r, '1', {} as never), 'USAGE'],
  ['no options', (r) => pullFiles(r, '1', undefined as never), 'USAGE'],
  [
    'no reference',
    (r) => pullFiles(r, undefined as never, { directory: 'x' }),
    'REFERENCE_INVALID',
  ],
  ['no digest', (r) => pullFiles(r, 'sha256:x', { directory: 'x' }), 'DIGEST_INVALID'],
  ['no filter', (r) => pullFiles(r, '1', { directory: 'x', filter: 'x' as never }), 'USAGE'],
  ['no content', (r) => pushFiles(r, [], { tags: ['1'] }), 'USAGE'],
  ['no subject', (r) => attachFiles(r, undefined as never, ['x']), 'REFERENCE_INVALID'],
];

test.each(wrong)('%s is a wrong argument', async (_, call, code) => {
  await expect(call(new MemoryRepository())).rejects.toMatchObject({ code });
});

test('of an index those of the platform are listed, and the platforms named otherwise', () =>
  overBoth(async (repository) => {
    const { manifest } = await pushFiles(repository, inputs, { base, artifactType: 'a/b' });
    const platform = { os: 'plan9', architecture: 'mips', variant: 'v1' };
    const index = createIndex({ manifests: [{ ...manifest.descriptor, platform }] });
    await repository.pushManifest(index);
    const { digest } = index.descriptor;
    const listed = await listFiles(repository, digest, { platform: 'plan9/mips/v1' });
    expect(listed.manifest.descriptor.digest).toBe(manifest.descriptor.digest);
    await expect(
      listFiles(repository, digest, { platform: 'plan9/mips/v2' }),
    ).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      hint: 'It offers plan9/mips/v1.',
    });
  }));
