import { type RepositoryName, parseTag } from '@oci/spec-types';
import { image, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { MemoryRepository } from '../memory/memory-repository.js';
import { createRegistry } from '../registry.js';
import { copyAll } from './copy-all.js';
import { copy } from './copy.js';

const tags = ['1.0.0', '1.1.0', 'latest'];
const name = 'team/app' as RepositoryName;

test('all tags come once, and the second time cost two requests each', async () => {
  await using from = await startRegistry();
  await using to = await startRegistry();
  const artifact = image();
  for (const tag of tags) from.putArtifact(name, tag, artifact);
  const [source, target] = [createRegistry({ url: from.url }), createRegistry({ url: to.url })];
  const run = (): ReturnType<typeof copyAll> =>
    copyAll(source.repository(name), target.repository(name), { referrers: 'ignore' });
  const seen: unknown[] = [];
  for await (const event of run()) if (event.type === 'tag') seen.push(event.outcome);
  expect(seen).toEqual(['copied', 'copied', 'copied']);
  // What the tags share is uploaded once.
  const uploads = to.requests.filter(({ method }) => method === 'POST');
  expect(uploads).toHaveLength(artifact.blobs.length);
  from.clearRequests();
  to.clearRequests();
  const again = await run();
  expect(again.map(({ tag, outcome }) => [tag, outcome])).toEqual(
    tags.map((tag) => [tag, 'unchanged']),
  );
  const isAsked = ({ path }: { readonly path: string }): boolean => path !== '/v2/';
  expect(from.requests.filter(isAsked)).toHaveLength(1 + tags.length);
  expect(to.requests.filter(isAsked)).toHaveLength(1 + tags.length);
  await Promise.all([source.close(), target.close()]);
});

test('a tag that fails is told, and the others are copied', async () => {
  await using from = await startRegistry();
  for (const tag of tags) from.putArtifact(name, tag, image());
  from.fault({ path: /manifests\/1\.1\.0$/, status: 404 });
  const source = createRegistry({ url: from.url });
  const target = new MemoryRepository();
  const copied = await copyAll(source.repository(name), target);
  expect(copied.map(({ outcome }) => outcome)).toEqual(['copied', 'failed', 'copied']);
  expect(copied[1]).toMatchObject({ error: { code: 'MANIFEST_UNKNOWN', side: 'source' } });
  await expect(target.resolve(parseTag('latest'))).resolves.toBeDefined();
  await source.close();
});

test.each([
  [['1.*'], ['1.0.0', '1.1.0']],
  [
    ['latest', '*.1.*'],
    ['1.1.0', 'latest'],
  ],
  [(tag: string) => tag.length > 5, ['latest']],
  [['1-0-0'], []],
])('%j chooses tags', async (choice, chosen) => {
  await using from = await startRegistry();
  for (const tag of tags) from.putArtifact(name, tag, image());
  const source = createRegistry({ url: from.url });
  const copied = await copyAll(source.repository(name), new MemoryRepository(), { tags: choice });
  expect(copied.map(({ tag }) => tag)).toEqual(chosen);
  await source.close();
});

test.each([{ tags: '1.*' }, { tags: [1] }, { tags: ['a b'] }, { tagsAtOnce: 0 }])(
  '%j is a wrong argument',
  async (options) => {
    const repository = new MemoryRepository();
    await expect(copyAll(repository, repository, options as never)).rejects.toMatchObject({
      code: 'USAGE',
    });
  },
);

const memory = new MemoryRepository();
const wrong: readonly (readonly [string, unknown])[] = [
  ['missing', undefined],
  ['null', null],
  ['a name', 'team/app'],
  ['what a copy of one takes', { repository: memory, reference: '1.0.0' }],
  ['something else', { resolve: true }],
];

test.each(wrong)('an end that is %s is a mistake of the caller', async (_, end) => {
  const untyped = end as never;
  const usage = { code: 'USAGE' };
  await expect(copyAll(untyped, memory)).rejects.toMatchObject(usage);
  await expect(copyAll(memory, untyped)).rejects.toMatchObject(usage);
  const [source, target] = [{ repository: memory, reference: '1' }, { repository: memory }];
  await expect(copy({ ...source, repository: untyped }, target)).rejects.toMatchObject(usage);
  await expect(copy(source, { repository: untyped })).rejects.toMatchObject(usage);
});
