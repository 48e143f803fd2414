import { digestOf } from '@oci/spec-types/node';
import { describe, expect, test } from 'vitest';

import { bytesOf, collect, inChunks, randomBytes, textOf } from './bytes.js';

describe('randomBytes', () => {
  test('is the same for the same seed, on every machine', () => {
    expect(digestOf(randomBytes(1, 1000))).toBe(
      'sha256:1ba3e4fe03ab64e4f3e06d0a5da6d0c73566c62427065205f05c94daaa2cff4a',
    );
  });

  test('begins alike whatever the size, and differs by seed', () => {
    expect(randomBytes(5, 11)).toEqual(randomBytes(5, 64).slice(0, 11));
    expect(randomBytes(5, 64)).not.toEqual(randomBytes(6, 64));
  });

  test('uses all byte values', () => {
    expect(new Set(randomBytes(9, 20_000)).size).toBe(256);
  });
});

describe('inChunks', () => {
  test('cuts into the given sizes, again and again', async () => {
    const sizes: number[] = [];
    for await (const chunk of inChunks(new Uint8Array(20), 1, 7)) sizes.push(chunk.byteLength);
    expect(sizes).toEqual([1, 7, 1, 7, 1, 3]);
  });

  test('gives everything in one piece without sizes, and nothing of no bytes', async () => {
    expect(textOf(await collect(inChunks(bytesOf('text'))))).toBe('text');
    expect(await collect(inChunks(new Uint8Array(), 3))).toEqual(new Uint8Array());
  });
});
