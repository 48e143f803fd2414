import { expect, test } from 'vitest';

import * as extensions from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(extensions).sort()).toEqual([
    'archiveRules',
    'contentRoot',
    'defaultExtractLimits',
    'defaultProfiles',
    'extensionArtifactType',
    'extractArchive',
    'extractLayers',
    'formatKclLock',
    'inspectDirectory',
    'inspectKclPackage',
    'installExtension',
    'kclSum',
    'packExtension',
    'packKclPackage',
    'parseKclLock',
    'parseKclMod',
    'parseProfiles',
    'pushArtifact',
    'readArchiveFiles',
    'readMetadata',
    'validateExtension',
  ]);
});
