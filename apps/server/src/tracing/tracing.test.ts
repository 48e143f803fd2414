import { kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, expect, test } from 'vitest';

const exporter = new InMemorySpanExporter();
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject: () => {},
    extract: (from, carrier, getter) => {
      const [, traceId = '', spanId = ''] = String(getter.get(carrier, 'traceparent')).split('-');
      return trace.setSpanContext(from, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
  });
});
afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

test('a trace goes from the request of the client to every attempt at the registry', async () => {
  const { startServer } = await import('../server.js');
  await using directory = await temporaryDirectory();
  const upstream = await startRegistry();
  upstream.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  upstream.fault({ path: '/manifests/', status: 503, times: 1 });
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: {
      registryUrl: upstream.url,
      namespace: 'extensions',
      cacheDir: `${directory.path}/cache`,
      connection: { retry: { attempts: 2, baseDelayMs: 1 } },
    },
  });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const answer = await fetch(`${server.url}/api/v1/oci/pull/kcl`, {
    method: 'POST',
    body: JSON.stringify({ name: 'demo', version: '1.0.0' }),
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
  });
  expect(answer.status).toBe(200);
  await server.close();
  await upstream.close();
  const spans = exporter.getFinishedSpans();
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
  const request = spans.find(({ name }) => name === 'POST');
  expect(request?.attributes).toMatchObject({
    'url.path': '/api/v1/oci/pull/kcl',
    'http.response.status_code': 200,
  });
  const attempts = spans.filter((span) => span.attributes['url.full'] !== undefined);
  expect(attempts.map((span) => span.attributes['http.response.status_code'])).toEqual(
    expect.arrayContaining([503, 200]),
  );
  for (const span of attempts)
    expect(span.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
});
