import { type Digest, digestAlgorithm, digestEncoded } from './digest.js';
import type { Tag } from './tag.js';

/**
 * The tag that lists a manifest's referrers where a registry has no referrers API
 * (distribution-spec, "Referrers Tag Schema"): the algorithm cut to 32 characters, the encoded part
 * to 64, everything that a tag may not hold replaced by `-`.
 */
export function referrersTag(digest: Digest): Tag {
  const clean = (text: string, length: number): string =>
    text.slice(0, length).replace(/[^A-Za-z0-9._-]/g, '-');
  return `${clean(digestAlgorithm(digest), 32)}-${clean(digestEncoded(digest), 64)}` as Tag;
}

const bookkeeping = /^sha(?:256-[a-f0-9]{64}|512-[a-f0-9]{64,128})(?:\.(?:sig|att|sbom))?$/;

/** Whether a tag is a referrers tag or a cosign sidecar, which no list of versions should show. */
export function isBookkeepingTag(tag: string): boolean {
  return bookkeeping.test(tag);
}
