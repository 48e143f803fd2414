import { type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

/** The media type of a statement in a DSSE envelope. */
export const statementType = 'application/vnd.in-toto+json';

const statementVersion = 'https://in-toto.io/Statement/v1';
/** Says that an artifact is signed, and nothing more about it. */
export const signPredicate = 'https://sigstore.dev/cosign/sign/v1';

/** The in-toto statement that cosign signs (in-toto attestation framework, `statement.md`). */
export function signStatement(digest: Digest): Buffer {
  const subject = { digest: { [digestAlgorithm(digest)]: digestEncoded(digest) } };
  return Buffer.from(
    JSON.stringify({
      _type: statementVersion,
      subject: [subject],
      predicateType: signPredicate,
      predicate: {},
    }),
  );
}

/**
 * Whether a statement says that an artifact is signed. To be called after its signature was verified.
 *
 * @throws Error that says what it is about instead
 */
export function ensureSigns(payload: Uint8Array, digest: Digest): void {
  const { _type, subject, predicateType } = Object(parseStrictJson(payload)) as Statement;
  if (_type !== statementVersion) throw new Error('its payload is no in-toto statement of v1');
  if (predicateType !== signPredicate)
    throw new Error(`it is an attestation of ${JSON.stringify(predicateType)}, not a signature`);
  const subjects: unknown[] = Array.isArray(subject) ? subject : [];
  const isNamed = subjects.some((one) => {
    const digests = Object((Object(one) as { digest?: unknown }).digest) as Record<string, unknown>;
    return (
      Object.hasOwn(digests, digestAlgorithm(digest)) &&
      digests[digestAlgorithm(digest)] === digestEncoded(digest)
    );
  });
  if (!isNamed) throw new Error('it is about another artifact');
}

interface Statement {
  readonly _type?: unknown;
  readonly subject?: unknown;
  readonly predicateType?: unknown;
}

/** What a signature in a DSSE envelope is over (DSSE `protocol.md`, "PAE"). */
export function preAuthEncoding(type: string, payload: Uint8Array): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
