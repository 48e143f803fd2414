import { expect, it } from 'vitest';

import * as config from './config/index.js';
import * as manager from './index.js';
import * as program from './program/index.js';
import * as layout from './layout/index.js';
import * as signing from './signing/index.js';

it('exports these names', () => {
  expect(Object.keys(manager).sort()).toEqual([
    'OciManager',
    'RegistrySet',
    'RouteTable',
    'artifactJson',
    'compareVersions',
    'defaultTemplates',
    'extensionRepository',
    'extensionTypes',
    'kclRepository',
    'parseExtensionType',
    'pullJson',
    'readPulled',
    'registryOptions',
    'selectContentLayer',
  ]);
  expect(Object.keys(config).sort()).toEqual([
    'describeSource',
    'invalidValue',
    'isTable',
    'loadSettings',
    'managerOptions',
    'parseByteSize',
    'parseToml',
    'readTable',
    'retentionPolicy',
    'routeTable',
    'settingEntries',
    'settingHint',
    'trustRules',
  ]);
  expect(Object.keys(program).sort()).toEqual([
    'exitCodeOf',
    'exitCodes',
    'failureJson',
    'failureReport',
  ]);
  expect(Object.keys(layout).sort()).toEqual(['exportLayout', 'importLayout']);
  expect(Object.keys(signing).sort()).toEqual([
    'attestArtifact',
    'explainTrust',
    'generateKeyPair',
    'keylessVerifier',
    'parsePredicateType',
    'predicateTypes',
    'readPublicKey',
    'readSigningKey',
    'signArtifact',
    'trustRuleFor',
    'verifyAttestations',
    'verifySignatures',
    'verifyTrust',
  ]);
});
