import { type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

/** The media type of a statement in a DSSE envelope. */
export const statementType = 'application/vnd.in-toto+json';

const statementVersion = 'https://in-toto.io/Statement/v1';
/** What older tools write attestations in; it differs in nothing that is read here. */
const olderVersion = 'https://in-toto.io/Statement/v0.1';
/** Says that an artifact is signed, and nothing more about it. */
export const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** What a statement says of an artifact. */
export interface Claim {
  /** A URI that says what the predicate is, e.g. `https://slsa.dev/provenance/v1`. */
  readonly predicateType: string;
  /** Any JSON value. */
  readonly predicate: unknown;
}

/** The in-toto statement of a claim about an artifact (in-toto attestation framework, `statement.md`). */
export function statementOf(digest: Digest, { predicateType, predicate }: Claim): Buffer {
  const subject = { digest: { [digestAlgorithm(digest)]: digestEncoded(digest) } };
  return Buffer.from(
    JSON.stringify({ _type: statementVersion, subject: [subject], predicateType, predicate }),
  );
}

/** The statement that cosign signs. */
export function signStatement(digest: Digest): Buffer {
  return statementOf(digest, { predicateType: signPredicate, predicate: {} });
}

/**
 * Reads what a statement says of an artifact. To be called after its signature was verified.
 *
 * @throws Error that says what it is about instead
 */
export function readClaim(
  payload: Uint8Array,
  digest: Digest,
  versions: readonly unknown[] = [statementVersion, olderVersion],
): Claim {
  const { _type, subject, predicateType, predicate } = Object(
    parseStrictJson(payload),
  ) as RawStatement;
  if (!versions.includes(_type)) throw new Error('its payload is no in-toto statement of v1');
  if (typeof predicateType !== 'string') throw new Error('its statement has no type');
  const subjects: unknown[] = Array.isArray(subject) ? subject : [];
  if (!subjects.some((one) => isNamed(one, digest)))
    throw new Error('it is about another artifact');
  return { predicateType, predicate };
}

/**
 * Whether a statement says that an artifact is signed. To be called after its signature was verified.
 *
 * @throws Error that says what it is about instead
 */
export function ensureSigns(payload: Uint8Array, digest: Digest): void {
  const { predicateType } = readClaim(payload, digest, [statementVersion]);
  if (predicateType !== signPredicate)
    throw new Error(`it is an attestation of ${JSON.stringify(predicateType)}, not a signature`);
}

function isNamed(subject: unknown, digest: Digest): boolean {
  const { digest: digests } = Object(subject) as { readonly digest?: unknown };
  const named = Object(digests) as Record<string, unknown>;
  const algorithm = digestAlgorithm(digest);
  return Object.hasOwn(named, algorithm) && named[algorithm] === digestEncoded(digest);
}

interface RawStatement {
  readonly _type?: unknown;
  readonly subject?: unknown;
  readonly predicateType?: unknown;
  readonly predicate?: unknown;
}

/** What a signature in a DSSE envelope is over (DSSE `protocol.md`, "PAE"). */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
