import { OciError } from './error.js';
import { quoted } from './printable.js';

/**
 * `algorithm:encoded`, the identity of content (image-spec `descriptor.md`, "Digests").
 *
 * ```
 * digest    = algorithm ":" encoded
 * algorithm = component *( [+._-] component )   component = [a-z0-9]+
 * encoded   = [a-zA-Z0-9=_-]+
 * ```
 *
 * sha256 and blake3 are 64, sha512 is 128 characters of lower-case hex. An unknown algorithm is a valid
 * digest that can't be verified. Made only by {@link parseDigest}.
 */
export type Digest = string & { readonly __brand: 'Digest' };

/** The algorithms that can be verified here. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const grammar = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;
const encodedGrammar: ReadonlyMap<string, RegExp> = new Map([
  ['sha256', /^[a-f0-9]{64}$/],
  ['sha512', /^[a-f0-9]{128}$/],
  ['blake3', /^[a-f0-9]{64}$/],
]);

/** A digest longer than this fits no file name and no header that is in use. */
const maxLength = 256;

export function isDigest(text: unknown): text is Digest {
  if (typeof text !== 'string' || text.length > maxLength || !grammar.test(text)) return false;
  const [algorithm, encoded] = split(text);
  return encodedGrammar.get(algorithm)?.test(encoded) ?? true;
}

/** @throws OciError `DIGEST_INVALID` */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new OciError('DIGEST_INVALID', `invalid digest ${quoted(text)}`, {
    hint: 'A digest looks like sha256:<64 lower-case hex characters>.',
  });
}

export function digestAlgorithm(digest: Digest): string {
  return split(digest)[0];
}

/** The part behind the colon. */
export function digestEncoded(digest: Digest): string {
  return split(digest)[1];
}

/**
 * The algorithm, when content can be checked against it.
 *
 * @throws OciError `DIGEST_UNSUPPORTED`
 */
export function verifiableAlgorithm(digest: Digest): DigestAlgorithm {
  const algorithm = digestAlgorithm(digest);
  if (algorithm === 'sha256' || algorithm === 'sha512') return algorithm;
  throw new OciError('DIGEST_UNSUPPORTED', `content of ${digest} can't be verified`, {
    hint: `The digest algorithm ${algorithm} is not one of sha256, sha512.`,
  });
}

function split(text: string): [algorithm: string, encoded: string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}
