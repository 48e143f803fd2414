import { expect, test } from 'vitest';

import * as cache from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(cache).sort()).toEqual([
    'LayoutIndex',
    'ManifestLru',
    'copyMaterialized',
    'createFileObjectStore',
    'createMemoryObjectStore',
    'decodeSegment',
    'detectArchive',
    'detectionBytes',
    'encodeSegment',
    'isObjectKey',
    'openCache',
    'referenceId',
    'writeGzipTar',
  ]);
});
