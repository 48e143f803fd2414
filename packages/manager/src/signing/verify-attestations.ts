import { type CallOptions, type Digest, OciError, type ResolvedManifest } from '@oci/spec-types';

import { type AttestationConditions, ensureConditions } from './attestation-conditions.js';
import type { FoundSignature, SignatureSource, UnreadPlace } from './found-signature.js';
import { parsePredicateType } from './predicate-type.js';
import { type Provenance, provenanceOf } from './provenance.js';
import { findBundles } from './signature-search.js';
import { readClaim } from './statement.js';
import { type Authority, type Signer, signerOf } from './verify-signatures.js';

export interface VerifyAttestationsOptions extends CallOptions {
  /** A URI, or a short name as `slsaprovenance1`. */
  readonly predicateType: string;
  /** What provenance has to say. */
  readonly conditions?: AttestationConditions | undefined;
  /** What was asked for, which errors name beside the digest. */
  readonly name?: string | undefined;
}

/** An attestation by somebody who may attest. */
export interface VerifiedAttestation {
  /** Of the manifest that holds it. */
  readonly manifest: Digest;
  readonly signer: Signer;
  readonly predicateType: string;
  /** Any JSON value, as its signer wrote it. */
  readonly predicate: unknown;
  /** Of SLSA provenance. */
  readonly provenance: Provenance | undefined;
}

export interface RejectedAttestation {
  readonly manifest: Digest;
  readonly reason: string;
}

export interface AttestationVerification {
  readonly digest: Digest;
  /** One at least. */
  readonly attestations: readonly VerifiedAttestation[];
  readonly rejected: readonly RejectedAttestation[];
}

/**
 * Verifies the attestations of a type about a manifest: first that the signature is by somebody who may attest, then
 * that the statement is about this manifest and of that type, then the conditions. They hold for what a trusted signer
 * says, and for nothing else.
 *
 * @throws OciError `SIGNATURE_MISSING` when there is none, `SIGNATURE_INVALID` when none is good, `USAGE` for what is
 * no type, and what a registry fails with when none is good and not all could be read
 */
export async function verifyAttestations(
  source: SignatureSource,
  subject: ResolvedManifest,
  authority: Authority,
  options: VerifyAttestationsOptions,
): Promise<AttestationVerification> {
  const { conditions = {}, name, predicateType: type, ...call } = options;
  const predicateType = parsePredicateType(type);
  const { digest } = subject.descriptor;
  const attestations: VerifiedAttestation[] = [];
  const rejected: RejectedAttestation[] = [];
  const unread: UnreadPlace[] = [];
  for await (const found of findBundles(source, subject, { ...call, predicateType })) {
    if ('error' in found) {
      unread.push(found);
      continue;
    }
    const { manifest } = found;
    try {
      if ('reason' in found) throw new Error(found.reason);
      const attestation = attestationIn(found, authority, { digest, predicateType });
      if (!attestation) continue;
      ensureConditions(conditions, attestation.provenance);
      attestations.push(attestation);
    } catch (error) {
      rejected.push({ manifest, reason: error instanceof Error ? error.message : 'unknown' });
    }
  }
  if (attestations.length > 0) return { digest, attestations, rejected };
  const [failure] = unread;
  if (failure) throw failure.error;
  throw noneGood(name === undefined ? digest : `${name} (${digest})`, { predicateType, rejected });
}

/** @returns undefined for one of another type */
function attestationIn(
  found: FoundSignature,
  authority: Authority,
  { digest, predicateType }: { readonly digest: Digest; readonly predicateType: string },
): VerifiedAttestation | undefined {
  const { manifest, statement } = found;
  if (!statement) return undefined;
  const signer = signerOf(found, authority);
  const claim = readClaim(statement, digest);
  if (claim.predicateType !== predicateType) return undefined;
  return { manifest, signer, ...claim, provenance: provenanceOf(claim) };
}

const mostReasons = 3;

function noneGood(
  name: string,
  {
    predicateType,
    rejected,
  }: { readonly predicateType: string; readonly rejected: readonly RejectedAttestation[] },
): OciError {
  if (rejected.length === 0)
    return new OciError('SIGNATURE_MISSING', `${name} has no attestation of ${predicateType}`, {
      hint: 'Whoever builds it has to attest it; a copy has to bring the referrers along.',
      reason: { kind: 'signature-missing' },
    });
  const reasons = rejected.slice(0, mostReasons).map(({ reason }) => reason);
  const more = rejected.length > mostReasons ? `; and ${rejected.length - mostReasons} more` : '';
  return new OciError(
    'SIGNATURE_INVALID',
    `no attestation of ${predicateType} about ${name} is good: ${reasons.join('; ')}${more}`,
    {
      hint: 'Is it the right key or identity, and do the conditions fit? Else do not use what it is about.',
    },
  );
}
