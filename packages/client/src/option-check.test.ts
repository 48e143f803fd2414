import { image, imageIndex, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { copy } from './copy/index.js';
import { createRegistry, openRepository } from './index.js';
import { MemoryRepository } from './layout/index.js';

const url = 'registry.example';
const registry = createRegistry({ url });
const repository = registry.repository('a/b');
const { manifest } = image();

const source = { repository: new MemoryRepository(), reference: '1.0' };
const loose = copy as (...given: readonly unknown[]) => Promise<unknown>;

async function firstOf(entries: AsyncIterable<unknown>): Promise<unknown> {
  for await (const entry of entries) return entry;
  return undefined;
}

/** What a program in plain JavaScript misspells, and the words that set it right. */
const misspelt: readonly (readonly [() => unknown, string, string])[] = [
  [() => repository.pushManifest(manifest, { tags: ['1'] } as object), '"tags"', 'mean tag?'],
  [() => firstOf(repository.listTags({ limt: 1 } as object)), '"limt"', 'mean limit?'],
  [() => repository.fetch('1', { timeout: 5 } as object), '"timeout"', 'AbortSignal.timeout'],
  [() => repository.fetch('1', { constructor: 5 } as object), '"constructor"', 'lenient'],
  [() => repository.resolve('1', { lenient: true } as object), '"lenient"', 'signal'],
  [() => registry.ping({ onEvents: () => {} } as object), '"onEvents"', 'mean onEvent?'],
  [() => registry.request({ path: '/v2/' }, { limits: 1 } as object), '"limits"', 'mean limit?'],
  [() => createRegistry({ url, observr: () => {} } as never), '"observr"', 'mean observer?'],
  [() => createRegistry({ url, timeouts: { connect: 5 } as object }), '"timeouts.connect"', 'mean'],
  [() => createRegistry({ url, retry: { attempts: 0 } }), 'retry.attempts', 'attempts'],
  [() => createRegistry({ url, retry: { attempts: 'x' as never } }), 'retry.attempts', 'attempts'],
  [() => createRegistry({ url, pace: { bodies: 0 } }), 'pace.bodies', 'bodies'],
  [() => createRegistry({ url, bytesPerSecond: 0 }), 'bytesPerSecond', 'bytesPerSecond'],
  [
    () => createRegistry({ url, mirrors: [{ location: 'm', namespace: true } as never] }),
    '"mirrors[0].namespace"',
    'location',
  ],
  [() => openRepository('registry.example/a', { plainHTTP: true } as object), 'HTTP', 'plainHttp'],
  [() => loose(source, { ...source, tags: undefined }), '"target.reference"', 'tags'],
  [
    () => loose(source, { repository: source.repository }, { referrers: 'yes' }),
    'the option referrers',
    'referrers',
  ],
  [() => loose(source, { repository: source.repository }, { platfrm: 'x' }), '"platfrm"', 'mean'],
  [() => loose(source, { repository: source.repository }, { concurrency: 65 }), '1 to 64', 'con'],
];

test.each(misspelt)('%s', async (call, message, hint) => {
  const failure = await Promise.resolve()
    .then(call)
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  });
});

test('a value that is refused is told', () => {
  const wrong = (): unknown => createRegistry({ url, retry: { attempts: 'x' as never } });
  expect(wrong).toThrow('the option retry.attempts is a whole number from 1, not "x"');
});

const digest = `sha256:${'a'.repeat(64)}`;

test.each([`1.0.0@${digest}`, 'ghcr.io/team/tool:1.0', 'tool:1.0', `team/tool@${digest}`])(
  'what needs a tag or digest says that %s is a reference',
  async (text) => {
    for (const call of [repository.resolve(text), repository.fetch(text)])
      await expect(call).rejects.toMatchObject({
        code: 'REFERENCE_INVALID',
        hint: expect.stringContaining('This is a reference: use openRepository'),
      });
  },
);

test.each(['registry.example/team/tool', 'team/tool:1.0', 'localhost:5000/a', `a@${digest}`])(
  'what needs a name says that %s is a reference',
  (text) => {
    expect(() => registry.repository(text)).toThrow(
      expect.objectContaining({
        code: 'REFERENCE_INVALID',
        hint: expect.stringContaining('This is a reference: use openRepository'),
      }),
    );
  },
);

test('a name may begin with the host of another registry', () => {
  expect(registry.repository('ghcr.io/team/tool').name).toBe('ghcr.io/team/tool');
});

test('platforms of a copy are text or objects', async () => {
  await using server = await startRegistry();
  const index = imageIndex();
  server.putArtifact('a/b', '1.0', index);
  await using client = createRegistry({ url: server.url });
  const from = { repository: client.repository('a/b'), reference: '1.0' };
  const amd64 = { os: 'linux', architecture: 'amd64' };
  for (const platform of ['linux/amd64', amd64]) {
    const one = await copy(from, { repository: new MemoryRepository() }, { platform });
    expect(one.descriptor.digest).not.toBe(index.manifest.descriptor.digest);
    const part = await copy(
      from,
      { repository: new MemoryRepository() },
      { platforms: [platform] },
    );
    expect(part.left.platforms).toBeGreaterThan(0);
  }
  for (const wrong of ['linux', {}, 7, null])
    await expect(
      loose(from, { repository: source.repository }, { platforms: [wrong] }),
    ).rejects.toMatchObject({
      code: 'USAGE',
    });
});
