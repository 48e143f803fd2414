import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { type Descriptor, isTag, mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type RegistryOptions as TestRegistryOptions,
  type TestRegistry,
  bytesOf,
  collect,
  image,
  imageIndex,
  inChunks,
  randomBytes,
  startRegistry,
  temporaryDirectory,
  textOf,
} from '@oci/testing';
import { describe, expect, onTestFinished, test } from 'vitest';

import {
  type OpenedRepository,
  createIndex,
  createManifest,
  currentPlatform,
  entryFor,
  openRepository,
} from './index.js';

const artifact = image();

async function open(
  reference = 'a/b:1.0',
  options: TestRegistryOptions = {},
): Promise<OpenedRepository & { readonly server: TestRegistry }> {
  const server = await startRegistry(options);
  const credentials = async (): Promise<undefined> => undefined;
  const retry = { delay: async () => {} };
  const opened = openRepository(`${server.host}/${reference}`, { credentials, retry });
  onTestFinished(async () => {
    await opened.close();
    await server.close();
  });
  return { ...opened, server };
}

describe('openRepository', () => {
  test('a manifest is one request away from its reference', async () => {
    const { repository, tagOrDigest, reference, registry, server } = await open();
    server.putArtifact('a/b', '1.0', artifact);
    const manifest = await repository.fetch(tagOrDigest);
    expect(manifest.descriptor).toEqual(artifact.manifest.descriptor);
    expect(reference).toMatchObject({ registry: server.host, repository: 'a/b', tag: '1.0' });
    expect(registry.host).toBe(server.host);
    expect(server.requests).toHaveLength(1);
  });

  test.each([
    ['team/tool', 'latest'],
    ['team/tool:1', '1'],
    [`team/tool:1@sha256:${'a'.repeat(64)}`, `sha256:${'a'.repeat(64)}`],
  ])('%s names %s', async (reference, wanted) => {
    const { tagOrDigest } = await open(reference);
    expect(tagOrDigest).toBe(wanted);
  });

  test('credentials are those of the docker configuration unless others are given', async () => {
    await using server = await startRegistry({
      auth: { basic: { username: 'me', password: 'x' } },
    });
    server.putArtifact('a/b', '1.0', artifact);
    const directory = await temporaryDirectory();
    onTestFinished(directory.remove);
    const auth = Buffer.from('me:x').toString('base64');
    const config = JSON.stringify({ auths: { [server.host]: { auth } } });
    await writeFile(join(directory.path, 'config.json'), config);
    const before = process.env['DOCKER_CONFIG'];
    process.env['DOCKER_CONFIG'] = directory.path;
    onTestFinished(() => {
      if (before === undefined) delete process.env['DOCKER_CONFIG'];
      else process.env['DOCKER_CONFIG'] = before;
    });
    await using opened = openRepository(`${server.host}/a/b:1.0`);
    await expect(opened.repository.fetch('1.0')).resolves.toMatchObject({ kind: 'image' });
    await using nobody = openRepository(`${server.host}/a/b`, {
      credentials: async () => undefined,
    });
    await expect(nobody.repository.fetch('1.0')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('it is closed when its scope ends', async () => {
    const { server } = await open();
    let kept: OpenedRepository['repository'];
    {
      await using opened = openRepository(`${server.host}/a/b`);
      kept = opened.repository;
      await opened.registry.ping();
    }
    await expect(kept.fetch('1.0')).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('fetch', () => {
  test('a digest needs no size, and one request', async () => {
    const { repository, server } = await open();
    const { digest } = server.putArtifact('a/b', undefined, artifact);
    expect((await repository.fetch(digest)).descriptor).toEqual(artifact.manifest.descriptor);
    expect(server.requests).toHaveLength(1);
  });

  test('bytes that are not of the digest are refused', async () => {
    const { repository, server } = await open();
    const { digest } = server.putArtifact('a/b', undefined, artifact);
    server.corruptBlob(digest, (bytes) => Buffer.concat([bytes, Buffer.from(' ')]));
    await expect(repository.fetch(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('what is wrong and leads to nothing is read on request, and told', async () => {
    const { repository, server } = await open();
    const document = { ...artifact.manifest.document, annotations: { good: 'x', bad: 1 } };
    const { digest } = server.putManifest('a/b', '1.0', document);
    await expect(repository.fetch('1.0')).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
    for (const name of ['1.0', digest]) {
      const warnings: string[] = [];
      const manifest = await repository.fetch(name, {
        lenient: true,
        onEvent: (event) => event.type === 'warning' && warnings.push(event.message),
      });
      expect(manifest.document.annotations).toEqual({ good: 'x' });
      expect(manifest.descriptor.digest).toBe(digest);
      expect(warnings).toEqual([expect.stringContaining('annotations.bad')]);
    }
  });
});

describe('blobs', () => {
  const bytes = randomBytes(3, 100_000);

  test('bytes within the limit are read into memory, others not asked for', async () => {
    const { repository, server } = await open();
    const blob = server.putBlob('a/b', bytes);
    expect(digestOf(await repository.fetchBytes(blob))).toBe(blob.digest);
    server.clearRequests();
    const limited = repository.fetchBytes(blob, { limit: 99_999 });
    await expect(limited).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(server.requests).toEqual([]);
  });

  test('what a descriptor carries is not asked for', async () => {
    const { repository, server } = await open();
    const data = Buffer.from('hello');
    const carried: Descriptor = {
      mediaType: 'text/plain',
      digest: digestOf(data),
      size: 5,
      data: data.toString('base64'),
    };
    expect(Buffer.from(await repository.fetchBytes(carried))).toEqual(data);
    expect(server.requests).toEqual([]);
  });

  test.each([
    [{ first: 0, last: 9 }, 0, 10],
    [{ first: 50_000 }, 50_000, 100_000],
    [{ first: 99_999, last: 99_999 }, 99_999, 100_000],
    [{ first: 0, last: 99_999 }, 0, 100_000],
  ])('a range %j is those bytes', async (range, start, end) => {
    const { repository, server } = await open();
    const blob = server.putBlob('a/b', bytes);
    const got = await collect(await repository.fetchBlob(blob, { range }));
    expect(Buffer.compare(got, bytes.subarray(start, end))).toBe(0);
  });

  test('a range comes from a host that ignores ranges, and goes on where it broke', async () => {
    const { repository, server } = await open();
    const blob = server.putBlob('a/b', bytes);
    const range = { first: 10_000, last: 79_999 };
    const wanted = bytes.subarray(10_000, 80_000);
    const restore = server.fault({ path: '/blobs/', status: 200, body: bytes });
    const whole = await collect(await repository.fetchBlob(blob, { range }));
    restore();
    expect(Buffer.compare(whole, wanted)).toBe(0);
    server.clearRequests();
    server.fault({ path: '/blobs/', destroyAfterBytes: 30_000, times: 1 });
    const resumed = await collect(await repository.fetchBlob(blob, { range }));
    expect(Buffer.compare(resumed, wanted)).toBe(0);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([
      'bytes=10000-79999',
      expect.stringMatching(/^bytes=[1-9]\d{4}-79999$/),
    ]);
  });

  test('a part that is cut short is no part', async () => {
    const { repository, server } = await open();
    const blob = server.putBlob('a/b', bytes);
    server.fault({
      path: '/blobs/',
      bodyTransform: (body) => body.subarray(0, 5),
      omitHeaders: ['content-length'],
    });
    const cut = repository.fetchBlob(blob, { range: { first: 0, last: 9 } }).then(collect);
    await expect(cut).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  test('content of every kind is pushed', async () => {
    const { repository, server } = await open();
    const directory = await temporaryDirectory();
    onTestFinished(directory.remove);
    const file = join(directory.path, 'content');
    await writeFile(file, bytes);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
    const kinds = [bytes, inChunks(bytes, 7000), stream, { file }, pathToFileURL(file)];
    for (const [at, content] of kinds.entries()) {
      await openedAt(server, `kind/${at}`).pushBlob(blob, content);
      expect(server.repositories.get(`kind/${at}`)?.blobs.has(blob.digest)).toBe(true);
    }
    const missing = repository.pushBlob(blob, { file: join(directory.path, 'nothing') });
    await expect(missing).rejects.toMatchObject({ code: 'USAGE', hint: expect.any(String) });
  });

  test('bytes and files go on where an upload broke', async () => {
    const { repository, server } = await open();
    server.fault({ method: 'PUT', path: '/uploads/', destroyAfterRequestBytes: 5000, times: 1 });
    const blob = await repository.pushBytes(bytes);
    expect(server.repositories.get('a/b')?.blobs.has(blob.digest)).toBe(true);
  });

  function openedAt(server: TestRegistry, name: string): OpenedRepository['repository'] {
    const opened = openRepository(`${server.host}/${name}`);
    onTestFinished(() => opened.close());
    return opened.repository;
  }
});

describe('manifests', () => {
  test('an artifact is made of bytes, and an index of manifests', async () => {
    const { repository, server } = await open();
    const layer = await repository.pushBytes(bytesOf('hello'), { mediaType: 'text/plain' });
    await repository.pushBytes(bytesOf('{}'), { mediaType: mediaTypes.empty });
    const manifest = createManifest({
      artifactType: 'application/vnd.example',
      layers: [layer],
      annotations: { a: 'b' },
    });
    await repository.pushManifest(manifest);
    const index = createIndex({
      manifests: [{ ...manifest.descriptor, platform: currentPlatform() }],
    });
    const pushed = await repository.pushManifest(index, { tag: '1.0' });
    expect(pushed).toEqual(index.descriptor);
    const fetched = await repository.fetch('1.0');
    if (fetched.kind !== 'index') throw new Error('an index was pushed');
    const chosen = await repository.fetchManifest(entryFor(fetched));
    expect(chosen.document).toEqual(manifest.document);
    expect(textOf(await repository.fetchBytes(layer))).toBe('hello');
    expect(server.repositories.get('a/b')?.tags.size).toBe(1);
  });

  test('the entry of a platform is found by its text', () => {
    const { manifest } = imageIndex();
    if (manifest.kind !== 'index') throw new Error('an index was made');
    expect(entryFor(manifest, 'linux/arm64').platform).toMatchObject({ architecture: 'arm64' });
    expect(() => entryFor(manifest, 'plan9/mips')).toThrow(/nothing for plan9\/mips/);
    expect(() => entryFor(manifest, 'linux')).toThrow(/not a platform/);
  });

  test.each([true, false])(
    'what is attached is listed, with a referrers API: %s',
    async (referrers) => {
      const { repository, server } = await open('a/b:1.0', { referrers });
      const { digest } = server.putArtifact('a/b', '1.0', artifact);
      const attached = await repository.attach('1.0', {
        artifactType: 'application/spdx+json',
        layers: [{ bytes: bytesOf('{"sbom":1}'), mediaType: 'application/spdx+json' }],
      });
      const subject = { digest };
      const found: Descriptor[] = [];
      for await (const referrer of repository.listReferrers(subject, {
        artifactType: 'application/spdx+json',
      }))
        found.push(referrer);
      expect(found.map((each) => each.digest)).toEqual([attached.descriptor.digest]);
      const sbom = await repository.fetchManifest(attached.descriptor);
      expect(sbom.document.subject).toEqual(artifact.manifest.descriptor);
    },
  );

  test('nothing is pushed for an attachment that cannot be made', async () => {
    const { repository, server } = await open();
    const { descriptor } = artifact.manifest;
    const attaching = repository.attach(descriptor, { artifactType: 'no type' });
    await expect(attaching).rejects.toMatchObject({ code: 'USAGE' });
    for (const layer of ['sbom.json', undefined, null, 7, { bytes: 'text', mediaType: 'a/b' }]) {
      const options = { artifactType: 'a/b', layers: [layer as never] };
      await expect(repository.attach('1', options)).rejects.toMatchObject({
        code: 'USAGE',
        hint: expect.stringContaining('attachFiles'),
      });
    }
    const refused = [
      { artifactType: 'no type' },
      { artifactType: 'a/b', layers: [{ bytes: new Uint8Array(), mediaType: 'none' }] },
      { artifactType: 'a/b', layers: [{ ...descriptor, mediaType: undefined }] },
      {
        artifactType: 'a/b',
        layers: [{ bytes: new Uint8Array(), mediaType: 'a/b', annotations: 1 }],
      },
      { artifactType: 'a/b', annotations: { key: 1 } },
      undefined,
    ];
    for (const options of refused)
      await expect(repository.attach('1', options as never)).rejects.toMatchObject({
        code: 'USAGE',
      });
    expect(server.requests).toEqual([]);
  });

  test('the config of an image is typed', async () => {
    const { repository, server } = await open();
    server.putArtifact('a/b', '1.0', artifact);
    const config = await repository.fetchConfig(await repository.fetch('1.0'));
    const command: readonly string[] | undefined = config.config?.Cmd;
    expect(command).toEqual(['/usr/bin/run.sh']);
    const index = repository.fetchConfig(imageIndex().manifest);
    await expect(index).rejects.toMatchObject({ code: 'USAGE' });
    const other = createManifest({ artifactType: 'application/vnd.example' });
    await expect(repository.fetchConfig(other)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('request', () => {
  test('it has the credentials and scopes of its path, and gives status, headers and body', async () => {
    await using server = await startRegistry({
      auth: { bearer: { username: 'me', password: 'x' } },
    });
    server.putArtifact('a/b', '1.0', artifact);
    await using opened = openRepository(`${server.host}/a/b`, {
      credentials: async () => ({ kind: 'password', username: 'me', password: 'x' }),
    });
    const answer = await opened.registry.request({
      path: '/v2/a/b/tags/list?n=5',
      headers: { 'X-Own': 'y' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain('application/json');
    expect(JSON.parse(textOf(await collect(answer.body)))).toMatchObject({ tags: ['1.0'] });
    expect(server.requests.at(-1)?.headers['x-own']).toBe('y');
    const created = await opened.registry.request({
      method: 'POST',
      path: '/v2/a/b/blobs/uploads/',
    });
    await created[Symbol.asyncDispose]();
    expect(created.status).toBe(202);
  });

  test('any status is an answer, and a redirect to another host too', async () => {
    const { registry, server } = await open();
    await using missing = await registry.request({ path: '/nothing' });
    expect(missing.status).toBe(404);
    server.fault({ path: '/away', redirect: 'https://elsewhere.example/' });
    await using away = await registry.request({ path: '/away' });
    expect([away.status, away.headers['location']]).toEqual([307, 'https://elsewhere.example/']);
  });

  test('a body beyond the limit fails', async () => {
    const { registry, server } = await open();
    server.fault({ path: '/large', status: 200, body: 'x'.repeat(1001) });
    const answer = await registry.request({ path: '/large' }, { limit: 1000 });
    await expect(collect(answer.body)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

test('what is text is a branded name behind the edge', async () => {
  const { repository, server } = await open();
  server.putArtifact('a/b', '1.0', artifact);
  for await (const tag of repository.listTags({ limit: 1 })) expect(isTag(tag)).toBe(true);
  await repository.deleteTag('1.0');
  expect(server.repositories.get('a/b')?.tags.size).toBe(0);
});
