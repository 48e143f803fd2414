import { type Descriptor, type Digest, isOciError } from '@oci/spec-types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fileName, filePath } from './file-path.js';

const hex = 'ab'.repeat(32);

function layer(title: string | undefined, mediaType = 'application/octet-stream'): Descriptor {
  const annotations = title === undefined ? undefined : { 'org.opencontainers.image.title': title };
  return {
    mediaType,
    digest: `sha256:${hex}` as Digest,
    size: 1,
    ...(annotations && { annotations }),
  };
}

/** None for a title that is refused. */
function segmentsOf(title: string): readonly string[] {
  try {
    return filePath(fileName(layer(title)));
  } catch (error) {
    if (isOciError(error, 'ARCHIVE_UNSAFE')) return [];
    throw error;
  }
}

describe('the path of a layer', () => {
  it.each([
    ['a.txt', ['a.txt']],
    ['sub/dir/a.txt', ['sub', 'dir', 'a.txt']],
    ['./a', ['a']],
    ['ünïcode', ['ünïcode']],
  ])('is its title: %s', (title, path) => {
    expect(filePath(fileName(layer(title)))).toEqual(path);
  });

  it.each([
    ['application/vnd.oci.image.layer.v1.tar+gzip', `${hex}.tar.gz`],
    ['application/vnd.oci.image.layer.v1.tar', `${hex}.tar`],
    ['application/vnd.oci.image.layer.v1.tar+zstd', `${hex}.tar.zst`],
    ['application/json', `${hex}.json`],
    ['application/spdx+json', `${hex}.json`],
    ['application/octet-stream', hex],
  ])('is its digest where it has no title, with the ending of %s', (mediaType, path) => {
    expect(filePath(fileName(layer(undefined, mediaType)))).toEqual([path]);
  });

  it.each([
    '..',
    '../a',
    'a/../../b',
    '/etc/passwd',
    'C:\\x',
    'a\\..\\b',
    'a:stream',
    'NUL',
    'con.txt',
    'a\u0000b',
    'a\u009b2Jb',
    'report\u202egpj.sh',
    'a\u200bb',
    '.',
    './',
    'x'.repeat(256),
  ])('is refused as %j (GHSA-g5v4-5x39-vwhx)', (title) => {
    expect(() => filePath(fileName(layer(title)))).toThrow(/no path below a directory/);
  });

  it('never leads out, whatever the title', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (title) => {
        for (const segment of segmentsOf(title)) expect(segment).not.toMatch(/^\.{0,2}$|[\\/]/);
      }),
    );
  });
});
