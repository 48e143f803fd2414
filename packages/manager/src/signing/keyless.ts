import { createHash } from 'node:crypto';

import type { Bundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type SignedEntity, Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { OciError } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

import { type IdentityRule, checkIdentity, matchesIdentity } from './identity-pattern.js';
import { preAuthEncoding } from './statement.js';

/** Whom a certificate is for. */
export interface CertificateIdentity {
  /** The subject's alternative name: an e-mail address or a URL. */
  readonly identity: string;
  /** Who vouched for it: the URL of the OpenID Connect provider. */
  readonly issuer: string;
}

/** A signer, and the rule that lets it sign. */
interface RecognizedIdentity extends CertificateIdentity {
  readonly rule: IdentityRule;
}

/** Whose a bundle with a certificate is. @throws Error that says why it is nobody's who may sign */
export type KeylessVerifier = (bundle: Bundle, artifact: Buffer | undefined) => RecognizedIdentity;

/**
 * Verifies certificates against a trusted root (sigstore's `trusted_root.json`), without a network: its
 * authorities, its certificate transparency log, an entry in its transparency log, and a time at which
 * the certificate was valid.
 *
 * @throws OciError `USAGE` when it is no trusted root, or an identity is no pattern
 */
export function keylessVerifier(
  trustedRoot: Uint8Array,
  identities: readonly IdentityRule[],
): KeylessVerifier {
  for (const { identity } of identities) checkIdentity(identity);
  const verifier = new Verifier(toTrustMaterial(readTrustedRoot(trustedRoot)), {
    ctlogThreshold: 1,
    tlogThreshold: 1,
    timestampThreshold: 1,
  });
  return (bundle, artifact) => {
    const { identity } = verifier.verify(signedEntity(bundle, artifact));
    const signer = {
      identity: identity?.subjectAlternativeName ?? '',
      issuer: identity?.extensions?.issuer ?? '',
    };
    const rule = identities.find(
      (one) => one.issuer === signer.issuer && matchesIdentity(one.identity, signer.identity),
    );
    if (rule) return { ...signer, rule };
    throw new Error(
      `it is by ${signer.identity || 'nobody'}, as ${signer.issuer || 'nobody'} says`,
    );
  };
}

/**
 * The library's view of a bundle, with one difference: Rekor v2 records an envelope as a `hashedrekord` of the bytes
 * that were signed, and the library compares its digest with that of the payload alone.
 */
function signedEntity(bundle: Bundle, artifact: Buffer | undefined): SignedEntity {
  const entity = toSignedEntity(bundle, artifact);
  const { content } = bundle;
  const isRecord = entity.tlogEntries.every(({ kindVersion }) => isHashedRecordV2(kindVersion));
  if (content.$case !== 'dsseEnvelope' || !isRecord) return entity;
  const { payloadType, payload } = content.dsseEnvelope;
  const digest = createHash('sha256').update(preAuthEncoding(payloadType, payload)).digest();
  const { signature } = entity;
  return {
    ...entity,
    signature: {
      signature: signature.signature,
      compareSignature: (given) => signature.compareSignature(given),
      compareDigest: (given) => digest.equals(given),
      verifySignature: (key) => signature.verifySignature(key),
    },
  };
}

function isHashedRecordV2(kind: { kind: string; version: string } | undefined): boolean {
  return kind?.kind === 'hashedrekord' && kind.version === '0.0.2';
}

function readTrustedRoot(bytes: Uint8Array): TrustedRoot {
  try {
    const root = TrustedRoot.fromJSON(parseStrictJson(bytes));
    if (root.certificateAuthorities.length === 0) throw new Error('it names no authority');
    for (const { baseUrl, publicKey } of [...root.tlogs, ...root.ctlogs]) {
      // Without it the library takes the key for valid since 1970.
      if (!publicKey?.validFor?.start)
        throw new Error(`the key of the log ${baseUrl} has no start of validity`);
    }
    return root;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OciError('USAGE', `the trusted root cannot be used: ${reason}`, {
      cause,
      hint: 'It is the trusted_root.json of a sigstore instance.',
    });
  }
}
