import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type PackageProvider, resolveGraph } from './graph.js';

/** What each version of each package needs: `{ a: { '1.0.0': { b: '^1' } } }`. */
type World = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;

function providerOf(world: World, asked: string[] = []): PackageProvider<string> {
  return {
    versions: async (id) => {
      asked.push(id);
      return Object.keys(world[id] ?? {});
    },
    load: async (id, version) => ({
      content: `${id} ${version}`,
      requirements: needs(world[id]?.[version] ?? {}),
    }),
  };
}

function needs(ranges: Readonly<Record<string, string>>) {
  return Object.entries(ranges).map(([id, range]) => ({ id, range: range || undefined }));
}

async function resolve(
  world: World,
  root: Readonly<Record<string, string>>,
  preferred?: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const options = { preferred: (id: string) => preferred?.[id] };
  const { nodes } = await resolveGraph(
    { name: 'root', requirements: needs(root) },
    providerOf(world),
    options,
  );
  return nodes.map(({ content }) => content);
}

test('takes the newest that fits, and what is needed before what needs it', async () => {
  const world = {
    a: { '1.0.0': { b: '^1' }, '1.1.0': { b: '^1.1', c: '' } },
    b: { '1.0.0': {}, '1.1.0': {}, '1.2.0': { c: '~1.0.0' }, '2.0.0': {} },
    c: { '1.0.0': {}, '1.0.5': {}, '1.1.0': {} },
  };
  expect(await resolve(world, { a: '^1' })).toEqual(['c 1.0.5', 'b 1.2.0', 'a 1.1.0']);
});

test('takes one version that all agree on', async () => {
  const world = {
    a: { '1.0.0': { c: '>=1.0.0' } },
    b: { '1.0.0': { c: '<1.2.0' } },
    c: { '1.0.0': {}, '1.1.0': {}, '1.2.0': {} },
  };
  expect(await resolve(world, { a: '1.0.0', b: '1.0.0' })).toEqual([
    'c 1.1.0',
    'a 1.0.0',
    'b 1.0.0',
  ]);
});

test('leaves out what only a version needs that was not chosen in the end', async () => {
  const world = {
    a: { '1.0.0': {}, '2.0.0': { x: '1.0.0' } },
    b: { '1.0.0': { a: '^1' } },
    x: { '1.0.0': {} },
  };
  expect(await resolve(world, { a: '', b: '1.0.0' })).toEqual(['a 1.0.0', 'b 1.0.0']);
});

test('stays at preferred versions while they fit', async () => {
  const world = { a: { '1.0.0': {}, '1.1.0': {} } };
  expect(await resolve(world, { a: '^1' }, { a: '1.0.0' })).toEqual(['a 1.0.0']);
  expect(await resolve(world, { a: '^1.1' }, { a: '1.0.0' })).toEqual(['a 1.1.0']);
});

test('asks for no list of versions when they are written out', async () => {
  const asked: string[] = [];
  const provider = providerOf({ a: { '1.0.0': { b: '2.0.0' } }, b: { '2.0.0': {} } }, asked);
  await resolveGraph({ name: 'root', requirements: needs({ a: '1.0.0' }) }, provider);
  expect(asked).toEqual([]);
});

test('names those that want different versions', async () => {
  const world = {
    a: { '1.0.0': { c: '^1' } },
    b: { '1.0.0': { c: '^2' } },
    c: { '1.0.0': {}, '2.0.0': {} },
  };
  await expect(resolve(world, { a: '1.0.0', b: '1.0.0' })).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: 'no version of c fits: a 1.0.0 needs ^1, b 1.0.0 needs ^2',
    hint: 'There are 1.0.0, 2.0.0.',
  });
});

test('where packages disagree, the root decides, with a warning', async () => {
  const world = {
    a: { '1.0.0': { c: '1.0.0' } },
    c: { '1.0.0': {}, '2.0.0': {} },
  };
  const graph = await resolveGraph(
    { name: 'root', requirements: needs({ a: '1.0.0', c: '2.0.0' }) },
    providerOf(world),
  );
  expect(graph.nodes.map(({ content }) => content)).toEqual(['c 2.0.0', 'a 1.0.0']);
  expect(graph.warnings).toEqual([
    'c is 2.0.0, as root says, although root needs 2.0.0, a 1.0.0 needs 1.0.0',
  ]);
});

test.each<[World, string]>([
  [{ a: { '1.0.0': { a: '^1' } } }, 'a → a'],
  [
    { a: { '1.0.0': { b: '' } }, b: { '1.0.0': { c: '' } }, c: { '1.0.0': { a: '' } } },
    'a → b → c → a',
  ],
])('names a circle', async (world, circle) => {
  await expect(resolve(world, { a: '' })).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining(circle),
  });
});

test('says that versions never settle instead of turning for ever', async () => {
  const world = {
    a: { '1.0.0': {}, '2.0.0': { b: '2.0.0' } },
    b: { '1.0.0': {}, '2.0.0': { a: '1.0.0' } },
  };
  await expect(resolve(world, { a: '>=1' })).rejects.toMatchObject({ code: 'DEPENDENCY_CONFLICT' });
});

test('loads what is needed in parallel', async () => {
  let running = 0;
  let most = 0;
  const ids = ['a', 'b', 'c', 'd'];
  const provider: PackageProvider<string> = {
    versions: async () => ['1.0.0'],
    load: async (id) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return { content: id, requirements: [] };
    },
  };
  await resolveGraph(
    { name: 'root', requirements: ids.map((id) => ({ id, range: '^1' })) },
    provider,
  );
  expect(most).toBe(ids.length);
});

test('every graph that resolves keeps every range, in an order that works', async () => {
  const version = fc.constantFrom('1.0.0', '1.1.0', '2.0.0');
  const range = fc.constantFrom('', '^1', '^2', '1.0.0', '>=1.1.0');
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const world = fc.dictionary(
    id,
    fc.dictionary(version, fc.dictionary(id, range, { maxKeys: 2 }), { minKeys: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(
      world,
      fc.dictionary(id, range, { minKeys: 1, maxKeys: 2 }),
      async (packages, root) => {
        const outcome = await resolve(packages, root).catch((error: unknown) => error);
        const isConflict = outcome instanceof Error;
        expect(isConflict ? outcome : { code: 'DEPENDENCY_CONFLICT' }).toMatchObject({
          code: 'DEPENDENCY_CONFLICT',
        });
        const order = isConflict ? [] : (outcome as readonly string[]);
        const ids = order.map((node) => node.split(' ')[0]);
        expect(ids).toEqual([...new Set(ids)]);
        for (const [at, node] of order.entries()) {
          const [name = '', chosen = ''] = node.split(' ');
          const needed = Object.keys(packages[name]?.[chosen] ?? {});
          expect(ids.slice(0, at)).toEqual(expect.arrayContaining(needed));
        }
      },
    ),
  );
});

test('a graph that a registry makes endless is refused before all of it is pulled', async () => {
  let loads = 0;
  const provider: PackageProvider<string> = {
    versions: async () => ['1.0.0'],
    load: async (id) => {
      loads += 1;
      const ids = Array.from({ length: 20 }, (_, at) => `${id}${at}`);
      return { content: id, requirements: ids.map((id) => ({ id, range: '1.0.0' })) };
    },
  };
  await expect(
    resolveGraph({ name: 'root', requirements: needs({ a: '1.0.0' }) }, provider),
  ).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'root needs more than 256 packages',
    hint: expect.any(String),
  });
  expect(loads).toBeLessThan(256);
});
