import {
  type CallOptions,
  type OciError,
  type ResolvedManifest,
  asOciError,
  isAbort,
} from '@oci/spec-types';

import type { TrustRequirement, TrustRule } from '../trust-policy.js';
import type { SignatureSource } from './found-signature.js';
import { type AttestationVerification, verifyAttestations } from './verify-attestations.js';
import { type Verification, verifySignatures } from './verify-signatures.js';

/** One thing that a rule asks for, and whether an artifact has it. */
export type Examined<T> =
  | { readonly passes: true; readonly found: T }
  | { readonly passes: false; readonly failure: OciError };

/** What a trust rule says of an artifact, and why. */
export interface TrustExplanation {
  readonly passes: boolean;
  readonly require: TrustRequirement;
  /** How many have to have signed. */
  readonly threshold: number;
  /** Absent where no signature is asked for. */
  readonly signatures?: Examined<Verification> | undefined;
  readonly attestations: readonly {
    readonly predicateType: string;
    readonly result: Examined<AttestationVerification>;
  }[];
}

/**
 * Verifies all that a rule asks for, each by itself, so that one that is missing hides no other.
 *
 * @throws OciError `CONFIG_INVALID` for a key or root that cannot be read, `ABORTED`
 */
export async function explainTrust(
  rule: TrustRule,
  { source, subject }: { readonly source: SignatureSource; readonly subject: ResolvedManifest },
  options: CallOptions = {},
): Promise<TrustExplanation> {
  const { require } = rule;
  if (require !== 'signature')
    return { passes: require === 'nothing', require, threshold: 0, attestations: [] };
  const demand = await rule.authority();
  const { threshold = 1, attestations: required = [] } = demand;
  const signatures =
    threshold === 0
      ? undefined
      : await examined(() => verifySignatures(source, subject, demand, { ...options, threshold }));
  const attestations = [];
  for (const { predicateType, conditions, authority = demand } of required) {
    const call = { ...options, predicateType, conditions };
    const result = await examined(() => verifyAttestations(source, subject, authority, call));
    attestations.push({ predicateType, result });
  }
  const passes = (signatures?.passes ?? true) && attestations.every(({ result }) => result.passes);
  return { passes, require, threshold, signatures, attestations };
}

async function examined<T>(verify: () => Promise<T>): Promise<Examined<T>> {
  try {
    return { passes: true, found: await verify() };
  } catch (thrown) {
    const failure = asOciError(thrown);
    if (isAbort(failure)) throw failure;
    return { passes: false, failure };
  }
}
