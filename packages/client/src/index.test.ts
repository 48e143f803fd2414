import { expect, test } from 'vitest';

import * as client from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(client).sort()).toEqual([
    'LayoutArchive',
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
    'dockerConfigHeaders',
    'environmentToken',
    'formatLocation',
    'formatPlatform',
    'helperCredentials',
    'isSettableHeader',
    'login',
    'logout',
    'mergeHeaders',
    'openSource',
    'openTarget',
    'parseLocation',
    'parsePlatform',
    'parseRegistryAddress',
    'probeRegistry',
    'proxyFromEnvironment',
    'reportCredential',
    'resolvesInternally',
    'staticCredentials',
  ]);
});
