import { testAuthority } from '@oci/testing';
import { expect, test } from 'vitest';

import { ClientCertificates } from './client-certificate.js';

test.each([
  ['no PEM', 'authority'],
  ['a PEM block of something else', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'],
  [
    'a block that is no certificate',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  ],
])('%s is refused as authority, and not taken for one that knows nobody', (_, pem) => {
  expect(() => new ClientCertificates(pem)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('server.client_ca_file'),
    }),
  );
});

test('several authorities stand in one file', async () => {
  const { ca, server } = await testAuthority();
  expect(() => new ClientCertificates(`first\n${ca}second\n${server.cert}`)).not.toThrow();
});
