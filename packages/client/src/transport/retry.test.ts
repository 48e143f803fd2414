import { OciError, abortError, isAbort } from '@oci/spec-types';
import { expect, test } from 'vitest';

import type { Exchange, RegistryRequest, RegistryResponse } from './exchange.js';
import { retry } from './retry.js';
import { type RetryPolicy, defaultRetryPolicy } from './retry-policy.js';

type Step = number | { readonly status: number; readonly retryAfter: string } | OciError;

interface Script {
  readonly exchange: Exchange;
  readonly delays: number[];
  readonly sent: RegistryRequest[];
  readonly policy: RetryPolicy;
}

/** An exchange that answers one step after another, and a policy that notes its pauses. */
function script(steps: readonly Step[], change: Partial<RetryPolicy> = {}): Script {
  const sent: RegistryRequest[] = [];
  const delays: number[] = [];
  const exchange: Exchange = async (request) => {
    const step = steps[Math.min(sent.length, steps.length - 1)] ?? 200;
    sent.push(request);
    if (step instanceof OciError) throw step;
    return typeof step === 'number'
      ? response(step)
      : response(step.status, { 'retry-after': step.retryAfter });
  };
  const delay = async (milliseconds: number): Promise<void> => void delays.push(milliseconds);
  const policy = { ...defaultRetryPolicy, delay, random: () => 1, ...change };
  return { exchange, delays, sent, policy };
}

function response(status: number, headers: Record<string, string> = {}): RegistryResponse {
  const body = {
    dump: async () => {},
    destroy: () => {},
    async *[Symbol.asyncIterator]() {
      yield* [];
    },
  };
  return { status, headers, body, url: new URL('https://registry.example/v2/'), attempts: 1 };
}

const get: RegistryRequest = {
  method: 'GET',
  url: new URL('https://registry.example/v2/'),
  headers: {},
  scopes: [],
};
const networkError = new OciError('NETWORK', 'the line is cut', {
  retryable: true,
  hint: 'mend it',
});

test.each([408, 425, 429, 500, 502, 503, 504])('sends a GET again after %i', async (status) => {
  const { exchange, policy, delays } = script([status, status, 200]);
  expect(await retry(exchange, policy)(get)).toMatchObject({ status: 200, attempts: 3 });
  expect(delays).toEqual([200, 400]);
});

test.each([200, 206, 301, 400, 401, 403, 404, 405, 413, 416, 501])(
  'does not send a GET again after %i',
  async (status) => {
    const { exchange, policy, sent } = script([status]);
    expect(await retry(exchange, policy)(get)).toMatchObject({ status, attempts: 1 });
    expect(sent).toHaveLength(1);
  },
);

test('gives the last answer after five attempts', async () => {
  const { exchange, policy, delays } = script([503]);
  expect(await retry(exchange, policy)(get)).toMatchObject({ status: 503, attempts: 5 });
  expect(delays).toEqual([200, 400, 800, 1600]);
});

test('sends again after a network failure, and says how often it tried', async () => {
  const { exchange, policy } = script([networkError, networkError, 200]);
  expect(await retry(exchange, policy)(get)).toMatchObject({ status: 200, attempts: 3 });
  const always = script([networkError]);
  await expect(retry(always.exchange, always.policy)(get)).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'the line is cut (5 attempts)',
    hint: 'mend it',
    cause: networkError,
  });
});

test('does not send again what fails for good', async () => {
  const { exchange, policy, sent } = script([new OciError('TLS', 'not trusted')]);
  await expect(retry(exchange, policy)(get)).rejects.toMatchObject({ code: 'TLS' });
  expect(sent).toHaveLength(1);
});

async function* stream(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('once');
}

test.each<[string, Partial<RegistryRequest>, number]>([
  ['POST', { method: 'POST' }, 1],
  ['stream', { method: 'PUT', body: stream() }, 1],
  ['PUT of bytes', { method: 'PUT', body: Buffer.from('bytes') }, 5],
  ['DELETE', { method: 'DELETE' }, 5],
])('sends a %s %#: at most so often', async (_, change, times) => {
  const { exchange, policy, sent } = script([503]);
  await retry(exchange, policy)({ ...get, ...change });
  expect(sent).toHaveLength(times);
});

test('leaves the time that Retry-After asks for to the pace of the host', async () => {
  const { exchange, policy, delays } = script([{ status: 429, retryAfter: '3' }, 200]);
  expect(await retry(exchange, policy)(get)).toMatchObject({ status: 200, attempts: 2 });
  expect(delays).toEqual([]);
});

test('being put off is no attempt, and ends one day', async () => {
  const putOff = { status: 429, retryAfter: '1' };
  const patient = script([...Array.from({ length: 20 }, () => putOff), 500, 500, 500, 500, 200]);
  expect(await retry(patient.exchange, patient.policy)(get)).toMatchObject({ status: 200 });
  const endless = script([putOff]);
  expect(await retry(endless.exchange, endless.policy)(get)).toMatchObject({ status: 429 });
  expect(endless.sent).toHaveLength(21);
});

test('pauses as usual when Retry-After asks for nothing', async () => {
  const { exchange, policy, delays } = script([{ status: 429, retryAfter: '0' }, 200]);
  await retry(exchange, policy)(get);
  expect(delays).toEqual([200]);
});

test.each<[string, Step, number]>([
  ['429', 429, 5],
  ['503 with Retry-After', { status: 503, retryAfter: '1' }, 21],
  ['503', 503, 1],
  ['500 with Retry-After', { status: 500, retryAfter: '1' }, 1],
  ['a network failure', networkError, 1],
])('sends a POST that was answered with %s so often as it is safe', async (_, step, times) => {
  const { exchange, policy, sent } = script([step]);
  await retry(exchange, policy)({ ...get, method: 'POST' }).catch(() => {});
  expect(sent).toHaveLength(times);
});

test('fails at once when Retry-After asks for more than is allowed', async () => {
  const { exchange, policy, sent, delays } = script([{ status: 503, retryAfter: '61' }, 200]);
  await expect(retry(exchange, policy)(get)).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterMs: 61_000,
    retryable: true,
  });
  expect([sent.length, delays]).toEqual([1, []]);
});

test('stops waiting when the signal fires', async () => {
  const controller = new AbortController();
  const { exchange, sent } = script([503]);
  const policy: RetryPolicy = {
    ...defaultRetryPolicy,
    baseDelayMs: 3_600_000,
    maxDelayMs: 3_600_000,
    random: () => 1,
  };
  const request = { ...get, signal: controller.signal, onEvent: () => controller.abort() };
  await expect(retry(exchange, policy)(request)).rejects.toMatchObject({ code: 'ABORTED' });
  expect(sent).toHaveLength(1);
});

test('the time limit of a caller that passes in a later attempt is told as in the first', async () => {
  const limit = abortError(AbortSignal.abort(new DOMException('too long', 'TimeoutError')));
  const { exchange, policy, sent } = script([503, limit]);
  const error: unknown = await retry(exchange, policy)(get).catch((thrown: unknown) => thrown);
  expect(error).toBe(limit);
  expect(isAbort(error)).toBe(true);
  expect(sent).toHaveLength(2);
});
