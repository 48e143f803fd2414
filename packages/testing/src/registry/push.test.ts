import { digestOf } from '@oci/spec-types/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { image } from '../artifact/image.js';
import { bytesOf, randomBytes, textOf } from '../bytes.js';
import { type TestRegistry, startRegistry } from './test-registry.js';

const blob = randomBytes(1, 1000);
const digest = digestOf(blob);
let registry: TestRegistry;

beforeEach(async () => {
  registry = await startRegistry();
});
afterEach(async () => registry.close());

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(new URL(path, registry.url), init);

async function begin(query = ''): Promise<string> {
  const response = await ask(`/v2/team/app/blobs/uploads/${query}`, { method: 'POST' });
  expect(response.status).toBe(202);
  return locationOf(response);
}

function locationOf(response: Response): string {
  return response.headers.get('location') ?? '';
}

const stored = (name = 'team/app'): Uint8Array | undefined =>
  registry.repositories.get(name)?.blobs.get(digest);

describe('an upload', () => {
  test('may be a POST and a PUT', async () => {
    const response = await ask(`${await begin()}&digest=${digest}`, { method: 'PUT', body: blob });
    expect(response.status).toBe(201);
    expect(locationOf(response)).toBe(`/v2/team/app/blobs/${digest}`);
    expect(stored()).toEqual(blob);
    expect(registry.openUploads).toBe(0);
  });

  test('may be one POST', async () => {
    const path = `/v2/team/app/blobs/uploads/?digest=${digest}`;
    expect((await ask(path, { method: 'POST', body: blob })).status).toBe(201);
    expect(stored()).toEqual(blob);
  });

  test('may come in chunks, and says how far it is', async () => {
    let location = await begin();
    for (const [first, last] of [
      [0, 299],
      [300, 599],
    ] as const) {
      const response = await ask(location, {
        method: 'PATCH',
        headers: { 'content-range': `${first}-${last}` },
        body: blob.slice(first, last + 1),
      });
      expect([response.status, response.headers.get('range')]).toEqual([202, `0-${last}`]);
      location = locationOf(response);
    }
    const status = await ask(location);
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-599']);
    const headers = { 'content-range': '600-999' };
    const init = { method: 'PUT', headers, body: blob.slice(600) };
    expect((await ask(`${locationOf(status)}&digest=${digest}`, init)).status).toBe(201);
    expect(stored()).toEqual(blob);
  });

  test.each(['PATCH', 'PUT'])('refuses a %s out of order with 416', async (method) => {
    const location = `${await begin()}&digest=${digest}`;
    const headers = { 'content-range': '10-1009' };
    const response = await ask(location, { method, headers, body: blob });
    expect(response.status).toBe(416);
    expect(response.headers.get('range')).toBe('0-0');
  });

  test('refuses a chunk of another length than it says', async () => {
    const headers = { 'content-range': '0-5' };
    expect((await ask(await begin(), { method: 'PATCH', headers, body: blob })).status).toBe(400);
  });

  test('wants the location that was given last', async () => {
    const location = await begin();
    expect((await ask(location, { method: 'PATCH', body: blob })).status).toBe(202);
    const again = await ask(location, { method: 'PATCH', body: blob });
    expect([again.status, await again.json()]).toMatchObject([
      400,
      { errors: [{ code: 'BLOB_UPLOAD_INVALID' }] },
    ]);
  });

  test('refuses other bytes than those of the digest, and is over', async () => {
    const location = await begin();
    const response = await ask(`${location}&digest=${digest}`, {
      method: 'PUT',
      body: bytesOf('other'),
    });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { errors: [{ code: 'DIGEST_INVALID' }] },
    ]);
    expect(stored()).toBeUndefined();
    expect((await ask(location)).status).toBe(404);
  });

  test('can be cancelled', async () => {
    const location = await begin();
    expect((await ask(location, { method: 'DELETE' })).status).toBe(204);
    expect(registry.openUploads).toBe(0);
    expect((await ask(location, { method: 'DELETE' })).status).toBe(404);
  });

  test('is not needed for a blob of another repository', async () => {
    registry.putBlob('base', blob);
    const mount = `/v2/team/app/blobs/uploads/?mount=${digest}&from=base`;
    expect((await ask(mount, { method: 'POST' })).status).toBe(201);
    expect(stored()).toEqual(blob);
  });

  test('begins where a mount is not possible', async () => {
    await begin(`?mount=${digest}&from=nobody`);
    registry.putBlob('base', blob);
    await begin(`?mount=${digest}&from=other`);
    expect(registry.openUploads).toBe(2);
  });
});

describe('a manifest', () => {
  const { manifest, blobs } = image();
  const put = (
    reference: string,
    body: Uint8Array,
    mediaType = manifest.mediaType,
  ): Promise<Response> =>
    ask(`/v2/team/app/manifests/${reference}`, {
      method: 'PUT',
      headers: { 'content-type': mediaType },
      body,
    });

  test('is stored as it is, under its tag and digest', async () => {
    for (const { bytes } of blobs) registry.putBlob('team/app', bytes);
    const body = bytesOf(`\n${textOf(manifest.bytes)}\t`);
    const response = await put('v1', body);
    expect(response.status).toBe(201);
    expect(response.headers.get('docker-content-digest')).toBe(digestOf(body));
    expect(new Uint8Array(await (await ask('/v2/team/app/manifests/v1')).arrayBuffer())).toEqual(
      body,
    );
    expect((await ask(locationOf(response))).status).toBe(200);
  });

  test('is refused while its blobs are missing', async () => {
    const response = await put('v1', manifest.bytes);
    expect(response.status).toBe(400);
    const missing = blobs.map(({ descriptor }) => ({
      code: 'MANIFEST_BLOB_UNKNOWN',
      detail: { digest: descriptor.digest },
    }));
    expect(await response.json()).toEqual({ errors: missing });
  });

  test('is refused under another type, another digest, too long, or no JSON', async () => {
    for (const { bytes } of blobs) registry.putBlob('team/app', bytes);
    const docker = 'application/vnd.docker.distribution.manifest.v2+json';
    expect((await put('v1', manifest.bytes, docker)).status).toBe(400);
    expect((await put(digest, manifest.bytes)).status).toBe(400);
    expect((await put('v1', bytesOf('[]'))).status).toBe(400);
    expect((await put('v1', bytesOf(`{}${' '.repeat(4 * 1024 * 1024)}`))).status).toBe(413);
    expect(registry.repositories.get('team/app')?.manifests.size).toBe(0);
  });

  test('takes several tags when it is pushed by digest', async () => {
    for (const { bytes } of blobs) registry.putBlob('team/app', bytes);
    const response = await put(`${manifest.descriptor.digest}?tag=a&tag=b`, manifest.bytes);
    expect(response.headers.get('oci-tag')).toBe('a, b');
    expect([...(registry.repositories.get('team/app')?.tags.keys() ?? [])]).toEqual(['a', 'b']);
  });
});

describe('deletion', () => {
  const artifact = image();
  const path = `/v2/team/app/manifests/${artifact.manifest.descriptor.digest}`;
  const remove = async (target: string): Promise<number> =>
    (await ask(target, { method: 'DELETE' })).status;

  test('of a tag leaves the manifest, of a manifest takes its tags', async () => {
    registry.putArtifact('team/app', 'a', artifact);
    registry.putArtifact('team/app', 'b', artifact);
    expect(await remove('/v2/team/app/manifests/a')).toBe(202);
    expect((await ask(path)).status).toBe(200);
    expect(await remove(path)).toBe(202);
    expect((await ask('/v2/team/app/manifests/b')).status).toBe(404);
    expect(await remove(path)).toBe(404);
  });

  test('of a blob is final', async () => {
    registry.putBlob('team/app', blob);
    expect(await remove(`/v2/team/app/blobs/${digest}`)).toBe(202);
    expect(await remove(`/v2/team/app/blobs/${digest}`)).toBe(404);
  });

  test('is refused by a registry that keeps everything', async () => {
    await using keeping = await startRegistry({ deletes: false });
    keeping.putArtifact('team/app', 'a', artifact);
    expect((await fetch(`${keeping.url}${path}`, { method: 'DELETE' })).status).toBe(405);
  });
});
