import { mkdir, readdir, rm, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { mediaTypes, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type SmallDisk,
  type TemporaryDirectory,
  bytesOf,
  canMount,
  inChunks,
  mountDisk,
  randomBytes,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { collectAll } from '../../test/hosted-operations.js';
import { type RunningServer, startServer } from '../server.js';
import { createHostedRegistry } from './hosted-registry.js';
import { keys } from './keys.js';

const mebibyte = 1024 * 1024;
const isPossible = canMount();

const kept = randomBytes(1, mebibyte);
const small = bytesOf('a few bytes');
const layer = { mediaType: 'a/b', digest: digestOf(kept), size: kept.byteLength };
const { imageManifest: mediaType } = mediaTypes;
const manifestOf = (note: string) =>
  bytesOf(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: layer,
      layers: [],
      annotations: { note },
    }),
  );

describe.skipIf(!isPossible)(
  `hosted repositories on a disk of 32 MiB${isPossible ? '' : ' (needs the right to mount)'}`,
  () => {
    let work: TemporaryDirectory;
    let disk: SmallDisk;
    let server: RunningServer | undefined;
    let root: string;
    let filler: string;

    beforeEach(async () => {
      work = await temporaryDirectory();
      root = join(work.path, 'disk');
      filler = join(root, 'somebody-elses');
      await mkdir(root);
      disk = mountDisk(root, 32);
      server = await startServer({
        listen: { host: '127.0.0.1', port: 0 },
        dataDir: join(root, 'registry'),
        manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
        logLevel: 'silent',
      });
      await push(kept);
      await putManifest('1');
    });
    afterEach(async () => {
      await server?.close();
      disk.unmount();
      await work.remove();
    });

    async function send(method: string, path: string, body?: Uint8Array) {
      const answer = await fetch(`${server?.url}${path}`, {
        method,
        ...(body && { body: Buffer.from(body), headers: { 'content-type': mediaType } }),
      });
      const text = Buffer.from(await answer.arrayBuffer());
      return {
        status: answer.status,
        headers: answer.headers,
        bytes: new Uint8Array(text),
        text: text.toString(),
      };
    }
    const push = (bytes: Uint8Array) =>
      send('POST', `/v2/a/blobs/uploads/?digest=${digestOf(bytes)}`, bytes);
    const putManifest = (tag: string, note = tag) =>
      send('PUT', `/v2/a/manifests/${tag}`, manifestOf(note));

    async function usedBytes(): Promise<number> {
      const { blocks, bfree, bsize } = await statfs(root);
      return (blocks - bfree) * bsize;
    }

    /** Records are small; content that nobody asked for is not. */
    async function expectNothingMore(before: number): Promise<void> {
      expect((await usedBytes()) - before).toBeLessThan(mebibyte / 8);
      expect(await readdir(join(root, 'registry', '.tmp'))).toEqual([]);
    }

    async function expectReads(): Promise<void> {
      const manifest = await send('GET', '/v2/a/manifests/1');
      expect(manifest.bytes).toEqual(manifestOf('1'));
      const blob = await send('GET', `/v2/a/blobs/${layer.digest}`);
      expect(digestOf(blob.bytes)).toBe(layer.digest);
    }

    test('a blob that there is no room for is answered with 507, and leaves nothing', async () => {
      const large = randomBytes(2, 40 * mebibyte);
      const before = await usedBytes();
      const whole = await push(large);
      expect(whole.status).toBe(507);
      expect(whole.text).toContain('the registry has no space left');
      await expectNothingMore(before);

      const begun = await send('POST', '/v2/a/blobs/uploads/');
      const location = begun.headers.get('location') ?? '';
      expect((await send('PATCH', location, small)).status).toBe(202);
      expect((await send('PATCH', location, large)).status).toBe(507);
      await expectNothingMore(before);
      // The client may go on with what there is room for.
      expect((await send('GET', location)).headers.get('range')).toBe(`0-${small.byteLength - 1}`);
      expect((await send('PUT', `${location}?digest=${digestOf(small)}`)).status).toBe(201);
      await expectReads();
    });

    test('pieces that there is no room to join are answered with 507, and leave nothing', async () => {
      const before = await usedBytes();
      const large = randomBytes(3, 18 * mebibyte);
      const begun = await send('POST', '/v2/a/blobs/uploads/');
      const location = begun.headers.get('location') ?? '';
      for (let at = 0; at < large.byteLength; at += 9 * mebibyte)
        expect((await send('PATCH', location, large.subarray(at, at + 9 * mebibyte))).status).toBe(
          202,
        );
      expect((await send('PUT', `${location}?digest=${digestOf(large)}`)).status).toBe(507);
      await expectNothingMore(before);
    });

    test('with no byte left, pushes are refused, reads go on, and deletions make room', async () => {
      const another = await push(randomBytes(4, 2 * mebibyte));
      expect(another.status).toBe(201);
      const blob = another.headers.get('docker-content-digest') ?? '';
      await disk.fill(filler);
      const refused = [
        await push(small),
        await push(randomBytes(5, mebibyte)),
        await send('POST', '/v2/a/blobs/uploads/'),
        await send('POST', `/v2/b/blobs/uploads/?mount=${layer.digest}&from=a`),
        await putManifest('2'),
        await putManifest('1', 'moved'),
        await putManifest('other', '1'),
      ];
      expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 507));
      // There is room for the bytes of a blob, and for one of its records or none.
      for (const more of [0, 4096]) {
        await truncate(filler, (await stat(filler)).size - mebibyte - more);
        const used = await usedBytes();
        expect((await push(randomBytes(5, mebibyte))).status).toBe(507);
        expect(await usedBytes()).toBe(used);
        await disk.fill(filler);
      }
      expect((await send('GET', '/readyz')).status).toBe(503);
      await expectReads();
      expect((await send('GET', '/v2/a/tags/list')).text).toContain('["1"]');
      await disk.fill(filler);

      const before = await usedBytes();
      expect((await send('DELETE', `/v2/a/blobs/${blob}`)).status).toBe(202);
      expect(before - (await usedBytes())).toBeGreaterThanOrEqual(2 * mebibyte);
      await disk.fill(filler);
      const digest = digestOf(manifestOf('1'));
      expect((await send('DELETE', `/v2/a/manifests/${digest}`)).status).toBe(202);
      expect((await send('GET', '/v2/a/manifests/1')).status).toBe(404);
      await disk.fill(filler);
      expect((await send('DELETE', `/v2/a/blobs/${layer.digest}`)).status).toBe(202);
      await rm(filler);
      expect((await push(small)).status).toBe(201);
      expect((await push(kept)).status).toBe(201);
      expect((await putManifest('1')).status).toBe(201);
      await expectReads();
      expect((await send('GET', '/readyz')).status).toBe(200);
    });

    test('expiry and collection work with no byte left', async () => {
      await server?.close();
      server = undefined;
      const store = createFileObjectStore(join(root, 'registry'), { isExclusive: true });
      const { uploads } = createHostedRegistry(store);
      const name = parseRepositoryName('a');
      const use = { name, session: await uploads.begin(name, 'me') };
      const piece = () => inChunks(randomBytes(6, 2 * mebibyte), 100_000);
      await uploads.use(use, async (upload) => upload?.append(piece()));
      await store.put(keys.data('0'.repeat(32)), piece());
      const content = randomBytes(7, 2 * mebibyte);
      const digest = digestOf(content);
      await uploads.put({ name, owner: 'me' }, { digest, body: inChunks(content, 100_000) });
      await store.delete(keys.link(digest, name));
      await disk.fill(filler);
      const before = await usedBytes();
      expect(await collectAll(store)).toEqual([]);
      expect(before - (await usedBytes())).toBeGreaterThanOrEqual(6 * mebibyte);
      await rm(filler);
    });
  },
);
