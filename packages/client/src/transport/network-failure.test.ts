import { expect, test } from 'vitest';

import { networkFailure } from './network-failure.js';

const request = { url: new URL('https://registry.example/v2/'), method: 'GET' } as const;

test.each([new TypeError('x is not a function'), new RangeError('x'), new ReferenceError('x')])(
  '%s is a defect and never the network',
  (cause) => {
    expect(networkFailure(cause, request)).toMatchObject({ code: 'INTERNAL', retryable: false });
  },
);

test('a TypeError with the failure of a connection behind it is that failure', () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const cause = new TypeError('fetch failed', { cause: refused });
  expect(networkFailure(cause, request)).toMatchObject({ code: 'NETWORK', retryable: true });
});
