import { isOciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import {
  type ExtensionPolicy,
  type PolicySubject,
  enforcePolicy,
  policyFromEnvironment,
} from './extension-policy.js';

const subject: PolicySubject = { type: 'taskserv', name: 'kubernetes', version: '1.28.0' };
const source = 'registry.example/extensions/taskserv/kubernetes:1.28.0';

function isAllowed(policy: Partial<ExtensionPolicy>, asked: PolicySubject = subject): boolean {
  try {
    enforcePolicy({ mode: 'full', allowed: [], blocked: [], ...policy }, asked);
    return true;
  } catch (error) {
    if (isOciError(error, 'POLICY_REFUSED') && error.hint) return false;
    throw error;
  }
}

test.each<[Partial<ExtensionPolicy>, boolean]>([
  [{}, true],
  [{ mode: 'disabled' }, false],
  [{ mode: 'disabled', allowed: ['kubernetes'] }, false],
  [{ mode: 'restricted' }, false],
  [{ mode: 'restricted', allowed: ['kubernetes'] }, true],
  [{ mode: 'restricted', allowed: ['taskserv/kubernetes'] }, true],
  [{ mode: 'restricted', allowed: ['taskserv/*'] }, true],
  [{ mode: 'restricted', allowed: ['provider/*'] }, false],
  [{ mode: 'restricted', allowed: ['kubernetes@1.28.0'] }, true],
  [{ mode: 'restricted', allowed: ['kubernetes@1.29.0'] }, false],
  [{ allowed: ['docker'] }, false],
  [{ blocked: ['docker'] }, true],
  [{ blocked: ['kubernetes'] }, false],
  [{ blocked: ['kube*'] }, false],
  [{ blocked: ['*@1.28.*'] }, false],
  [{ allowed: ['kubernetes'], blocked: ['taskserv/*'] }, false],
  [{ blocked: ['kubernete'] }, true],
  [{ blocked: ['k.bernetes'] }, true],
])('%j: %s', (policy, allowed) => {
  expect(isAllowed(policy)).toBe(allowed);
});

test('a list of sources is decided once the source is known', () => {
  const policy = { mode: 'restricted', allowed: ['from:registry.example/*'] } as const;
  expect(isAllowed(policy)).toBe(true);
  expect(isAllowed(policy, { ...subject, source })).toBe(true);
  expect(isAllowed(policy, { ...subject, source: `evil.example/${source}` })).toBe(false);
  expect(isAllowed({ blocked: ['from:registry.example/*'] }, { ...subject, source })).toBe(false);
});

test('reads the variables of the platform', () => {
  expect(policyFromEnvironment({})).toEqual({ mode: 'full', allowed: [], blocked: [] });
  expect(
    policyFromEnvironment({
      PROVISIONING_EXTENSION_MODE: 'restricted',
      PROVISIONING_ALLOWED_EXTENSIONS: 'kubernetes, taskserv/*,',
      PROVISIONING_BLOCKED_EXTENSIONS: 'docker',
    }),
  ).toEqual({ mode: 'restricted', allowed: ['kubernetes', 'taskserv/*'], blocked: ['docker'] });
  expect(() => policyFromEnvironment({ PROVISIONING_EXTENSION_MODE: 'none' })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('restricted'),
    }),
  );
});
