import type {
  CallOptions,
  Digest,
  ReferrerLister,
  Repository,
  ResolvedManifest,
} from '@oci/spec-types';

import { signedBundle } from './bundle.js';
import { parsePredicateType } from './predicate-type.js';
import { now, pushBundle } from './push-bundle.js';
import { findBundles } from './signature-search.js';
import { type SigningKey, isSignedBy } from './signing-key.js';
import { type Claim, statementOf } from './statement.js';

export interface AttestOptions extends CallOptions, Claim {
  /** RFC 3339; default now. */
  readonly created?: string | undefined;
}

export interface AttestedArtifact {
  /** Of the manifest that holds the attestation. */
  readonly manifest: Digest;
  readonly predicateType: string;
  readonly hint: string;
  /** False when this key had signed the same attestation already. */
  readonly added: boolean;
}

/**
 * Signs a statement about a manifest with a key, and pushes it beside the manifest as a bundle. One of the same
 * content that is there already by the same key is enough.
 *
 * @throws OciError `USAGE` for what is no type of a predicate, and what a push fails with
 */
export async function attestArtifact(
  repository: Repository & Partial<ReferrerLister>,
  subject: ResolvedManifest,
  key: SigningKey,
  { predicateType: type, predicate, created = now(), ...call }: AttestOptions,
): Promise<AttestedArtifact> {
  const predicateType = parsePredicateType(type);
  const options = { ...call, forPush: true };
  const statement = statementOf(subject.descriptor.digest, { predicateType, predicate });
  const { hint } = key.publicKey;
  for await (const found of findBundles(repository, subject, { ...options, predicateType })) {
    if ('error' in found) throw found.error;
    if ('reason' in found || !found.statement || !statement.equals(found.statement)) continue;
    if (isSignedBy(key.publicKey, found.bytes, found.signature))
      return { manifest: found.manifest, predicateType, hint, added: false };
  }
  const bundle = signedBundle(statement, key);
  const manifest = await pushBundle(repository, subject, {
    bundle,
    predicateType,
    created,
    options,
  });
  return { manifest, predicateType, hint, added: true };
}
