import { expect, test } from 'vitest';

import * as contracts from './contracts/index.js';
import * as testing from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(contracts).sort()).toEqual([
    'deletionContract',
    'describePeer',
    'mountContract',
    'objectStoreContract',
    'referrersContract',
    'repositoryContract',
  ]);
  expect(Object.keys(testing).sort()).toEqual([
    'blobBytes',
    'bytesOf',
    'canMount',
    'collect',
    'compile',
    'contentOf',
    'dockerRegistryCredential',
    'emptyConfigBytes',
    'extensionArtifact',
    'extensionArtifactType',
    'guideArtifact',
    'gzip',
    'helmChart',
    'image',
    'imageIndex',
    'inChunks',
    'kclPackage',
    'kclSum',
    'killAtOutput',
    'mountDisk',
    'peer',
    'radosgwPrograms',
    'randomBytes',
    'registryTool',
    'run',
    'sampleExtensionFiles',
    'sampleKclFiles',
    'startDockerRegistry',
    'startFaultyProxy',
    'startProgram',
    'startRadosgw',
    'startRegistry',
    'startVersitygw',
    'startZot',
    'tar',
    'tarOfFiles',
    'temporaryDirectory',
    'testAuthority',
    'textOf',
  ]);
});
