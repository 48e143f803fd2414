import { OciError } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Short names of predicates, as `cosign attest` has them. */
export const predicateTypes = {
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  spdx: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  openvex: 'https://openvex.dev/ns',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  link: 'https://in-toto.io/Link/v1',
  custom: 'https://cosign.sigstore.dev/attestation/v1',
} as const;

/** Characters of a URI that is a type. */
const mostCharacters = 1000;

/**
 * Returns the URI of a predicate's type, given that or a short name.
 *
 * @throws OciError `USAGE`
 */
export function parsePredicateType(text: string): string {
  if (Object.hasOwn(predicateTypes, text))
    return predicateTypes[text as keyof typeof predicateTypes];
  if (text.length <= mostCharacters && URL.canParse(text) && !/\s/.test(text)) return text;
  throw new OciError('USAGE', `${quoted(text)} is no type of a predicate`, {
    hint: `Give a URI, or one of ${Object.keys(predicateTypes).join(', ')}.`,
  });
}
