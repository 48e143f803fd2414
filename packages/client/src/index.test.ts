import { expect, test } from 'vitest';

import * as copy from './copy/index.js';
import * as credentials from './credentials/index.js';
import * as doctor from './doctor/index.js';
import * as client from './index.js';
import * as layout from './layout/index.js';
import * as location from './location/index.js';
import * as transport from './transport/index.js';

test('exports these names and no others', () => {
  expect(Object.keys(client).sort()).toEqual([
    'OciError',
    'createIndex',
    'createManifest',
    'createRegistry',
    'currentPlatform',
    'dockerConfigCredentials',
    'entryFor',
    'imageFor',
    'isOciError',
    'openRepository',
    'staticCredentials',
  ]);
});

test.each([
  ['copy', copy, ['copy', 'copyAll', 'defaultGraphLimits', 'formatPlatform', 'parsePlatform']],
  [
    'credentials',
    credentials,
    [
      'chainCredentials',
      'dockerConfigCredentials',
      'dockerConfigHeaders',
      'environmentToken',
      'helperCredentials',
      'login',
      'logout',
      'reportCredential',
      'staticCredentials',
    ],
  ],
  ['doctor', doctor, ['probeRegistry']],
  ['layout', layout, ['LayoutArchive', 'LayoutDirectory', 'MemoryRepository']],
  ['location', location, ['formatLocation', 'openSource', 'openTarget', 'parseLocation']],
  [
    'transport',
    transport,
    [
      'defaultDownloadPolicy',
      'defaultLimits',
      'defaultPacePolicy',
      'defaultRetryPolicy',
      'defaultTimeouts',
      'isSettableHeader',
      'mergeHeaders',
      'parseRegistryAddress',
      'proxyFromEnvironment',
      'resolvesInternally',
    ],
  ],
])('%s exports these names and no others', (_, entry, names) => {
  expect(Object.keys(entry).sort()).toEqual(names);
});
