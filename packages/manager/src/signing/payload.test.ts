import fc from 'fast-check';
import { parseDigest } from '@oci/spec-types';
import { describe, expect, it } from 'vitest';

import { digestOfSimpleSigning, simpleSigningPayload } from './simple-signing.js';
import { ensureSigns, preAuthEncoding, signPredicate, signStatement } from './statement.js';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const other = parseDigest(`sha256:${'b'.repeat(64)}`);

describe('a simple-signing payload', () => {
  it('is about the digest it was made for', () => {
    expect(digestOfSimpleSigning(simpleSigningPayload(digest, 'host/name'))).toBe(digest);
  });

  it('may say more under optional, and nowhere else', () => {
    const { critical } = JSON.parse(String(simpleSigningPayload(digest, 'x'))) as {
      critical: Record<string, object>;
    };
    const read = (value: unknown): string =>
      digestOfSimpleSigning(Buffer.from(JSON.stringify(value)));
    expect(read({ critical, optional: { creator: 'x', anything: 1 } })).toBe(digest);
    for (const altered of [
      { critical, optional: null, further: 1 },
      { critical: { ...critical, expires: 1 } },
      { critical: { ...critical, type: 'atomic container signature' } },
      { critical: { ...critical, image: { 'docker-manifest-digest': 5 } } },
      { critical: { ...critical, image: [] } },
      { critical, optional: 'text' },
      [],
      null,
    ])
      expect(() => read(altered)).toThrow(/.+/);
  });

  it('is refused when a name stands in it twice', () => {
    const text = String(simpleSigningPayload(digest, 'x'));
    const twice = text.replace(
      '"image":',
      `"image":{"docker-manifest-digest":"${other}"},"image":`,
    );
    expect(() => digestOfSimpleSigning(Buffer.from(twice))).toThrow(/twice/);
  });

  it('is refused or read, whatever it is, and never breaks anything', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => digestOfSimpleSigning(Buffer.from(text))).toThrow(Error);
      }),
    );
  });
});

describe('a statement', () => {
  it('signs its subjects and nothing else', () => {
    expect(() => ensureSigns(signStatement(digest), digest)).not.toThrow();
    expect(() => ensureSigns(signStatement(digest), other)).toThrow(/another artifact/);
  });

  it.each([
    ['another predicate', { predicateType: 'https://slsa.dev/provenance/v1' }, /attestation/],
    ['another version', { _type: 'https://in-toto.io/Statement/v0.1' }, /no in-toto statement/],
    ['no subject', { subject: [] }, /another artifact/],
    ['a subject that is none', { subject: [null, 5, { digest: null }] }, /another artifact/],
    ['subjects that are no list', { subject: { digest: {} } }, /another artifact/],
  ])('is refused with %s', (_, change, words) => {
    const statement = { ...(JSON.parse(String(signStatement(digest))) as object), ...change };
    expect(() => ensureSigns(Buffer.from(JSON.stringify(statement)), digest)).toThrow(words);
  });

  it('is taken as cosign writes it, without a predicate', () => {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ digest: { sha256: 'a'.repeat(64) }, annotations: {} }],
      predicateType: signPredicate,
    };
    expect(() => ensureSigns(Buffer.from(JSON.stringify(statement)), digest)).not.toThrow();
  });

  it('is encoded before it is signed as DSSE says', () => {
    // The example of DSSE's protocol.md.
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(String(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });
});
