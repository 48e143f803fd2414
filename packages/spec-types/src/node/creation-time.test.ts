import { afterEach, describe, expect, it, vi } from 'vitest';

import { type ResolvedManifest, annotations, emptyDescriptor, mediaTypes } from '../index.js';
import { creationTime, isSameButCreated } from './creation-time.js';
import { describeManifest } from './verify.js';

afterEach(() => vi.unstubAllEnvs());

describe('the time of creation', () => {
  it('is now, to the second', () => {
    vi.stubEnv('SOURCE_DATE_EPOCH', '');
    const before = Math.floor(Date.now() / 1000) * 1000;
    const text = creationTime();
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(text)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(text)).toBeLessThanOrEqual(Date.now());
  });

  it('is what SOURCE_DATE_EPOCH says, and before that what the caller says', () => {
    vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
    expect(creationTime()).toBe('2023-11-14T22:13:20Z');
    expect(creationTime(new Date(1_000))).toBe('1970-01-01T00:00:01Z');
  });

  it.each(['yesterday', '-1', '1e9', '123456789012'])('is not %s', (value) => {
    vi.stubEnv('SOURCE_DATE_EPOCH', value);
    expect(() => creationTime()).toThrow(/SOURCE_DATE_EPOCH is not a number of seconds/);
  });
});

describe('the same manifest at another time', () => {
  const manifest = (texts: Readonly<Record<string, string>> | undefined): ResolvedManifest =>
    describeManifest(
      Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.imageManifest,
          config: emptyDescriptor,
          layers: [emptyDescriptor],
          ...(texts && { annotations: texts }),
        }),
      ),
    );
  const dated = { title: 'a', [annotations.created]: '2026-01-01T00:00:00Z' };

  it.each([
    ['another date', { ...dated, [annotations.created]: '2027-01-01T00:00:00Z' }, true],
    ['no date', { title: 'a' }, true],
    ['another title', { ...dated, title: 'b' }, false],
    ['one annotation more', { ...dated, more: 'c' }, false],
  ])('with %s', (_, texts, isSame) => {
    expect(isSameButCreated(manifest(dated), manifest(texts))).toBe(isSame);
    expect(isSameButCreated(manifest(texts), manifest(dated))).toBe(isSame);
  });

  it('may have no annotations at all', () => {
    const { [annotations.created]: created } = dated;
    expect(
      isSameButCreated(manifest({ [annotations.created]: created }), manifest(undefined)),
    ).toBe(true);
  });
});
