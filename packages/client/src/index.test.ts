import { expect, test } from 'vitest';

import * as client from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(client).sort()).toEqual([
    'LayoutDirectory',
    'MemoryRepository',
    'RemoteRepository',
    'chainCredentials',
    'copy',
    'createRegistry',
    'defaultDownloadPolicy',
    'defaultGraphLimits',
    'defaultLimits',
    'defaultPacePolicy',
    'defaultRetryPolicy',
    'defaultTimeouts',
    'dockerConfigCredentials',
    'formatPlatform',
    'login',
    'logout',
    'parsePlatform',
    'parseRegistryAddress',
    'proxyFromEnvironment',
    'reportCredential',
    'staticCredentials',
  ]);
});
