import { expect, test } from 'vitest';

import * as cache from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(cache).sort()).toEqual([
    'CachedRepository',
    'ContentStore',
    'Downloads',
    'Evidence',
    'FileObjectStore',
    'Inventory',
    'LayoutIndex',
    'ManifestLru',
    'MemoryObjectStore',
    'ReferenceStore',
    'ReferrerStore',
    'ViewStore',
    'copyView',
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
