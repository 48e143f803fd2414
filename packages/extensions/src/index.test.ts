import { expect, test } from 'vitest';

import * as extensions from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(extensions).sort()).toEqual([
    'askingSource',
    'contentKind',
    'contentRoot',
    'defaultExtractLimits',
    'defaultProfiles',
    'extensionCandidates',
    'extractArchive',
    'inspectDirectory',
    'inspectKclPackage',
    'installExtension',
    'installExtensionGraph',
    'isVersionRange',
    'kclCandidates',
    'listInstalled',
    'managerSource',
    'newestWanted',
    'packExtension',
    'packKclPackage',
    'parseKclMod',
    'parseProfiles',
    'policyFromEnvironment',
    'publishedDigest',
    'pushArtifact',
    'recogniseArtifact',
    'resolveExtensionGraph',
    'resolveKclGraph',
    'rollbackExtension',
    'selectVersion',
    'uninstallExtension',
    'unpackArtifact',
    'unpackPackedDirectory',
    'validateExtension',
    'vendorKclPackage',
  ]);
});
