import { digestOf } from '@oci/spec-types/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { image } from '../artifact/image.js';
import { bytesOf } from '../bytes.js';
import { type TestRegistry, startRegistry } from './test-registry.js';

const artifact = image();
const { descriptor, bytes } = artifact.manifest;
const blob = bytesOf('0123456789');
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
  registry.putArtifact('team/app', 'latest', artifact);
  registry.putBlob('team/app', blob);
});
afterAll(async () => registry.close());

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${registry.url}${path}`, init);

describe('manifests', () => {
  test.each(['latest', descriptor.digest])('come byte for byte for %s', async (reference) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await ask(`/v2/team/app/manifests/${reference}`, { method });
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'content-type': descriptor.mediaType,
        'content-length': String(descriptor.size),
        'docker-content-digest': descriptor.digest,
      });
      const body = new Uint8Array(await response.arrayBuffer());
      expect(body).toEqual(method === 'GET' ? bytes : new Uint8Array());
    }
  });

  test.each([
    ['team/app/manifests/missing', 404, 'MANIFEST_UNKNOWN'],
    [`team/app/manifests/${digestOf(blob)}`, 404, 'MANIFEST_UNKNOWN'],
    ['nobody/manifests/latest', 404, 'MANIFEST_UNKNOWN'],
    ['team/app/manifests/sha256:abc', 400, 'DIGEST_INVALID'],
    ['team/app/manifests/-bad', 400, 'TAG_INVALID'],
    ['Team/manifests/latest', 400, 'NAME_INVALID'],
    [`team/app/blobs/${descriptor.digest}`, 404, 'BLOB_UNKNOWN'],
    ['nobody/tags/list', 404, 'NAME_UNKNOWN'],
  ])('%s is answered with %d %s', async (path, status, code) => {
    const response = await ask(`/v2/${path}`);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ code }] });
  });
});

describe('blobs', () => {
  test.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=8-100', 206, '89', 'bytes 8-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=5-2', 200, '0123456789', null],
    ['bytes=0-1,3-4', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('answer the range %s with %d', async (range, status, text, contentRange) => {
    const response = await ask(`/v2/team/app/blobs/${digestOf(blob)}`, { headers: { range } });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(text);
    expect(response.headers.get('content-range')).toBe(contentRange);
  });

  test('answer a range of another version with all of it', async () => {
    const headers = { range: 'bytes=1-2', 'if-range': '"other"' };
    const response = await ask(`/v2/team/app/blobs/${digestOf(blob)}`, { headers });
    expect(response.status).toBe(200);
  });

  test('come for a digest with an escaped colon', async () => {
    const response = await ask(`/v2/team/app/blobs/${digestOf(blob).replace(':', '%3A')}`);
    expect(await response.text()).toBe('0123456789');
  });
});

test('paths that are none of the API are not found, and broken escapes too', async () => {
  for (const path of ['/', '/v1/', '/v2/x', '/v2/%zz/manifests/latest']) {
    expect((await ask(path)).status).toBe(404);
  }
  expect((await ask('/v2/')).status).toBe(200);
});
