import { expect, test } from 'vitest';

import * as client from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(client).sort()).toEqual([
    'RemoteRepository',
    'chainCredentials',
    'createRegistry',
    'defaultDownloadPolicy',
    'defaultLimits',
    'defaultPacePolicy',
    'defaultRetryPolicy',
    'defaultTimeouts',
    'dockerConfigCredentials',
    'login',
    'logout',
    'parseRegistryAddress',
    'proxyFromEnvironment',
    'reportCredential',
    'staticCredentials',
  ]);
});
