import { expect, test } from 'vitest';

import * as extensions from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(extensions).sort()).toEqual([
    'archiveRules',
    'contentRoot',
    'defaultExtractLimits',
    'defaultProfiles',
    'enforcePolicy',
    'extensionArtifactType',
    'extractArchive',
    'extractLayers',
    'formatKclLock',
    'inspectDirectory',
    'inspectKclPackage',
    'installExtension',
    'installExtensionGraph',
    'kclSum',
    'listInstalled',
    'managerSource',
    'packExtension',
    'packKclPackage',
    'parseKclLock',
    'parseKclMod',
    'parseProfiles',
    'policyFromEnvironment',
    'pushArtifact',
    'readArchiveFiles',
    'readMetadata',
    'resolveExtensionGraph',
    'resolveKclGraph',
    'rollbackExtension',
    'selectVersion',
    'uninstallExtension',
    'validateExtension',
    'vendorKclPackage',
    'vendorLayouts',
  ]);
});
