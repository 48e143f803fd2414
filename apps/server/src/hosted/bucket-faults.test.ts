import type { ObjectStore } from '@oci/cache';
import { type S3ObjectStore, createS3ObjectStore } from '@oci/cache/s3';
import { isOciError } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type FaultyProxy,
  type ProxyFault,
  type S3Service,
  bytesOf,
  startFaultyProxy,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startOnBucket } from '../../test/bucket-servers-suite.js';
import {
  type Operation,
  collectAll,
  fill,
  known,
  operations,
} from '../../test/hosted-operations.js';
import { expectEitherOf, expectNamesLead, stateOf } from '../../test/hosted-state.js';
import { createHostedRegistry } from './hosted-registry.js';

/** Some seconds on a busy machine; each request that fails is sent again after a pause. */
const patience = 60_000;

/** Those that write one record after another; memory with faults has all of them, see faults.test.ts. */
const chosen = [
  'a blob pushed by POST, PATCH and PUT',
  'a manifest pushed with a new tag and one that moves',
  'a manifest deleted with two tags',
] as const;

/** Faults of every second request: what is sent again comes through. */
const faults: Readonly<Record<string, readonly ProxyFault[]>> = {
  'answers by 500 and 503': [{ status: 500 }, { status: 503 }],
  'resets connections': ['reset'],
  'loses answers': ['answer lost'],
};

describePeer('versitygw', 'a bucket that fails', () => {
  let gateway: S3Service;
  let proxy: FaultyProxy;
  beforeAll(async () => {
    gateway = await startVersitygw();
    proxy = await startFaultyProxy(gateway.endpoint);
  });
  afterAll(async () => {
    await proxy.close();
    await gateway.close();
  });

  interface Prepared extends Disposable {
    /** Through the proxy. */
    readonly store: S3ObjectStore;
    readonly direct: ObjectStore;
  }

  async function prepared({ prepare }: Operation, answerMs?: number): Promise<Prepared> {
    proxy.breakBy(() => 'none');
    const { region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const storeAt = (endpoint: string): S3ObjectStore => {
      const deadlines = { answerMs, contentMs: answerMs };
      const connection = { endpoint, region, credentials, pathStyle: true, deadlines };
      return createS3ObjectStore({ bucket, connection });
    };
    const [direct, store] = [storeAt(gateway.endpoint), storeAt(proxy.endpoint)];
    const registry = createHostedRegistry(direct);
    await fill(registry);
    await prepare?.(registry, direct);
    return {
      store,
      direct,
      [Symbol.dispose]() {
        for (const each of [direct, store]) each.close();
      },
    };
  }

  const stateIn = (store: ObjectStore) => stateOf(createHostedRegistry(store), known);

  /** What an operation leads to where nothing fails. */
  async function statesAround(operation: Operation) {
    using bucket = await prepared(operation);
    const before = await stateIn(bucket.direct);
    const begun = proxy.requests.length;
    await operation.run(createHostedRegistry(bucket.store));
    const requests = proxy.requests.length - begun;
    return { before, after: await stateIn(bucket.direct), requests };
  }

  /** Runs an operation as a client that asks again when it is told to. */
  async function attempt(operation: Operation, store: ObjectStore): Promise<boolean> {
    try {
      await operation.run(createHostedRegistry(store));
      return true;
    } catch (error) {
      if (isOciError(error, 'STORAGE_FAILED') && error.retryable) return false;
      throw error;
    }
  }

  describe.each(chosen.map((name) => [name, operations[name] as Operation] as const))(
    '%s',
    (_, operation) => {
      test.each(Object.entries(faults))(
        'is done in a bucket that %s, at once or when it is asked for again',
        async (_, some) => {
          const { before, after } = await statesAround(operation);
          using bucket = await prepared(operation);
          const all = some.flatMap((fault) => [fault, 'none' as const]);
          proxy.breakBy((_, count) => all[(count - 1) % all.length] ?? 'none');
          let attempts = 0;
          for (let isDone = false; !isDone; attempts += 1) {
            expect(attempts).toBeLessThan(10);
            isDone = await attempt(operation, bucket.store);
            const state = await stateIn(bucket.direct);
            expectEitherOf(state, [before, after]);
            expectNamesLead(state);
          }
          expect(await stateIn(bucket.direct)).toEqual(after);
          expect(await collectAll(bucket.direct)).toEqual([]);
        },
        patience,
      );

      test.each([
        ['goes down', 'reset' as const],
        ['does not answer any more', 'silent' as const],
        ['stops in its answers', 'answer stops' as const],
      ])(
        'fails in a bucket that %s in its middle, and is done later',
        async (_, fault) => {
          const { before, after, requests } = await statesAround(operation);
          // A request that is late although nothing is broken yet is sent again.
          using bucket = await prepared(operation, fault === 'reset' ? undefined : 500);
          const middle = Math.ceil(requests / 2);
          proxy.breakBy((_, count) => (count >= middle ? fault : 'none'));
          expect(await attempt(operation, bucket.store)).toBe(false);
          const state = await stateIn(bucket.direct);
          expectEitherOf(state, [before, after]);
          expectNamesLead(state);
          await operation.run(createHostedRegistry(bucket.direct));
          expect(await stateIn(bucket.direct)).toEqual(after);
          expect(await collectAll(bucket.direct)).toEqual([]);
        },
        patience,
      );
    },
  );

  test(
    'has a server answer 503 with Retry-After, count the failed push, and serve again later',
    async () => {
      proxy.breakBy(() => 'none');
      const work = await temporaryDirectory();
      const bucket = await gateway.createBucket();
      const service = { ...gateway, endpoint: proxy.endpoint };
      const server = await startOnBucket(work.path, service, { bucket });
      const content = bytesOf('some bytes');
      const push = () => {
        const query = `digest=${digestOf(content)}`;
        const body = Buffer.from(content);
        return fetch(`${server.url}/v2/a/blobs/uploads/?${query}`, { method: 'POST', body });
      };
      const pull = () => fetch(`${server.url}/v2/a/blobs/${digestOf(content)}`);
      proxy.breakBy(() => 'reset');
      for (const answer of [await push(), await pull()]) {
        expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
        expect(await answer.json()).toMatchObject({
          errors: [{ message: 'the storage of the registry does not answer: try again' }],
        });
      }
      proxy.breakBy(() => 'none');
      expect((await push()).status).toBe(201);
      expect(await (await pull()).text()).toBe('some bytes');
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toMatch(/oci_pushes_total\{kind="blob",result="failed"\} 1/);
      await server.close();
      await work.remove();
    },
    patience,
  );
});
