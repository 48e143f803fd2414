import type { CallOptions, ResolvedManifest } from '@oci/spec-types';

import type { AttestationConditions } from './attestation-conditions.js';
import type { SignaturePlace, SignatureSource } from './found-signature.js';
import { verifyAttestations } from './verify-attestations.js';
import { type Authority, verifySignatures } from './verify-signatures.js';

/** An attestation that an artifact needs to be used. */
export interface RequiredAttestation {
  /** A URI, or a short name as `slsaprovenance1`. */
  readonly predicateType: string;
  /** What provenance has to say. */
  readonly conditions?: AttestationConditions | undefined;
  /** Who has to have attested. Default: who may sign. */
  readonly authority?: Authority | undefined;
}

/** What an artifact needs to be used. */
export interface TrustDemand extends Authority {
  /** How many of those who may sign have to have signed; 0 only where attestations are required. Default 1. */
  readonly threshold?: number | undefined;
  /** All of them are needed. */
  readonly attestations?: readonly RequiredAttestation[] | undefined;
}

/**
 * Verifies all that a demand asks for.
 *
 * @returns where the signatures and attestations are that fulfil it
 * @throws OciError `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, and what a registry fails with
 */
export async function verifyTrust(
  source: SignatureSource,
  subject: ResolvedManifest,
  demand: TrustDemand,
  options: CallOptions & { readonly name?: string | undefined },
): Promise<readonly SignaturePlace[]> {
  const { threshold = 1, attestations = [] } = demand;
  const places: SignaturePlace[] = [];
  if (threshold > 0) {
    const call = { ...options, threshold, all: false };
    const { signatures } = await verifySignatures(source, subject, demand, call);
    places.push(...signatures.map(({ form, manifest }) => ({ form, manifest })));
  }
  for (const { predicateType, conditions, authority = demand } of attestations) {
    const call = { ...options, predicateType, conditions };
    const verified = await verifyAttestations(source, subject, authority, call);
    const [first] = verified.attestations;
    if (first) places.push({ form: 'bundle', manifest: first.manifest });
  }
  return places;
}
