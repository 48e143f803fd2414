import { gzip, tarOfFiles } from '@oci/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { detectArchive } from './archive-type.js';

const archive = tarOfFiles({ a: 'content' });

function withoutMagic(): Uint8Array {
  const old = Buffer.from(archive.subarray(0, 512));
  old.fill(0, 257, 265);
  old.write('        ', 148, 'latin1');
  const sum = old.reduce((total, byte) => total + byte, 0);
  old.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return old;
}

test.each([
  ['gzip', gzip(archive)],
  ['tar', archive],
  ['tar', withoutMagic()],
  ['tar', new Uint8Array(1024)],
  ['zip', Buffer.from('PK\u0003\u0004')],
  ['zip', Buffer.from('PK\u0005\u0006')],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  [undefined, Buffer.alloc(0)],
  [undefined, new Uint8Array(511)],
  [undefined, Buffer.from('#!/bin/sh\n')],
])('knows %s by its first bytes', (type, start) => {
  expect(detectArchive(start)).toBe(type);
});

test('takes no text for an archive', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 512, maxLength: 600 }), (text) => {
      fc.pre(!text.startsWith('PK'));
      expect(detectArchive(Buffer.from(text))).toBeUndefined();
    }),
  );
});
