import { type IncomingMessage, createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';

import type { ObjectStore } from '@oci/cache';
import { createRegistry } from '@oci/client';
import { type Digest, OciError, mediaTypes, parseRepositoryName } from '@oci/spec-types';
import { describeManifest, digestOf, verified } from '@oci/spec-types/node';
import { bytesOf, collect, randomBytes } from '@oci/testing';
import { repositoryContract } from '@oci/testing/contracts';
import { describe, expect, test } from 'vitest';

import { type HostedRegistryOptions, createHostedRegistry } from '../src/hosted/hosted-registry.js';
import { registryHandler } from './registry-handler.js';

/** An empty store for one server. */
export type MakeStore = () => Promise<{
  readonly store: ObjectStore;
  readonly close: () => Promise<void>;
}>;

/** What the registry API does over any store. */
export function registryApiSuite(
  name: string,
  makeStore: MakeStore,
  {
    referrers = 2100,
  }: { /** Of one subject; more than a page holds. */ readonly referrers?: number } = {},
): void {
  describe(`the registry API over ${name}`, () => {
    async function start(options?: HostedRegistryOptions) {
      const made = await makeStore();
      const registry = createHostedRegistry(made.store, options);
      const failures: unknown[] = [];
      const server = createServer(registryHandler(registry, (error) => failures.push(error)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const close = async (): Promise<void> => {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
        await made.close();
      };
      return {
        url: `http://127.0.0.1:${port}`,
        port,
        registry,
        failures,
        [Symbol.asyncDispose]: close,
      };
    }
    type Api = Awaited<ReturnType<typeof start>>;

    repositoryContract('the registry API over HTTP', async () => {
      const api = await start();
      const client = createRegistry({ url: api.url });
      return {
        repository: client.repository(parseRepositoryName('contract/test')),
        close: async () => {
          await client.close();
          await api[Symbol.asyncDispose]();
        },
      };
    });

    interface Answer {
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: Buffer;
      readonly code: string | undefined;
    }

    /** One request as it is written, without normalising its path. */
    async function ask(
      api: Api,
      method: string,
      path: string,
      options: { body?: Uint8Array; headers?: Record<string, string | number> } = {},
    ): Promise<Answer> {
      const request = httpRequest({
        port: api.port,
        host: '127.0.0.1',
        method,
        path,
        headers: options.headers,
        agent: false,
      });
      request.end(options.body);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const body = Buffer.from(await collect(response));
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body,
        code: codeOf(body),
      };
    }

    function codeOf(body: Buffer): string | undefined {
      if (!body.includes('"errors"')) return undefined;
      const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
      return errors[0]?.code;
    }

    const bytes = randomBytes(61, 50_000);
    const digest = digestOf(bytes);

    async function push(api: Api, name: string, content: Uint8Array): Promise<Digest> {
      const pushed = digestOf(content);
      const answer = await ask(api, 'POST', `/v2/${name}/blobs/uploads/?digest=${pushed}`, {
        body: content,
      });
      expect(answer.status).toBe(201);
      return pushed;
    }

    async function begin(api: Api, name = 'a/b'): Promise<string> {
      const { status, headers } = await ask(api, 'POST', `/v2/${name}/blobs/uploads/`);
      expect(status).toBe(202);
      return String(headers['location']);
    }

    async function manifestBytes(api: Api, name = 'a/b', extra: object = {}): Promise<Buffer> {
      const config = await push(api, name, bytesOf('{}'));
      return Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: mediaTypes.imageManifest,
          config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: config, size: 2 },
          layers: [],
          ...extra,
        }),
      );
    }

    const asManifest = { 'content-type': mediaTypes.imageManifest };

    async function pushManifest(
      api: Api,
      reference: string,
      body: Uint8Array,
      name = 'a/b',
    ): Promise<Answer> {
      return ask(api, 'PUT', `/v2/${name}/manifests/${reference}`, { body, headers: asManifest });
    }

    test('end-1: answers at its base', async () => {
      await using api = await start();
      for (const path of ['/v2/', '/v2']) {
        expect(await ask(api, 'GET', path)).toMatchObject({
          status: 200,
          headers: { 'docker-distribution-api-version': 'registry/2.0' },
        });
      }
    });

    test.each([
      ['GET', '/v2/a/../../etc/passwd'],
      ['GET', '/v2/..%2f..%2fetc/manifests/1'],
      ['GET', '/v2/%2e%2e/manifests/1'],
      ['GET', '/v2/a/manifests/..%2f1'],
      ['GET', '/v2/A/manifests/1'],
      ['GET', '/v2/a/manifests/-bad'],
      ['GET', '/v2/a/blobs/sha256:../../x'],
      ['GET', `/v2/a/blobs/sha256:${'A'.repeat(64)}`],
      ['PATCH', '/v2/a/blobs/uploads/..%2f..%2fx'],
      ['GET', '/v2/a/_blobs/x'],
      ['GET', '/v2//manifests/1'],
      ['GET', `/v2/${'a'.repeat(300)}/manifests/1`],
      ['GET', '/v2/a\\b/manifests/1'],
    ])('%s %s is refused', async (method, path) => {
      await using api = await start();
      const { status, code } = await ask(api, method, path);
      expect([400, 404]).toContain(status);
      expect(code).toMatch(/^[A-Z_]+$/);
      expect(api.failures).toEqual([]);
    });

    test.each([
      ['POST', '/v2/', 'GET, HEAD'],
      ['PUT', '/v2/a/tags/list', 'GET'],
      ['POST', '/v2/a/manifests/1', 'GET, HEAD, PUT, DELETE'],
      ['PUT', `/v2/a/blobs/${digest}`, 'GET, HEAD, DELETE'],
      ['GET', '/v2/a/blobs/uploads/', 'POST'],
      ['TRACE', '/v2/a/manifests/1', 'GET, HEAD, PUT, DELETE'],
    ])('%s %s is 405 with Allow', async (method, path, allow) => {
      await using api = await start();
      const answer = await ask(api, method, path);
      expect([answer.status, answer.code, answer.headers['allow']]).toEqual([
        405,
        'UNSUPPORTED',
        allow,
      ]);
    });

    test('end-2: gives a blob, its head, and parts of it', async () => {
      await using api = await start();
      await push(api, 'a/b', bytes);
      const path = `/v2/a/b/blobs/${digest}`;
      const whole = await ask(api, 'GET', path);
      expect([whole.status, digestOf(whole.body)]).toEqual([200, digest]);
      expect(whole.headers).toMatchObject({
        'docker-content-digest': digest,
        'accept-ranges': 'bytes',
        'content-length': '50000',
        etag: `"${digest}"`,
      });
      const head = await ask(api, 'HEAD', path);
      expect([head.status, head.headers['content-length'], head.body.length]).toEqual([
        200,
        '50000',
        0,
      ]);
      const part = await ask(api, 'GET', path, { headers: { range: 'bytes=100-199' } });
      expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 100-199/50000']);
      expect(part.body.equals(bytes.subarray(100, 200))).toBe(true);
      const none = await ask(api, 'GET', path, { headers: { range: 'bytes=50000-' } });
      expect([none.status, none.headers['content-range']]).toEqual([416, 'bytes */50000']);
    });

    test('an unknown blob is 404, in GET, HEAD and DELETE', async () => {
      await using api = await start();
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        expect((await ask(api, method, `/v2/a/b/blobs/${digest}`)).status).toBe(404);
      }
    });

    test('end-10: a deleted blob is gone here, and stays elsewhere', async () => {
      await using api = await start();
      for (const name of ['a', 'b']) await push(api, name, bytes);
      expect((await ask(api, 'DELETE', `/v2/a/blobs/${digest}`)).status).toBe(202);
      expect((await ask(api, 'HEAD', `/v2/a/blobs/${digest}`)).status).toBe(404);
      expect((await ask(api, 'HEAD', `/v2/b/blobs/${digest}`)).status).toBe(200);
    });

    test('end-4b: takes a blob in one POST, and refuses one that is not what it says', async () => {
      await using api = await start();
      expect(await push(api, 'a/b', bytes)).toBe(digest);
      const other = digestOf(bytesOf('x'));
      const wrong = await ask(api, 'POST', `/v2/a/b/blobs/uploads/?digest=${other}`, {
        body: bytes,
      });
      expect([wrong.status, wrong.code]).toEqual([400, 'DIGEST_INVALID']);
      expect((await ask(api, 'HEAD', `/v2/a/b/blobs/${other}`)).status).toBe(404);
      expect(await openSessions(api)).toEqual([]);
    });

    async function openSessions(api: Api): Promise<number[]> {
      const open = await api.registry.expireUploads({ olderThanMs: -1 });
      return open === 0 ? [] : [open];
    }

    test('end-6: takes a blob in POST and PUT', async () => {
      await using api = await start();
      const location = await begin(api);
      const put = await ask(api, 'PUT', `${location}?digest=${digest}`, { body: bytes });
      expect([put.status, put.headers['location']]).toEqual([201, `/v2/a/b/blobs/${digest}`]);
      expect((await ask(api, 'GET', location)).status).toBe(404);
    });

    test('end-5: takes a blob in chunks, and tells where it is', async () => {
      await using api = await start();
      const location = await begin(api);
      const [one, two] = [bytes.subarray(0, 20_000), bytes.subarray(20_000)];
      const first = await ask(api, 'PATCH', location, {
        body: one,
        headers: { 'content-range': '0-19999' },
      });
      expect([first.status, first.headers['range']]).toEqual([202, '0-19999']);
      expect(await ask(api, 'GET', location)).toMatchObject({
        status: 204,
        headers: { range: '0-19999' },
      });
      for (const range of ['0-29999', '30000-59999', '19999-49998']) {
        const wrong = await ask(api, 'PATCH', location, {
          body: two,
          headers: { 'content-range': range },
        });
        expect([wrong.status, wrong.headers['range']]).toEqual([416, '0-19999']);
      }
      const lying = await ask(api, 'PATCH', location, {
        body: two,
        headers: { 'content-range': '20000-20001' },
      });
      expect([lying.status, lying.code]).toEqual([400, 'SIZE_INVALID']);
      for (const range of ['20000-20001', '20000-50000', '20000-19999']) {
        const chunked = await ask(api, 'PATCH', location, {
          body: two,
          headers: { 'content-range': range, 'transfer-encoding': 'chunked' },
        });
        expect([range, chunked.status, chunked.code]).toEqual([range, 400, 'SIZE_INVALID']);
        expect((await ask(api, 'GET', location)).headers).toMatchObject({ range: '0-19999' });
      }
      await ask(api, 'PATCH', location, { body: two, headers: { 'content-range': '20000-49999' } });
      expect((await ask(api, 'PUT', `${location}?digest=${digest}`)).status).toBe(201);
      expect(digestOf((await ask(api, 'GET', `/v2/a/b/blobs/${digest}`)).body)).toBe(digest);
    });

    test('an upload with a wrong digest is over, and nothing is kept', async () => {
      await using api = await start();
      const location = await begin(api);
      const other = digestOf(bytesOf('x'));
      const put = await ask(api, 'PUT', `${location}?digest=${other}`, { body: bytes });
      expect([put.status, put.code]).toEqual([400, 'DIGEST_INVALID']);
      expect((await ask(api, 'GET', location)).status).toBe(404);
      expect((await ask(api, 'HEAD', `/v2/a/b/blobs/${other}`)).status).toBe(404);
    });

    test.each(['', '?digest=', '?digest=md5:x', `?digest=blake3:${'0'.repeat(64)}`])(
      'an upload is not ended with %j, and can go on',
      async (query) => {
        await using api = await start();
        const location = await begin(api);
        const put = await ask(api, 'PUT', `${location}${query}`, { body: bytes });
        expect([put.status, put.code]).toEqual([400, 'DIGEST_INVALID']);
        expect(
          (await ask(api, 'PUT', `${location}?digest=${digest}`, { body: bytes })).status,
        ).toBe(201);
      },
    );

    test.each(['GET', 'PATCH', 'PUT', 'DELETE'])(
      'an upload belongs to its repository, also for %s',
      async (method) => {
        await using api = await start();
        const location = await begin(api, 'a/b');
        const elsewhere = `${location.replace('/a/b/', '/c/')}?digest=${digest}`;
        const answer = await ask(api, method, elsewhere, {
          body: bytes,
          headers: { 'content-length': bytes.byteLength },
        });
        expect([answer.status, answer.code]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
        expect((await ask(api, 'GET', location)).status).toBe(204);
      },
    );

    test('end-14: a cancelled upload is gone', async () => {
      await using api = await start();
      const location = await begin(api);
      expect((await ask(api, 'DELETE', location)).status).toBe(204);
      expect((await ask(api, 'GET', location)).status).toBe(404);
    });

    test('an upload that breaks off leaves no piece, and goes on from before', async () => {
      await using api = await start();
      const location = await begin(api);
      await ask(api, 'PATCH', location, { body: bytes.subarray(0, 1000) });
      const socket = connect(api.port, '127.0.0.1');
      socket.write(
        `PATCH ${location} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 49000\r\n\r\n`,
      );
      socket.write(bytes.subarray(1000, 5000));
      socket.end();
      await once(socket.resume(), 'close');
      expect(await ask(api, 'GET', location)).toMatchObject({ headers: { range: '0-999' } });
      const put = await ask(api, 'PUT', `${location}?digest=${digest}`, {
        body: bytes.subarray(1000),
      });
      expect(put.status).toBe(201);
    });

    test('two uploads of the same blob at once both succeed', async () => {
      await using api = await start();
      const ends = await Promise.all(
        [1, 2].map(() =>
          ask(api, 'POST', `/v2/a/b/blobs/uploads/?digest=${digest}`, { body: bytes }),
        ),
      );
      expect(ends.map(({ status }) => status)).toEqual([201, 201]);
      expect(digestOf((await ask(api, 'GET', `/v2/a/b/blobs/${digest}`)).body)).toBe(digest);
    });

    test('end-11: mounts what another repository has, and begins an upload where it has not', async () => {
      await using api = await start();
      await push(api, 'from', bytes);
      const mount = (from: string) =>
        ask(api, 'POST', `/v2/to/blobs/uploads/?mount=${digest}${from}`);
      for (const from of ['&from=other', '&from=..%2ffrom', '&from=']) {
        expect((await mount(from)).status).toBe(202);
      }
      expect((await ask(api, 'HEAD', `/v2/to/blobs/${digest}`)).status).toBe(404);
      const mounted = await mount('&from=from');
      expect([mounted.status, mounted.headers['location']]).toEqual([
        201,
        `/v2/to/blobs/${digest}`,
      ]);
      expect((await ask(api, 'HEAD', `/v2/to/blobs/${digest}`)).status).toBe(200);
    });

    test('end-11: mounts without from what any repository has, and nothing that none has any more', async () => {
      await using api = await start();
      await push(api, 'from', bytes);
      const mount = (to: string) => ask(api, 'POST', `/v2/${to}/blobs/uploads/?mount=${digest}`);
      expect((await mount('to')).status).toBe(201);
      expect(digestOf((await ask(api, 'GET', `/v2/to/blobs/${digest}`)).body)).toBe(digest);
      for (const name of ['from', 'to']) await ask(api, 'DELETE', `/v2/${name}/blobs/${digest}`);
      expect((await mount('later')).status).toBe(202);
      expect((await ask(api, 'HEAD', `/v2/later/blobs/${digest}`)).status).toBe(404);
    });

    test.each([
      ['sha256', 202],
      ['sha512', 202],
      ['md5', 400],
      ['', 400],
    ])('an upload for digests of %j is answered with %i', async (algorithm, status) => {
      await using api = await start();
      const path = `/v2/a/blobs/uploads/?digest-algorithm=${algorithm}`;
      const answer = await ask(api, 'POST', path);
      expect([answer.status, answer.code]).toEqual([
        status,
        status === 400 ? 'DIGEST_INVALID' : undefined,
      ]);
    });

    test.each([
      ['GET', 404, 'MANIFEST_UNKNOWN'],
      ['DELETE', 404, 'MANIFEST_UNKNOWN'],
      ['PUT', 400, 'MANIFEST_INVALID'],
    ])('%s of a malformed tag is %i', async (method, status, code) => {
      await using api = await start();
      const answer = await ask(api, method, '/v2/a/manifests/.INVALID_MANIFEST_NAME');
      expect([answer.status, answer.code]).toEqual([status, code]);
      expect((await ask(api, 'HEAD', '/v2/a/manifests/.INVALID_MANIFEST_NAME')).status).toBe(404);
    });

    test('a path is decoded once', async () => {
      await using api = await start();
      await push(api, 'a/b', bytes);
      const status = async (path: string) => (await ask(api, 'HEAD', path)).status;
      expect(await status(`/v2/a%2Fb/blobs/${digest.replace(':', '%3A')}`)).toBe(200);
      expect(await status(`/v2/%61/b/blobs/${digest}`)).toBe(200);
      expect(await status(`/v2/a%252Fb/blobs/${digest}`)).toBe(400);
      expect(await status(`/v2/a%2/blobs/${digest}`)).toBe(400);
      expect(await status(`/v2/a%2F..%2Fb/blobs/${digest}`)).toBe(400);
    });

    test('a mistake of the client is no defect of the server', async () => {
      await using api = await start();
      const other = digestOf(bytesOf('x'));
      await ask(api, 'POST', `/v2/a/blobs/uploads/?digest=${other}`, { body: bytes });
      await pushManifest(api, '1', bytesOf('{'));
      await pushManifest(api, other, bytesOf('{}'));
      expect(api.failures).toEqual([]);
    });

    test('a manifest that is damaged here is the fault of the server', async () => {
      await using api = await start();
      await pushManifest(api, '1', await manifestBytes(api));
      api.registry.manifests.readBytes = async () => {
        throw new OciError('DIGEST_MISMATCH', 'not what the digest says');
      };
      expect((await ask(api, 'GET', '/v2/a/b/manifests/1')).status).toBe(500);
      expect(api.failures).toHaveLength(1);
    });

    test('end-7, end-3: keeps a manifest byte for byte, under tag and digest', async () => {
      await using api = await start();
      const body = Buffer.concat([await manifestBytes(api), bytesOf('\n ')]);
      const pushed = await pushManifest(api, '1.0.0', body);
      const expected = digestOf(body);
      expect([pushed.status, pushed.headers['docker-content-digest']]).toEqual([201, expected]);
      for (const reference of ['1.0.0', expected]) {
        const { headers, body: got } = await ask(api, 'GET', `/v2/a/b/manifests/${reference}`);
        expect(got.equals(body)).toBe(true);
        expect(headers).toMatchObject({
          'content-type': mediaTypes.imageManifest,
          'docker-content-digest': expected,
        });
        const head = await ask(api, 'HEAD', `/v2/a/b/manifests/${reference}`);
        expect([head.status, head.headers['content-length']]).toEqual([200, String(body.length)]);
      }
    });

    test('end-7b: tags a digest by the query', async () => {
      await using api = await start();
      const body = await manifestBytes(api);
      const path = `/v2/a/b/manifests/${digestOf(body)}`;
      const pushed = await ask(api, 'PUT', `${path}?tag=1&tag=latest`, {
        body,
        headers: asManifest,
      });
      expect([pushed.status, pushed.headers['oci-tag']]).toEqual([201, '1, latest']);
      expect((await ask(api, 'HEAD', '/v2/a/b/manifests/latest')).status).toBe(200);
      const many = Array.from({ length: 101 }, (_, at) => `tag=${at}`).join('&');
      const tooMany = await ask(api, 'PUT', `${path}?${many}`, { body, headers: asManifest });
      expect([tooMany.status, tooMany.code]).toEqual([414, 'MANIFEST_INVALID']);
      const bad = await ask(api, 'PUT', `${path}?tag=..`, { body, headers: asManifest });
      expect([bad.status, bad.code]).toEqual([400, 'MANIFEST_INVALID']);
    });

    test.each<[string, (api: Api) => Promise<Answer>, number, string]>([
      [
        'is not what its digest says',
        async (api) => pushManifest(api, digest, await manifestBytes(api)),
        400,
        'DIGEST_INVALID',
      ],
      ['is no JSON', async (api) => pushManifest(api, '1', bytesOf('{')), 400, 'MANIFEST_INVALID'],
      [
        'says a member twice',
        async (api) => pushManifest(api, '1', bytesOf('{"schemaVersion":2,"schemaVersion":2}')),
        400,
        'MANIFEST_INVALID',
      ],
      [
        'is image and index (CVE-2021-41190)',
        async (api) => pushManifest(api, '1', await manifestBytes(api, 'a/b', { manifests: [] })),
        400,
        'MANIFEST_INVALID',
      ],
      [
        'calls itself something else',
        async (api) =>
          pushManifest(
            api,
            '1',
            await manifestBytes(api, 'a/b', { mediaType: mediaTypes.imageIndex }),
          ),
        400,
        'MANIFEST_INVALID',
      ],
      [
        'has no media type of a manifest',
        async (api) =>
          ask(api, 'PUT', '/v2/a/b/manifests/1', {
            body: await manifestBytes(api),
            headers: { 'content-type': 'text/plain' },
          }),
        400,
        'MANIFEST_INVALID',
      ],
      [
        'has a layer that is not here',
        async (api) =>
          pushManifest(
            api,
            '1',
            await manifestBytes(api, 'a/b', { layers: [{ mediaType: 'a/b', digest, size: 5 }] }),
          ),
        404,
        'MANIFEST_BLOB_UNKNOWN',
      ],
      [
        'has content in another repository only',
        async (api) => pushManifest(api, '1', await manifestBytes(api, 'c')),
        404,
        'MANIFEST_BLOB_UNKNOWN',
      ],
      [
        'is larger than 4 MiB',
        async (api) => pushManifest(api, '1', new Uint8Array(4 * 1024 * 1024 + 1)),
        413,
        'SIZE_INVALID',
      ],
    ])('a manifest that %s is refused', async (_, put, status, code) => {
      await using api = await start();
      const answer = await put(api);
      expect([answer.status, answer.code]).toEqual([status, code]);
      expect((await ask(api, 'GET', '/v2/a/b/manifests/1')).status).toBe(404);
    });

    test.each([
      { layers: null, annotations: null, subject: null, artifactType: '' },
      { config: null },
      { config: undefined, layers: undefined },
    ])('takes a manifest with %j, and keeps its bytes (image-spec issue 1025)', async (extra) => {
      await using api = await start();
      const body = await manifestBytes(api, 'a/b', extra);
      expect((await pushManifest(api, '1', body)).status).toBe(201);
      const { body: kept } = await ask(api, 'GET', '/v2/a/b/manifests/1');
      expect(kept.equals(body)).toBe(true);
    });

    test('end-9: deletes a tag, then a manifest with the tags that are left', async () => {
      await using api = await start();
      const body = await manifestBytes(api);
      for (const tag of ['1', '2', '3']) await pushManifest(api, tag, body);
      expect((await ask(api, 'DELETE', '/v2/a/b/manifests/1')).status).toBe(202);
      expect((await ask(api, 'HEAD', '/v2/a/b/manifests/2')).status).toBe(200);
      expect((await ask(api, 'DELETE', `/v2/a/b/manifests/${digestOf(body)}`)).status).toBe(202);
      for (const reference of ['1', '2', digestOf(body)]) {
        expect((await ask(api, 'HEAD', `/v2/a/b/manifests/${reference}`)).status).toBe(404);
      }
      expect((await ask(api, 'DELETE', '/v2/a/b/manifests/9')).status).toBe(404);
    });

    test('tells an unknown manifest from an unknown repository', async () => {
      await using api = await start();
      expect((await ask(api, 'GET', '/v2/a/b/manifests/1')).code).toBe('NAME_UNKNOWN');
      await pushManifest(api, '2', await manifestBytes(api));
      expect((await ask(api, 'GET', '/v2/a/b/manifests/1')).code).toBe('MANIFEST_UNKNOWN');
    });

    test('end-8: lists tags in order, in pages', async () => {
      await using api = await start();
      const body = await manifestBytes(api);
      for (const tag of ['b', 'a', 'C', 'd']) await pushManifest(api, tag, body);
      const page = async (query: string) => {
        const { body: got, headers } = await ask(api, 'GET', `/v2/a/b/tags/list${query}`);
        return { ...(JSON.parse(got.toString()) as { tags: string[] }), link: headers['link'] };
      };
      expect(await page('')).toMatchObject({ name: 'a/b', tags: ['C', 'a', 'b', 'd'] });
      expect(await page('?n=3')).toMatchObject({
        tags: ['C', 'a', 'b'],
        link: '</v2/a/b/tags/list?n=3&last=b>; rel="next"',
      });
      expect(await page('?n=3&last=b')).toEqual({ name: 'a/b', tags: ['d'], link: undefined });
      expect(await page('?n=0')).toEqual({ name: 'a/b', tags: [], link: undefined });
      expect(await page('?last=zzz')).toMatchObject({ tags: [] });
    });

    test.each(['-1', 'x', '1.5', '99999999999999999999', ''])(
      'a page of %j entries is refused (CVE-2023-2253)',
      async (n) => {
        await using api = await start();
        await pushManifest(api, '1', await manifestBytes(api, 'a'), 'a');
        for (const path of ['/v2/_catalog', '/v2/a/tags/list']) {
          const answer = await ask(api, 'GET', `${path}?n=${n}`);
          expect([answer.status, answer.code]).toEqual([400, 'UNSUPPORTED']);
        }
      },
    );

    test('lists repositories in pages', async () => {
      await using api = await start();
      for (const name of ['b', 'a/c', 'a'])
        await pushManifest(api, '1', await manifestBytes(api, name), name);
      const first = await ask(api, 'GET', '/v2/_catalog?n=2');
      expect(JSON.parse(first.body.toString())).toEqual({ repositories: ['a', 'a/c'] });
      expect(first.headers['link']).toBe('</v2/_catalog?n=2&last=a%2Fc>; rel="next"');
      const rest = await ask(api, 'GET', '/v2/_catalog?n=2&last=a%2Fc');
      expect(JSON.parse(rest.body.toString())).toEqual({ repositories: ['b'] });
      expect(rest.headers['link']).toBeUndefined();
    });

    test('the tags of an unknown repository are 404', async () => {
      await using api = await start();
      expect((await ask(api, 'GET', '/v2/a/b/tags/list')).code).toBe('NAME_UNKNOWN');
    });

    test('end-12: gives the referrers of a subject, filtered when asked, and says so', async () => {
      await using api = await start();
      const subjectBody = await manifestBytes(api);
      const subject = {
        mediaType: mediaTypes.imageManifest,
        digest: digestOf(subjectBody),
        size: subjectBody.length,
      };
      const path = `/v2/a/b/referrers/${subject.digest}`;
      const empty = await ask(api, 'GET', path);
      expect(JSON.parse(empty.body.toString())).toEqual({
        schemaVersion: 2,
        mediaType: mediaTypes.imageIndex,
        manifests: [],
      });

      const signature = await manifestBytes(api, 'a/b', {
        subject,
        artifactType: 'x/signature',
        annotations: { by: 'me' },
      });
      const sbom = await manifestBytes(api, 'a/b', { subject, artifactType: 'x/sbom' });
      const pushed = await pushManifest(api, digestOf(signature), signature);
      expect(pushed.headers['oci-subject']).toBe(subject.digest);
      await pushManifest(api, digestOf(sbom), sbom);
      const entries = async (query: string) => {
        const answer = await ask(api, 'GET', `${path}${query}`);
        expect(answer.headers['content-type']).toBe(mediaTypes.imageIndex);
        const { manifests } = JSON.parse(answer.body.toString()) as {
          manifests: { artifactType: string }[];
        };
        return [
          manifests.map(({ artifactType }) => artifactType).sort(),
          answer.headers['oci-filters-applied'],
        ];
      };
      expect(await entries('')).toEqual([['x/sbom', 'x/signature'], undefined]);
      expect(await entries('?artifactType=x%2Fsbom')).toEqual([['x/sbom'], 'artifactType']);
      expect(await entries('?artifactType=none')).toEqual([[], 'artifactType']);
      await ask(api, 'DELETE', `/v2/a/b/manifests/${digestOf(sbom)}`);
      expect(await entries('')).toEqual([['x/signature'], undefined]);
    });

    test('a damaged blob breaks the answer off, and a failure of ours is told without its words', async () => {
      await using api = await start();
      await push(api, 'a', bytes);
      const { blobs } = api.registry;
      blobs.serve = async ({ size, digest: served }) => ({
        size,
        body: verified(damaged(), { digest: served, size }),
      });
      await expect(ask(api, 'GET', `/v2/a/blobs/${digest}`)).rejects.toThrow(/aborted|hang up/);
      blobs.find = async () => {
        throw new Error('/secret/path broke');
      };
      const failed = await ask(api, 'GET', `/v2/a/blobs/${digest}`);
      expect(failed.status).toBe(500);
      expect(failed.body.toString()).not.toContain('secret');
      expect(api.failures).toHaveLength(2);
    });

    async function* damaged(): AsyncGenerator<Uint8Array> {
      yield randomBytes(62, bytes.byteLength);
    }

    /** A request whose last byte waits. */
    async function slowRequest(api: Api, head: string, body: Uint8Array) {
      const socket = connect(api.port, '127.0.0.1');
      const length = `content-length: ${body.byteLength}`;
      socket.write(`${head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${length}\r\n\r\n`);
      socket.write(body.subarray(0, -1));
      const end = async (): Promise<string> => {
        socket.write(body.subarray(-1));
        return Buffer.from(await collect(socket)).toString();
      };
      return { end };
    }

    test('requests of one upload never interleave: what comes beside a running one is refused', async () => {
      await using api = await start({ uploads: { patienceMs: 5 } });
      const location = await begin(api);
      const slow = await slowRequest(api, `PATCH ${location}`, bytesOf('evil'));
      // It holds the session once a request beside it is refused.
      const busy = async (): Promise<Answer> => ask(api, 'GET', location);
      let answer = await busy();
      while (answer.status === 204) answer = await busy();
      for (const [method, query] of [
        ['PATCH', ''],
        ['PUT', `?digest=${digest}`],
        ['DELETE', ''],
        ['GET', ''],
      ] as const) {
        // Larger than what the system keeps of a body that nobody reads.
        const body = new Uint8Array(method === 'PATCH' ? 8_000_000 : 0);
        const { status, code } = await ask(api, method, `${location}${query}`, { body });
        expect([method, status, code]).toEqual([method, 409, 'BLOB_UPLOAD_INVALID']);
      }
      expect(await slow.end()).toMatch(/^HTTP\/1.1 202 /);
      const put = await ask(api, 'PUT', `${location}?digest=${digest}`);
      expect([put.status, put.code]).toEqual([400, 'DIGEST_INVALID']);
      expect((await ask(api, 'HEAD', `/v2/a/b/blobs/${digest}`)).status).toBe(404);
      await push(api, 'c', bytes);
      expect(digestOf((await ask(api, 'GET', `/v2/c/blobs/${digest}`)).body)).toBe(digest);
    });

    test('a caller who leaves too many uploads open is told so', async () => {
      const limits = { perCaller: 2, inAll: 10, pieces: 10 };
      await using api = await start({ uploads: { limits } });
      const location = await begin(api);
      await begin(api);
      for (const query of ['', `?digest=${digest}`]) {
        const refused = await ask(api, 'POST', `/v2/a/b/blobs/uploads/${query}`, { body: bytes });
        expect([refused.status, refused.code]).toEqual([429, 'TOOMANYREQUESTS']);
        expect(refused.body.toString()).toMatch(/end or cancel some/);
      }
      expect((await ask(api, 'DELETE', location)).status).toBe(204);
      await begin(api);
    });

    test('long names, tags and digests of unknown algorithms work, or are refused as the fault of the client', async () => {
      await using api = await start();
      const slashes = Array.from({ length: 128 }, () => 'a').join('/');
      for (const name of [slashes, `${'a'.repeat(126)}/${'b'.repeat(128)}`]) {
        const body = await manifestBytes(api, name);
        expect((await pushManifest(api, '1', body, name)).status).toBe(201);
        const catalog = await ask(api, 'GET', '/v2/_catalog');
        expect(catalog.body.toString()).toContain(`"${name}"`);
      }
      const body = await manifestBytes(api);
      const tags = ['A'.repeat(128), 'A'.repeat(86), 'A.b_c-'.repeat(21)];
      for (const tag of tags) {
        expect((await pushManifest(api, tag, body)).status).toBe(201);
        expect((await ask(api, 'GET', `/v2/a/b/manifests/${tag}`)).body.equals(body)).toBe(true);
      }
      const listed = await ask(api, 'GET', '/v2/a/b/tags/list');
      expect(JSON.parse(listed.body.toString())).toMatchObject({ tags: [...tags].sort() });
      for (const unknown of [`x:${'A'.repeat(254)}`, `x:${'A'.repeat(90)}`]) {
        const subject = { mediaType: mediaTypes.imageManifest, digest: unknown, size: 2 };
        const refers = await manifestBytes(api, 'a/b', { subject });
        expect((await pushManifest(api, 'refers', refers)).status).toBe(201);
        const list = await ask(api, 'GET', `/v2/a/b/referrers/${unknown}`);
        expect(list.body.toString()).toContain(digestOf(refers));
        for (const kind of ['blobs', 'manifests']) {
          expect((await ask(api, 'GET', `/v2/a/b/${kind}/${unknown}`)).status).toBe(404);
          expect((await ask(api, 'DELETE', `/v2/a/b/${kind}/${unknown}`)).status).toBe(404);
        }
        expect((await pushManifest(api, unknown, body)).code).toBe('DIGEST_INVALID');
      }
      expect(api.failures).toEqual([]);
    });

    const subjectOfMany = { mediaType: mediaTypes.imageManifest, digest, size: 50_000 };

    /** All pages of a list of referrers, as their clients follow them. */
    async function referrerPages(api: Api, query = '') {
      const pages: { artifactType: string; digest: string; annotations?: object }[][] = [];
      for (let path: string | undefined = `/v2/a/b/referrers/${digest}${query}`; path;) {
        const { status, headers, body } = await ask(api, 'GET', path);
        expect(status).toBe(200);
        expect(body.byteLength).toBeLessThan(1.1 * 1024 * 1024);
        expect(headers['oci-filters-applied']).toBe(query === '' ? undefined : 'artifactType');
        pages.push((JSON.parse(body.toString()) as { manifests: (typeof pages)[0] }).manifests);
        path = /^<(.+)>; rel="next"$/.exec(String(headers['link']))?.[1];
      }
      return pages;
    }

    test('referrers come in pages that clients can read, filtered too', async () => {
      await using api = await start();
      const pushed: string[] = [];
      for (let at = 0; at < 9; at += 1) {
        const refers = await manifestBytes(api, 'a/b', {
          subject: subjectOfMany,
          artifactType: at % 3 === 0 ? 'x/third' : 'x/other',
          annotations: { text: 'x'.repeat(400_000), at: String(at) },
        });
        pushed.push(digestOf(refers));
        expect((await pushManifest(api, digestOf(refers), refers)).status).toBe(201);
      }
      const pages = await referrerPages(api);
      expect(pages.map(({ length }) => length)).toEqual([2, 2, 2, 2, 1]);
      expect(pages.flat().map((entry) => entry.digest)).toEqual([...pushed].sort());
      const third = (await referrerPages(api, '?artifactType=x%2Fthird')).flat();
      expect(third.map((entry) => entry.digest)).toEqual(
        pushed.filter((_, at) => at % 3 === 0).sort(),
      );
      const bad = await ask(api, 'GET', `/v2/a/b/referrers/${digest}?last=x`);
      expect([bad.status, bad.code]).toEqual([400, 'DIGEST_INVALID']);
    });

    test('our client reads thousands of referrers, filtered too', async () => {
      await using api = await start();
      const name = parseRepositoryName('a/b');
      for (let at = 0; at < referrers; at += 1) {
        const artifactType = at % 100 === 0 ? 'x/rare' : 'x/usual';
        const { imageIndex: mediaType } = mediaTypes;
        const annotations = { at: String(at) };
        const index = { schemaVersion: 2, mediaType, artifactType, manifests: [], annotations };
        const body = bytesOf(JSON.stringify({ ...index, subject: subjectOfMany }));
        await api.registry.manifests.put(name, describeManifest(body), { tags: [] });
      }
      const client = createRegistry({ url: api.url });
      const repository = client.repository(name);
      const found = async (options?: { artifactType: string }): Promise<number> => {
        const digests = new Set<string>();
        for await (const entry of repository.listReferrers({ digest }, options))
          digests.add(entry.digest);
        return digests.size;
      };
      expect(await found()).toBe(referrers);
      expect(await found({ artifactType: 'x/rare' })).toBe(referrers / 100);
      await client.close();
    }, 180_000);

    test('annotations that no page holds are refused, and nothing is kept of their manifest', async () => {
      await using api = await start();
      const annotations = { text: 'x'.repeat(1024 * 1024) };
      const refers = await manifestBytes(api, 'a/b', { subject: subjectOfMany, annotations });
      const refused = await pushManifest(api, '1', refers);
      expect([refused.status, refused.code]).toEqual([413, 'SIZE_INVALID']);
      expect(refused.body.toString()).toMatch(/more annotations than a list of referrers can hold/);
      expect((await ask(api, 'GET', `/v2/a/b/manifests/${digestOf(refers)}`)).status).toBe(404);
      expect(await referrerPages(api)).toEqual([[]]);
    });
  });
}
