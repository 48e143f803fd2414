import { inspect } from 'node:util';

import { describe, expect, test } from 'vitest';

import { OciError, asOciError, errorCodes, isOciError } from './index.js';

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

  test('takes the reasons of signals for what they are', () => {
    const controller = new AbortController();
    controller.abort();
    expect(asOciError(controller.signal.reason)).toMatchObject({
      code: 'ABORTED',
      retryable: false,
    });
    const timeout = new DOMException('too long', 'TimeoutError');
    expect(asOciError(timeout)).toMatchObject({ code: 'TIMEOUT', retryable: true, cause: timeout });
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
