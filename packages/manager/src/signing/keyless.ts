import type { Bundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';
import { OciError, parseStrictJson } from '@oci/spec-types';

/** Whom a certificate has to be for; both are compared whole, never as a pattern. */
export interface CertificateIdentity {
  /** The subject's alternative name: an e-mail address or a URL. */
  readonly identity: string;
  /** Who vouched for it: the URL of the OpenID Connect provider. */
  readonly issuer: string;
}

/** Whose a bundle with a certificate is. @throws Error that says why it is nobody's who may sign */
export type KeylessVerifier = (bundle: Bundle, artifact: Buffer | undefined) => CertificateIdentity;

/**
 * Verifies certificates against a trusted root (sigstore's `trusted_root.json`), without a network: its
 * authorities, its certificate transparency log, an entry in its transparency log, and a time at which
 * the certificate was valid.
 *
 * @throws OciError `USAGE` when it is no trusted root
 */
export function keylessVerifier(
  trustedRoot: Uint8Array,
  identities: readonly CertificateIdentity[],
): KeylessVerifier {
  const verifier = new Verifier(toTrustMaterial(readTrustedRoot(trustedRoot)), {
    ctlogThreshold: 1,
    tlogThreshold: 1,
    timestampThreshold: 1,
  });
  return (bundle, artifact) => {
    const { identity } = verifier.verify(toSignedEntity(bundle, artifact));
    const signer = {
      identity: identity?.subjectAlternativeName ?? '',
      issuer: identity?.extensions?.issuer ?? '',
    };
    const isTrusted = identities.some(
      (one) => one.identity === signer.identity && one.issuer === signer.issuer,
    );
    if (isTrusted) return signer;
    throw new Error(
      `it is by ${signer.identity || 'nobody'}, as ${signer.issuer || 'nobody'} says`,
    );
  };
}

function readTrustedRoot(bytes: Uint8Array): TrustedRoot {
  try {
    const root = TrustedRoot.fromJSON(parseStrictJson(bytes));
    if (root.certificateAuthorities.length === 0) throw new Error('it names no authority');
    return root;
  } catch (cause) {
    throw new OciError('USAGE', 'the trusted root can not be read', {
      cause,
      hint: 'It is the trusted_root.json of a sigstore instance.',
    });
  }
}
