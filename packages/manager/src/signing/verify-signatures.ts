import {
  type CallOptions,
  type Digest,
  OciError,
  type ResolvedManifest,
  amendError,
} from '@oci/spec-types';

import { namesKey } from './bundle.js';
import type { CertificateIdentity, KeylessVerifier } from './keyless.js';
import type {
  FoundSignature,
  SignatureForm,
  SignatureSource,
  UnreadPlace,
} from './found-signature.js';
import { findSignatures } from './signature-search.js';
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

export interface VerifyOptions extends CallOptions {
  readonly all?: boolean | undefined;
  readonly threshold?: number | undefined;
  readonly name?: string | undefined;
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
 * @param options.all false to end when enough are good
 * @param options.threshold how many keys or rules of identities have to have a good signature each. Default 1
 * @param options.name what was asked for, which errors name beside the digest
 * @throws OciError `SIGNATURE_MISSING` when there is none, `SIGNATURE_INVALID` when none is good, and what a
 * registry fails with when none is good and not all could be read
 */
export async function verifySignatures(
  source: SignatureSource,
  subject: ResolvedManifest,
  authority: Authority,
  { all = true, threshold = 1, name, ...options }: VerifyOptions = {},
): Promise<Verification> {
  const { digest } = subject.descriptor;
  /** Keys and rules: who signs twice, or under two names of one rule, counts once. */
  const voices = new Set<string>();
  const unread: UnreadPlace[] = [];
  const signatures: VerifiedSignature[] = [];
  const rejected: RejectedSignature[] = [];
  const isEnough = (): boolean => voices.size >= threshold;
  for await (const found of findSignatures(source, subject, { ...options, isEnough })) {
    if ('error' in found) {
      unread.push(found);
      continue;
    }
    const { form, manifest } = found;
    try {
      if ('reason' in found) throw new Error(found.reason);
      const { signer, voice } = recognized(found, authority);
      found.ensureAbout(digest);
      if (!all && voices.has(voice)) continue;
      voices.add(voice);
      signatures.push({ form, manifest, signer });
      if (!all && isEnough()) break;
    } catch (error) {
      rejected.push({ form, manifest, reason: error instanceof Error ? error.message : 'unknown' });
    }
  }
  if (isEnough()) return { digest, signatures, rejected };
  const subjectName = name === undefined ? digest : `${name} (${digest})`;
  const failure = notAllRead(subjectName, unread);
  if (failure) throw failure;
  throw signatures.length === 0
    ? noneGood(subjectName, rejected, unread)
    : tooFew(subjectName, { signed: voices.size, threshold });
}

function tooFew(
  name: string,
  { signed, threshold }: { readonly signed: number; readonly threshold: number },
): OciError {
  return new OciError(
    'SIGNATURE_MISSING',
    `${name} is signed by ${signed} of those who may, and needs ${threshold}`,
    {
      hint: 'Who else may sign it has to do so, each with a key or an identity of its own.',
      reason: { kind: 'signature-missing' },
    },
  );
}

/** @throws Error that says why nobody of the authority is known to have signed it */
export function signerOf(found: FoundSignature, authority: Authority): Signer {
  return recognized(found, authority).signer;
}

/** Returns who signed, and which key or rule of the authority that is. */
function recognized(
  found: FoundSignature,
  { keys, keyless }: Authority,
): { readonly signer: Signer; readonly voice: string } {
  const { bundle, bytes, signature } = found;
  const key = keys.find(
    (one) => (!bundle || namesKey(bundle, one)) && isSignedBy(one, bytes, signature),
  );
  if (key) return { signer: { kind: 'key', hint: key.hint }, voice: key.hint };
  if (bundle && bundle.verificationMaterial.content.$case !== 'publicKey') {
    if (!keyless) throw new Error('it is by a certificate, and only keys were given');
    const { rule, ...identity } = keyless(bundle, found.artifact);
    return { signer: { kind: 'certificate', ...identity }, voice: JSON.stringify(rule) };
  }
  throw new Error(
    keys.length === 0 ? 'it is by a key, and none was given' : 'it is by another key',
  );
}

const mostReasons = 3;

/** A registry that cannot answer does not say that there is nothing. */
function notAllRead(name: string, unread: readonly UnreadPlace[]): OciError | undefined {
  const failure = unread.find(({ mayBeMissing }) => !mayBeMissing);
  if (!failure) return undefined;
  const { error, form } = failure;
  const what = form === 'bundle' ? 'among its referrers' : "under cosign's tag";
  return amendError(error, {
    message: `no good signature of ${name} was found, and those ${what} cannot be read: ${error.message}`,
    cause: error,
  });
}

function noneGood(
  name: string,
  rejected: readonly RejectedSignature[],
  unread: readonly UnreadPlace[],
): OciError {
  const places = unread.map(({ form, error }) => `${placeOf(error) ?? form} may not be read`);
  const unknown = places.length === 0 ? '' : ` (${places.join(', ')})`;
  if (rejected.length === 0) {
    return new OciError('SIGNATURE_MISSING', `${name} is not signed${unknown}`, {
      hint: 'Whoever publishes it has to sign it; a copy has to bring the signatures along, with `referrers`.',
      reason: { kind: 'signature-missing' },
    });
  }
  const reasons = rejected.slice(0, mostReasons).map(({ form, reason }) => `${form}: ${reason}`);
  const more = rejected.length > mostReasons ? `; and ${rejected.length - mostReasons} more` : '';
  const count =
    rejected.length === 1 ? 'the signature' : `none of the ${rejected.length} signatures`;
  const verb = rejected.length === 1 ? 'is not good' : 'is good';
  return new OciError(
    'SIGNATURE_INVALID',
    `${count} of ${name} ${verb}: ${reasons.join('; ')}${more}${unknown}`,
    { hint: 'Is it the right key or identity? Else do not use what it names.' },
  );
}

/** The tag or digest that was asked for. */
function placeOf({ request }: OciError): string | undefined {
  return request?.url.split('/').at(-1)?.slice(0, 200);
}
