import { expect, test } from 'vitest';

import { signatureHeaders } from './signature.js';

/** The example of the specification of Standard Webhooks. */
const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
const message = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
};

test('signs as the specification does', () => {
  expect(signatureHeaders(message, [secret])).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('signs with both secrets while one takes the place of the other', () => {
  const headers = signatureHeaders(message, [Buffer.alloc(32, 1), secret]);
  const [first, second] = String(headers['webhook-signature']).split(' ');
  expect(second).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  expect(first).toMatch(/^v1,[\w+/]{43}=$/);
});
