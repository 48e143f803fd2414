import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';

import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { collect, image, randomBytes, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { tracedOperation } from './diagnostics.js';
import { createRegistry } from './registry.js';

const name = parseRepositoryName('a/b');
const tag = parseTag('1.0.0');

interface Heard {
  readonly spans: { readonly phase: string; readonly trace: Record<string, unknown> }[];
  readonly [Symbol.dispose]: () => void;
}

/** Listens to a channel and keeps what it hears. */
function listen(channel: string): Heard {
  const spans: Heard['spans'] = [];
  const keep = (phase: string) => (trace: object) => spans.push({ phase, trace: { ...trace } });
  const subscribers = {
    start: keep('start'),
    end: () => {},
    asyncStart: () => {},
    asyncEnd: keep('end'),
    error: keep('error'),
  };
  const tracing = tracingChannel(channel);
  tracing.subscribe(subscribers);
  return { spans, [Symbol.dispose]: () => tracing.unsubscribe(subscribers) };
}

test('an operation is a span, and each of its requests is one within', async () => {
  await using registry = await startRegistry();
  registry.putArtifact(name, tag, image());
  registry.fault({ path: '/manifests/', status: 503, times: 1 });
  const client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  const current = new AsyncLocalStorage<object>();
  const { start } = tracingChannel('oci:client:operation');
  start.bindStore(current, (trace) => trace);
  const within: unknown[] = [];
  using operations = listen('oci:client:operation');
  using attempts = listen('oci:client:attempt');
  const attempt = tracingChannel('oci:client:attempt').start;
  const note = (): void => void within.push(current.getStore());
  attempt.subscribe(note);
  await client.repository(name).fetch(tag);
  attempt.unsubscribe(note);
  start.unbindStore(current);

  const operation = {
    operation: 'fetch',
    registry: registry.url,
    repository: name,
    reference: tag,
  };
  expect(operations.spans).toEqual([
    { phase: 'start', trace: operation },
    { phase: 'end', trace: operation },
  ]);
  const request = {
    method: 'GET',
    url: `${registry.url}/v2/${name}/manifests/${tag}`,
    host: registry.host,
  };
  expect(attempts.spans).toEqual([
    { phase: 'start', trace: request },
    { phase: 'end', trace: { ...request, status: 503 } },
    { phase: 'start', trace: request },
    { phase: 'end', trace: { ...request, status: 200 } },
  ]);
  expect(within).toMatchObject([operation, operation]);
  await client.close();
});

test('a failure is told, and reaches the caller as it is', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url });
  using operations = listen('oci:client:operation');
  await expect(client.repository(name).fetch(tag)).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
  });
  expect(operations.spans.map(({ phase }) => phase)).toEqual(['start', 'error', 'end']);
  expect(operations.spans[1]?.trace['error']).toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  await client.close();
});

test('a list is a span to its end, also when its reader leaves', async () => {
  await using registry = await startRegistry();
  for (const each of ['1', '2', '3']) registry.putArtifact(name, each, image());
  const client = createRegistry({ url: registry.url });
  using operations = listen('oci:client:operation');
  for await (const each of client.repository(name).listTags()) if (each === '2') break;
  await new Promise(setImmediate);
  expect(operations.spans.map(({ phase }) => phase)).toEqual(['start', 'end']);
  await client.close();
});

test('no signed address and no content is shown', async () => {
  await using storage = await startRegistry();
  await using registry = await startRegistry();
  const bytes = randomBytes(500, 1000);
  const blob = registry.putBlob(name, bytes);
  storage.putBlob(name, bytes);
  registry.fault({ path: '/blobs/', redirect: (path) => `${storage.url}${path}?signature=secret` });
  const client = createRegistry({ url: registry.url });
  using operations = listen('oci:client:operation');
  using attempts = listen('oci:client:attempt');
  await collect(await client.repository(name).fetchBlob(blob));
  expect(attempts.spans).toHaveLength(4);
  expect(JSON.stringify([operations.spans, attempts.spans])).not.toContain('secret');
  expect(operations.spans.every(({ trace }) => trace['result'] === undefined)).toBe(true);
  await client.close();
});

test('when nobody listens there is nothing between the caller and the work', () => {
  const trace = { operation: 'x', registry: 'x', repository: 'x' };
  const promise = Promise.resolve(1);
  expect(tracedOperation(trace, () => promise)).toBe(promise);
});
