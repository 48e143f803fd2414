import { type CallOptions, type Digest, OciError, type ResolvedManifest } from '@oci/spec-types';

import { namesKey } from './bundle.js';
import type { CertificateIdentity, KeylessVerifier } from './keyless.js';
import {
  type FoundSignature,
  type SignatureForm,
  type SignatureSource,
  findSignatures,
} from './signature-search.js';
import { type PublicKey, isSignedBy } from './signing-key.js';

/** Who may have signed: any one of these is enough. */
export interface Authority {
  readonly keys: readonly PublicKey[];
  /** Certificates of the certificate authorities of a trusted root, for these identities. */
  readonly keyless?: KeylessVerifier | undefined;
}

export type Signer =
  | { readonly kind: 'key'; readonly hint: string }
  | ({ readonly kind: 'certificate' } & CertificateIdentity);

export interface VerifiedSignature {
  readonly form: SignatureForm;
  /** Of the manifest that holds it. */
  readonly manifest: Digest;
  readonly signer: Signer;
}

export interface RejectedSignature {
  readonly form: SignatureForm;
  readonly manifest: Digest;
  readonly reason: string;
}

export interface Verification {
  readonly digest: Digest;
  /** One at least. */
  readonly signatures: readonly VerifiedSignature[];
  readonly rejected: readonly RejectedSignature[];
}

/**
 * Verifies the signatures of a manifest: first that the signature is by somebody who may sign, then that
 * what was signed is about this manifest and says that it is signed.
 *
 * @param options.all false to end with the first that is good
 * @throws OciError `SIGNATURE_MISSING` when there is none, `SIGNATURE_INVALID` when none is good
 */
export async function verifySignatures(
  source: SignatureSource,
  subject: ResolvedManifest,
  authority: Authority,
  { all = true, ...options }: CallOptions & { readonly all?: boolean } = {},
): Promise<Verification> {
  const { digest } = subject.descriptor;
  const signatures: VerifiedSignature[] = [];
  const rejected: RejectedSignature[] = [];
  for await (const found of findSignatures(source, subject, options)) {
    const { form, manifest } = found;
    try {
      if ('reason' in found) throw new Error(found.reason);
      const signer = signerOf(found, authority);
      found.ensureAbout(digest);
      signatures.push({ form, manifest, signer });
      if (!all) break;
    } catch (error) {
      rejected.push({ form, manifest, reason: error instanceof Error ? error.message : 'unknown' });
    }
  }
  if (signatures.length === 0) throw noneGood(digest, rejected);
  return { digest, signatures, rejected };
}

/** @throws Error that says why nobody of the authority is known to have signed it */
function signerOf(found: FoundSignature, { keys, keyless }: Authority): Signer {
  const { bundle, bytes, signature } = found;
  const key = keys.find(
    (one) => (!bundle || namesKey(bundle, one)) && isSignedBy(one, bytes, signature),
  );
  if (key) return { kind: 'key', hint: key.hint };
  if (bundle && bundle.verificationMaterial.content.$case !== 'publicKey') {
    if (keyless) return { kind: 'certificate', ...keyless(bundle, found.artifact) };
    throw new Error('it is by a certificate, and only keys were given');
  }
  throw new Error(
    keys.length === 0 ? 'it is by a key, and none was given' : 'it is by another key',
  );
}

const mostReasons = 3;

function noneGood(digest: Digest, rejected: readonly RejectedSignature[]): OciError {
  if (rejected.length === 0) {
    return new OciError('SIGNATURE_MISSING', `${digest} is not signed`, {
      hint: 'Whoever publishes it has to sign it; a copy has to bring the signatures along (copy --referrers).',
    });
  }
  const reasons = rejected.slice(0, mostReasons).map(({ form, reason }) => `${form}: ${reason}`);
  const more = rejected.length > mostReasons ? `; and ${rejected.length - mostReasons} more` : '';
  const count =
    rejected.length === 1 ? 'the signature' : `none of the ${rejected.length} signatures`;
  const verb = rejected.length === 1 ? 'is not good' : 'is good';
  return new OciError(
    'SIGNATURE_INVALID',
    `${count} of ${digest} ${verb}: ${reasons.join('; ')}${more}`,
    { hint: 'Is it the right key or identity? Else do not use what it names.' },
  );
}
