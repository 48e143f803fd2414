import type { Artifact } from '@oci/manager';
import { expect, test } from 'vitest';

import { ArtifactIndex, type ArtifactIndexOptions } from './artifact-index.js';

const artifact = (version: string): Artifact => ({
  name: 'demo',
  version,
  digest: `sha256:${'0'.repeat(64)}` as Artifact['digest'],
  size: 1,
  mediaType: 'a/b',
  createdAt: null,
});

/** An index whose registry answers when the test says so. */
function bench(options: Partial<ArtifactIndexOptions> = {}) {
  const asked: {
    namespace: string;
    answer: (versions: string[]) => void;
    fail: (e: Error) => void;
  }[] = [];
  const waiting: (() => void)[] = [];
  const index = new ArtifactIndex({
    list: (namespace) =>
      new Promise((resolve, reject) => {
        asked.push({
          namespace,
          answer: (versions) => resolve(versions.map(artifact)),
          fail: reject,
        });
        waiting.shift()?.();
      }),
    ...options,
  });
  const next = async (): Promise<(typeof asked)[number]> => {
    if (asked.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    const first = asked.shift();
    if (!first) throw new Error('nothing was asked');
    return first;
  };
  return { index, asked, next };
}

const versions = ({ artifacts }: { artifacts: readonly Artifact[] }) =>
  artifacts.map(({ version }) => version);

test('one listing serves all who ask, and nobody asks again while it is fresh', async () => {
  const { index, asked, next } = bench();
  const all = Promise.all([index.get('kcl'), index.get('kcl'), index.get('kcl')]);
  (await next()).answer(['1']);
  expect((await all).map(versions)).toEqual([['1'], ['1'], ['1']]);
  expect(versions(await index.get('kcl'))).toEqual(['1']);
  expect(asked).toHaveLength(0);
});

test('what is old is answered at once, and refreshed behind', async () => {
  const { index, next } = bench({ freshMs: 1000 });
  const first = index.get('kcl');
  (await next()).answer(['1']);
  await first;
  const later = Date.now() + 5000;
  expect(versions(await index.get('kcl', later))).toEqual(['1']);
  (await next()).answer(['1', '2']);
  await expect.poll(async () => versions(await index.get('kcl'))).toEqual(['1', '2']);
});

test('a registry that is down leaves what was known, marked as stale', async () => {
  const { index, next } = bench({ freshMs: 0 });
  const first = index.get('kcl');
  (await next()).answer(['1']);
  await first;
  const later = Date.now() + 5000;
  await index.get('kcl', later);
  (await next()).fail(new Error('down'));
  await expect.poll(async () => (await index.get('kcl', later)).stale).toBe(true);
  expect(versions(await index.get('kcl', later))).toEqual(['1']);
});

test('the first listing fails as the registry does', async () => {
  const { index, next } = bench();
  const first = index.get('kcl');
  (await next()).fail(new Error('down'));
  await expect(first).rejects.toThrow('down');
});

test('whoever asks waits only so long, and the listing goes on', async () => {
  const { index, next } = bench({ patienceMs: 1 });
  await expect(index.get('kcl')).rejects.toMatchObject({
    status: 503,
    headers: { 'retry-after': '5' },
  });
  (await next()).answer(['1']);
  await expect.poll(async () => index.get('kcl').then(versions, () => [])).toEqual(['1']);
});

test('a push is seen by who asks after it, also while a listing runs', async () => {
  const { index, next } = bench();
  const early = index.get('kcl');
  const before = await next();
  index.changed('kcl/demo');
  const late = index.get('kcl');
  before.answer(['1']);
  (await next()).answer(['1', '2']);
  expect(versions(await late)).toEqual(['1', '2']);
  await early;
  index.changed('other/demo');
  expect(versions(await index.get('kcl'))).toEqual(['1', '2']);
});
