import { expect, test } from 'vitest';

import * as extensions from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(extensions).sort()).toEqual([
    'askingSource',
    'contentKind',
    'contentRoot',
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
    'parseProfiles',
    'policyFromEnvironment',
    'publishedDigest',
    'pushArtifact',
    'recogniseArtifact',
    'rollbackExtension',
    'selectVersion',
    'uninstallExtension',
    'unpackArtifact',
    'validateExtension',
    'vendorKclPackage',
  ]);
});
