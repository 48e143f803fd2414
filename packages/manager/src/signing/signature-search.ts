import {
  type CallOptions,
  type Descriptor,
  type ResolvedManifest,
  asOciError,
  isAbort,
} from '@oci/spec-types';

import { bundlesOf, mistypedBundle } from './bundle-search.js';
import type { Found, SignatureForm, SignatureSource } from './found-signature.js';
import { SearchBudget } from './search-budget.js';
import { taggedOf } from './tag-search.js';

export interface SearchOptions extends CallOptions {
  /** Says that what names another type need not be looked into, for there is a good signature. */
  readonly isEnough?: (() => boolean) | undefined;
}

export interface BundleSearchOptions extends CallOptions {
  /** Passes over bundles that the registry's list names by another predicate. */
  readonly predicateType?: string | undefined;
}

/** Bytes of a bundle with an attestation, which may be a list of thousands of packages. */
const mostAttestationBytes = 32 * 1024 * 1024;

/**
 * The bundles that refer to a manifest. What is wrong with one of them is told and decides nothing about the others.
 *
 * @throws OciError `ABORTED`
 */
export async function* findBundles(
  source: SignatureSource,
  subject: ResolvedManifest,
  { predicateType, ...options }: BundleSearchOptions = {},
): AsyncGenerator<Found, void, undefined> {
  const budget = new SearchBudget(subject);
  const mostBytes = mostAttestationBytes;
  const search = { source, subject, options, budget, mostBytes, predicateType };
  yield* eachOf('bundle', bundlesOf(search, []));
}

/**
 * The signatures of a manifest: bundles among its referrers, then those under cosign's tag. What is wrong
 * with one of them, or with one of the places, is told and decides nothing about the others.
 *
 * @throws OciError `ABORTED`
 */
export async function* findSignatures(
  source: SignatureSource,
  subject: ResolvedManifest,
  { isEnough = () => false, ...options }: SearchOptions = {},
): AsyncGenerator<Found, void, undefined> {
  const search = { source, subject, options };
  const others: Descriptor[] = [];
  yield* eachOf('bundle', bundlesOf({ ...search, budget: new SearchBudget(subject) }, others));
  yield* eachOf('cosign-tag', taggedOf({ ...search, budget: new SearchBudget(subject) }));
  const budget = new SearchBudget(subject);
  for (const referrer of others) {
    if (isEnough()) return;
    yield* eachOf('bundle', mistypedBundle({ ...search, budget }, referrer));
    if (budget.isSpent) return;
  }
}

/** The signatures of a place up to where it fails, and then why. */
async function* eachOf(
  form: SignatureForm,
  signatures: AsyncIterable<Found>,
): AsyncGenerator<Found, void, undefined> {
  try {
    yield* signatures;
  } catch (thrown) {
    const error = asOciError(thrown);
    if (isAbort(error)) throw error;
    yield { form, error, mayBeMissing: false };
  }
}
