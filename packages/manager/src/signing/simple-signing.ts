import type { Digest } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

/** The media type of the payload that cosign signs where it keeps signatures under a tag. */
export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json';

const signatureType = 'cosign container image signature';

/**
 * What is signed (cosign's `SIGNATURE_SPEC.md`; "simple signing" of containers/image).
 *
 * @param repository `host/name`, which says where it was meant for and binds nothing
 */
export function simpleSigningPayload(digest: Digest, repository: string): Buffer {
  const critical = {
    identity: { 'docker-reference': repository },
    image: { 'docker-manifest-digest': digest },
    type: signatureType,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/**
 * The digest that a payload is about. To be called after its signature was verified.
 *
 * @throws Error that says what is wrong: any member in `critical` that is not known could restrict what
 *   the signature means
 */
export function digestOfSimpleSigning(payload: Uint8Array): string {
  const { critical, optional } = members(parseStrictJson(payload), ['critical', 'optional']);
  if (optional !== undefined && optional !== null) members(optional);
  const { identity, image, type } = members(critical, ['identity', 'image', 'type']);
  if (type !== signatureType) throw new Error(`its type is ${JSON.stringify(type)}`);
  members(identity, ['docker-reference']);
  const digest = members(image, ['docker-manifest-digest'])['docker-manifest-digest'];
  if (typeof digest !== 'string') throw new Error('it names no digest');
  return digest;
}

function members(value: unknown, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('a part of it is no object');
  const strange = Object.keys(value).find((key) => known && !known.includes(key));
  if (strange !== undefined) throw new Error(`it has an unknown member ${JSON.stringify(strange)}`);
  return value as Record<string, unknown>;
}
