import type { ObjectStore } from '@oci/cache';
import { type S3ObjectStore, createS3ObjectStore } from '@oci/cache/s3';
import { isOciError } from '@oci/spec-types';
import {
  type FaultyProxy,
  type ProxyFault,
  type S3Service,
  startFaultyProxy,
  startVersitygw,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  type Operation,
  collectAll,
  fill,
  known,
  operations,
} from '../../test/hosted-operations.js';
import { expectEitherOf, expectNamesLead, stateOf } from '../../test/hosted-state.js';
import { createHostedRegistry } from './hosted-registry.js';

/** Each takes some seconds, in which a client asks again. */
const patience = 120_000;

/** What a bucket does to the requests of an operation, by their count. */
const faults: Readonly<Record<string, (count: number) => ProxyFault>> = {
  'answers every second request by 503': (count) => (count % 2 === 1 ? { status: 503 } : 'none'),
  'answers every second request by 500': (count) => (count % 2 === 1 ? { status: 500 } : 'none'),
  'resets every second connection': (count) => (count % 2 === 1 ? 'reset' : 'none'),
  'loses every second answer': (count) => (count % 2 === 1 ? 'answer lost' : 'none'),
  'loses two answers of three': (count) => (count % 3 === 0 ? 'none' : 'answer lost'),
};

/** Who is told that the storage failed may ask again. */
function refusal(error: unknown): string {
  const isTold = isOciError(error, 'STORAGE_FAILED') && error.retryable;
  return isTold ? 'asked to come again' : 'another failure';
}

describePeer('versitygw', 'a bucket that fails', () => {
  let gateway: S3Service;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  interface Prepared extends AsyncDisposable {
    readonly proxy: FaultyProxy;
    /** Through the proxy. */
    readonly store: S3ObjectStore;
    readonly direct: ObjectStore;
  }

  async function prepared({ prepare }: Operation): Promise<Prepared> {
    const proxy = await startFaultyProxy(gateway.endpoint);
    const { region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const storeAt = (endpoint: string): S3ObjectStore =>
      createS3ObjectStore({
        bucket,
        connection: { endpoint, region, credentials, pathStyle: true },
      });
    const [direct, store] = [storeAt(gateway.endpoint), storeAt(proxy.endpoint)];
    const registry = createHostedRegistry(direct);
    await fill(registry);
    await prepare?.(registry, direct);
    return {
      proxy,
      store,
      direct,
      async [Symbol.asyncDispose]() {
        for (const each of [direct, store]) each.close();
        await proxy.close();
      },
    };
  }

  /** What the operation leads to where nothing fails. */
  async function stateBehind(operation: Operation) {
    await using bucket = await prepared(operation);
    const before = await stateOf(createHostedRegistry(bucket.direct), known);
    await operation.run(createHostedRegistry(bucket.store));
    const { requests } = bucket.proxy;
    const after = await stateOf(createHostedRegistry(bucket.direct), known);
    return { before, after, requests: requests.length };
  }

  describe.each(Object.entries(operations))('%s', (_, operation) => {
    test.each(Object.entries(faults))(
      'is done when it is asked for again, in a bucket that %s',
      async (_, decide) => {
        const { before, after } = await stateBehind(operation);
        await using bucket = await prepared(operation);
        bucket.proxy.breakBy((_, count) => decide(count));
        for (let attempt = 1, isDone = false; !isDone; attempt += 1) {
          isDone = await operation.run(createHostedRegistry(bucket.store)).then(
            () => true,
            (error: unknown) => {
              if (refusal(error) === 'another failure') throw error;
              return false;
            },
          );
          const state = await stateOf(createHostedRegistry(bucket.direct), known);
          expectEitherOf(state, [before, after]);
          expectNamesLead(state);
          expect(attempt).toBeLessThan(20);
        }
        expect(await stateOf(createHostedRegistry(bucket.direct), known)).toEqual(after);
        expect(await collectAll(bucket.direct)).toEqual([]);
      },
      patience,
    );

    test(
      'fails, and is done later, when the bucket goes down at any of its requests',
      async () => {
        const { before, after, requests } = await stateBehind(operation);
        const downAt = async (at: number): Promise<void> => {
          await using bucket = await prepared(operation);
          bucket.proxy.breakBy((_, count) => (count >= at ? 'reset' : 'none'));
          const outcome = await operation.run(createHostedRegistry(bucket.store)).catch(refusal);
          expect(outcome).not.toBe('another failure');
          const state = await stateOf(createHostedRegistry(bucket.direct), known);
          expectEitherOf(state, [before, after]);
          expectNamesLead(state);
          bucket.proxy.breakBy(() => 'none');
          await operation.run(createHostedRegistry(bucket.store));
          expect(await stateOf(createHostedRegistry(bucket.direct), known)).toEqual(after);
          expect(await collectAll(bucket.direct)).toEqual([]);
        };
        const all = Array.from({ length: requests }, (_, at) => at + 1);
        expect(all.length).toBeGreaterThan(0);
        await Promise.all(all.map((at) => downAt(at)));
      },
      patience,
    );
  });
});
