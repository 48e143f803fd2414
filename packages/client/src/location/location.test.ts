import { formatReference, parseTag } from '@oci/spec-types';
import { image, inChunks, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { copy } from '../copy/copy.js';
import { MemoryRepository } from '../memory/memory-repository.js';
import { formatLocation, parseLocation } from './location.js';
import { openSource, openTarget } from './open-location.js';

const digest = `sha256:${'a'.repeat(64)}`;

describe('parseLocation', () => {
  test.each([
    ['oci:dir', { kind: 'layout', path: 'dir' }],
    ['oci:dir:1.0.0', { kind: 'layout', path: 'dir', name: '1.0.0' }],
    ['oci:/a/b:x/y:1.0', { kind: 'layout', path: '/a/b', name: 'x/y:1.0' }],
    [`oci:dir@${digest}`, { kind: 'layout', path: 'dir', digest }],
    [`oci:dir:v1@${digest}`, { kind: 'layout', path: 'dir', name: 'v1', digest }],
    ['oci:C:\\images\\app:v1', { kind: 'layout', path: 'C:\\images\\app', name: 'v1' }],
    ['oci:5000/app:v1', { kind: 'layout', path: '5000/app', name: 'v1' }],
    ['oci:a@b:v1', { kind: 'layout', path: 'a@b', name: 'v1' }],
    ['ocidir://dir/sub:v1', { kind: 'layout', path: 'dir/sub', name: 'v1' }],
    ['ocidir:///abs/dir', { kind: 'layout', path: '/abs/dir' }],
    ['oci-archive:a.tar', { kind: 'archive', path: 'a.tar' }],
    ['oci-archive:/t/a.tar:v1', { kind: 'archive', path: '/t/a.tar', name: 'v1' }],
  ])('%s is in files', (text, expected) => {
    expect(parseLocation(text)).toEqual(expected);
  });

  test.each([
    ['docker://registry.example/team/app:v1', 'registry.example/team/app:v1'],
    ['oci://ghcr.io/kcl-lang/helloworld:0.1.0', 'ghcr.io/kcl-lang/helloworld:0.1.0'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['alpine', 'docker.io/library/alpine'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20'],
    ['docker:27', 'docker.io/library/docker:27'],
    ['docker:dind', 'docker.io/library/docker:dind'],
    [`registry.example/app@${digest}`, `registry.example/app@${digest}`],
  ])('%s is of a registry', (text, expected) => {
    const location = parseLocation(text);
    expect(location.kind).toBe('registry');
    expect(formatLocation(location)).toBe(expected);
    expect(location.kind === 'registry' && formatReference(location.reference)).toBe(expected);
  });

  test.each([
    '',
    'oci:',
    'oci::v1',
    'oci:dir:',
    'oci-archive:',
    'dir:/tmp/x',
    'docker-daemon:x:1',
    'https://x/y',
    'oci:a\0b',
  ])('%j is refused', (text) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID' }),
    );
  });

  test('takes back what it gave', () => {
    const path = fc.stringMatching(/^[A-Za-z0-9_./-]{1,30}$/);
    const name = fc.option(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,30}$/), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.constantFrom('layout', 'archive'), path, name, (kind, path, name) => {
        fc.pre(!path.startsWith('//'));
        const location = { kind, path, ...(name !== undefined && { name }) } as const;
        expect(parseLocation(formatLocation(location))).toEqual(location);
      }),
    );
  });
});

describe('a location is opened', () => {
  const tag = parseTag('1.0.0');

  async function memory(): Promise<MemoryRepository> {
    const repository = new MemoryRepository();
    const artifact = image();
    for (const { descriptor, bytes } of artifact.blobs)
      await repository.pushBlob(descriptor, inChunks(bytes));
    await repository.pushManifest(artifact.manifest, { tag });
    return repository;
  }

  test('and copied from one to the next: registry, archive, layout', async () => {
    await using directory = await temporaryDirectory();
    const repository = await memory();
    const texts = [
      'registry.example/app:1.0.0',
      `oci-archive:${join(directory.path, 'a.tar')}:v1`,
      `oci:${join(directory.path, 'layout')}`,
    ];
    for (const [at, text] of texts.slice(1).entries()) {
      const source = await openSource(parseLocation(texts[at] ?? ''), () => repository);
      const target = await openTarget(parseLocation(text), () => repository);
      await copy(source, target);
      await target.finish();
      await target.close();
      await source.close();
    }
    const opened = await openSource(parseLocation(texts[2] ?? ''), () => repository);
    expect(opened.reference).toBe('v1');
    expect(await opened.repository.resolve(opened.reference)).toEqual(image().manifest.descriptor);
  });

  test.each([
    ['registry.example/app', 'latest'],
    ['registry.example/app:1.0.0', '1.0.0'],
    [`registry.example/app:1.0.0@${digest}`, digest],
  ])('%s is asked for as %s', async (text, reference) => {
    const opened = await openSource(parseLocation(text), () => new MemoryRepository());
    expect(opened.reference).toBe(reference);
  });

  test('a target is not named by a digest, nor in a layout by what is no tag', async () => {
    await using directory = await temporaryDirectory();
    const open = (text: string) => openTarget(parseLocation(text), () => new MemoryRepository());
    await expect(open(`registry.example/app@${digest}`)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(open(`oci:${directory.path}:a/b`)).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    });
  });

  test('a layout that is not there is not made to be read', async () => {
    await using directory = await temporaryDirectory();
    for (const text of [`oci:${directory.path}/no`, `oci-archive:${directory.path}/no.tar`]) {
      const opening = openSource(parseLocation(text), () => new MemoryRepository());
      await expect(opening).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    }
  });
});
