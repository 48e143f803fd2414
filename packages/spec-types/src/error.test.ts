import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import {
  OciError,
  abortError,
  asOciError,
  errorCodes,
  isAbort,
  isOciError,
  throwIfAborted,
} from './index.js';

describe('OciError', () => {
  test('says what happened, what to do, and whether the same call may succeed later', () => {
    const cause = new Error('socket');
    const error = new OciError('NETWORK', 'no answer', {
      hint: 'Try again.',
      cause,
      retryable: true,
      retryAfterMs: 5,
      side: 'source',
      request: { method: 'GET', url: 'https://h/v2/', status: 503, attempts: 2 },
      registryErrors: [{ code: 'DENIED' }],
    });
    expect(error).toMatchObject({
      name: 'OciError',
      code: 'NETWORK',
      message: 'no answer',
      hint: 'Try again.',
      cause,
      retryable: true,
      retryAfterMs: 5,
      side: 'source',
      request: { method: 'GET', url: 'https://h/v2/', status: 503, attempts: 2 },
      registryErrors: [{ code: 'DENIED' }],
    });
    expect(error).toBeInstanceOf(Error);
  });

  test('is not retryable, and has no cause, unless it says so', () => {
    const error = new OciError('INTERNAL', 'x');
    expect(error.retryable).toBe(false);
    expect(error.registryErrors).toEqual([]);
    expect('cause' in error).toBe(false);
  });

  test('keeps no secret in any of its parts', () => {
    const url = 'https://u:S3CRET@h/x?sig=S3CRET';
    const error = new OciError('NETWORK', `GET ${url}`, {
      hint: `Open ${url}`,
      request: { method: 'GET', url: '/v2/x?state=S3CRET', attempts: 1 },
      registryErrors: [{ code: url, message: url, detail: { [url]: [url] } }],
    });
    expect(inspect(error, { depth: 10 })).not.toContain('S3CRET');
    expect(JSON.stringify(error)).not.toContain('S3CRET');
    expect(error.request?.url).toBe('/v2/x?...');
  });

  test('leaves out what a registry did not say', () => {
    const error = new OciError('DENIED', 'x', { registryErrors: [{ code: 'DENIED' }] });
    expect(Object.keys(error.registryErrors[0] ?? {})).toEqual(['code']);
  });

  test('has codes in one order, each once', () => {
    expect([...errorCodes]).toEqual([...new Set(errorCodes)].sort());
  });
});

describe('isOciError', () => {
  const error = new OciError('TIMEOUT', 'x');

  test('narrows by code', () => {
    expect(isOciError(error)).toBe(true);
    expect(isOciError(error, 'TIMEOUT')).toBe(true);
    expect(isOciError(error, 'NETWORK', 'TIMEOUT')).toBe(true);
    expect(isOciError(error, 'NETWORK')).toBe(false);
  });

  test('recognises the error of another copy of this package', () => {
    const other = Object.assign(new Error('x'), { name: 'OciError', code: 'TIMEOUT' });
    expect(isOciError(other, 'TIMEOUT')).toBe(true);
  });

  test.each([
    undefined,
    null,
    'OciError',
    new Error('x'),
    Object.assign(new Error('x'), { code: 'TIMEOUT' }),
    Object.assign(new Error('x'), { name: 'OciError' }),
    Object.assign(new Error('x'), { name: 'OciError', code: 'ENOENT' }),
    { name: 'OciError', code: 'TIMEOUT', message: 'x' },
  ])('is false of %s', (value) => {
    expect(isOciError(value)).toBe(false);
  });
});

describe('asOciError', () => {
  test('leaves an OciError as it is', () => {
    const error = new OciError('DENIED', 'x');
    expect(asOciError(error)).toBe(error);
  });

  test('takes what the calls of Node throw for a signal for its reason', async () => {
    const controller = new AbortController();
    controller.abort();
    expect(asOciError(controller.signal.reason)).toMatchObject({
      code: 'ABORTED',
      retryable: false,
    });
    const timeout = new DOMException('too long', 'TimeoutError');
    expect(asOciError(timeout)).toMatchObject({ code: 'TIMEOUT', cause: timeout });
    const sleeping = sleep(60_000, undefined, { signal: AbortSignal.abort(timeout) });
    expect(asOciError(await sleeping.catch((error: unknown) => error))).toMatchObject({
      code: 'TIMEOUT',
      cause: timeout,
    });
  });

  test.each([
    [new TypeError('x is not a function'), 'x is not a function'],
    ['text', 'text'],
    [null, 'null'],
    [Symbol('s'), 'Symbol(s)'],
    [Object.create(null), 'a thrown object'],
    [() => 1, 'a thrown function'],
  ])('calls %o a defect', (thrown: unknown, message) => {
    expect(asOciError(thrown)).toMatchObject({ code: 'INTERNAL', message, cause: thrown });
    expect(asOciError(thrown).hint).toContain('report');
  });
});

describe('the end of a call by its signal', () => {
  const timeout = new DOMException('too long', 'TimeoutError');

  test('is told by the reason of the signal, is final, and has a hint', () => {
    const own = new OciError('USAGE', 'no');
    const other = new Error('the user has left');
    expect(abortError(AbortSignal.abort(own))).toBe(own);
    for (const [signal, code] of [
      [AbortSignal.abort(timeout), 'TIMEOUT'],
      [AbortSignal.abort(other), 'ABORTED'],
      [AbortSignal.abort('text'), 'ABORTED'],
      [AbortSignal.abort(), 'ABORTED'],
    ] as const) {
      const error = abortError(signal);
      expect(error).toMatchObject({ code, retryable: false, cause: signal.reason });
      expect(error.hint).toBeDefined();
      expect(() => throwIfAborted(signal)).toThrow(error.message);
    }
  });

  test('is told from the slowness of a registry', () => {
    expect(isAbort(abortError(AbortSignal.abort()))).toBe(true);
    expect(isAbort(abortError(AbortSignal.abort(timeout)))).toBe(true);
    expect(isAbort(new OciError('TIMEOUT', 'the registry does not answer'))).toBe(false);
    expect(isAbort(timeout)).toBe(false);
  });
});
