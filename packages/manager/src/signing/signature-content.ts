import {
  type CallOptions,
  type Descriptor,
  type ResolvedManifest,
  isAbort,
  isOciError,
  withoutProgress,
} from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import type {
  FoundSignature,
  SignaturePlace,
  SignatureSource,
  UnreadPlace,
  UnreadableSignature,
} from './found-signature.js';
import { type SearchBudget, mostSignatureBytes } from './search-budget.js';

/** What one place is searched with. */
export interface Search {
  readonly source: SignatureSource;
  readonly subject: ResolvedManifest;
  readonly options: CallOptions;
  readonly budget: SearchBudget;
  /** Bytes of one of them. Default 4 MiB. */
  readonly mostBytes?: number | undefined;
  /** Passes over bundles that the list names by another one. */
  readonly predicateType?: string | undefined;
}

/** What is wrong with one signature must not hide that another is good; that it cannot be had is told apart. */
export async function readable<T extends FoundSignature | undefined>(
  { place, budget }: { readonly place: SignaturePlace; readonly budget: SearchBudget },
  read: () => Promise<T>,
): Promise<T | UnreadableSignature | UnreadPlace> {
  try {
    return await read();
  } catch (error) {
    if (budget.isSpent) throw error;
    if (!isOciError(error) || brokenContent.has(error.code))
      return { ...place, reason: error instanceof Error ? error.message : String(error) };
    if (isAbort(error)) throw error;
    return { form: place.form, error, mayBeMissing: false };
  }
}

const brokenContent: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'LIMIT_EXCEEDED',
  'MANIFEST_UNKNOWN',
  'SIZE_MISMATCH',
  'UNSUPPORTED',
]);

/** @throws Error for content that is larger than a signature */
export async function contentOf(
  { source, options, mostBytes: limit = mostSignatureBytes }: Omit<Search, 'subject' | 'budget'>,
  descriptor: Descriptor,
): Promise<Buffer> {
  if (descriptor.size > limit)
    throw new Error(`it has ${descriptor.size} bytes, and ${limit} at most are read`);
  const quiet = { ...options, onEvent: withoutProgress(options.onEvent) };
  return readBytes(await source.fetchBlob(descriptor, quiet), { limit, what: descriptor.digest });
}
