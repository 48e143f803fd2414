import { expect, test } from 'vitest';

import * as extensions from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(extensions).sort()).toEqual([
    'contentRoot',
    'declaredIdentity',
    'defaultExtractLimits',
    'extensionArtifactType',
    'extractArchive',
    'installExtension',
    'kclSum',
    'packExtension',
    'packKclPackage',
    'parseKclMod',
    'pushArtifact',
    'validateExtension',
  ]);
});
