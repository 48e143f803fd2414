import { existsSync, readFileSync, readdirSync } from 'node:fs';

import { expect, test } from 'vitest';

import { readBundle } from './bundle.js';
import { type CertificateIdentity, keylessVerifier } from './keyless.js';
import { isSignedBy, readPublicKey } from './signing-key.js';

/** The bundles of sigstore's conformance tests, beside the checkout where there are any. */
const root = new URL('../../../../../shared/vectors/sigstore-bundles/', import.meta.url);

const beacon: CertificateIdentity = {
  identity:
    'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main',
  issuer: 'https://token.actions.githubusercontent.com',
};

const cases = existsSync(root)
  ? readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  : [];

function file(name: string, path: string): Buffer | undefined {
  const url = new URL(`${name}/${path}`, root);
  return existsSync(url) ? readFileSync(url) : undefined;
}

function common(path: string): Buffer {
  return readFileSync(new URL(path, root));
}

/** Verifies the bundle of a case as a rule with its key, or with its identity, does. */
function verifyCase(name: string): void {
  const bundle = readBundle(file(name, 'bundle.sigstore.json') ?? Buffer.of());
  const artifact = file(name, 'artifact') ?? common('a.txt');
  const key = file(name, 'key.pub');
  if (!key) {
    const trustedRoot = file(name, 'trusted_root.json') ?? common('public-good-trusted_root.json');
    const identity = file(name, 'identity')?.toString().trim() ?? beacon.identity;
    const issuer = file(name, 'issuer')?.toString().trim() ?? beacon.issuer;
    keylessVerifier(trustedRoot, [{ identity, issuer }])(bundle, artifact);
    return;
  }
  if (bundle.content.$case !== 'messageSignature') throw new Error('not a message signature');
  const { signature } = bundle.content.messageSignature;
  if (!isSignedBy(readPublicKey(key.toString()), artifact, signature))
    throw new Error('it is by another key');
}

test.skipIf(cases.length === 0)(
  'all 70 bundles of sigstore-conformance are beside the checkout',
  () => {
    expect(cases).toHaveLength(70);
  },
);

test.each(cases.filter((name) => !name.endsWith('_fail')))('%s is good', (name) => {
  expect(() => verifyCase(name)).not.toThrow();
});

test.each(cases.filter((name) => name.endsWith('_fail')))('%s is refused', (name) => {
  expect(() => verifyCase(name)).toThrow(/.+/);
});
