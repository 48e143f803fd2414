import { OciError } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Whom a certificate may be for. */
export interface IdentityRule {
  /**
   * The subject's alternative name: an e-mail address or a URL, compared whole. A `*` stands for one whole segment
   * between `/` and `@`: `https://github.com/team/tool/.github/workflows/release.yml@refs/tags/*`.
   */
  readonly identity: string;
  /** Who vouched for it: the URL of the OpenID Connect provider, compared whole. */
  readonly issuer: string;
}

/** @throws OciError `USAGE` for a `*` that is no whole segment, and for nothing but these */
export function checkIdentity(identity: string): void {
  const segments = segmentsOf(identity);
  const isSound = segments.every((segment) => segment === '*' || !segment.includes('*'));
  if (isSound && segments.some((segment) => segment !== '*' && segment !== '')) return;
  throw new OciError('USAGE', `${quoted(identity)} is no pattern of identities`, {
    hint: 'A "*" stands for one whole segment between "/" and "@", and something else has to be named.',
  });
}

/** Whether an identity is of a pattern that {@link checkIdentity} let through. */
export function matchesIdentity(pattern: string, identity: string): boolean {
  const wanted = segmentsOf(pattern);
  const found = segmentsOf(identity);
  return (
    wanted.length === found.length &&
    separatorsOf(pattern) === separatorsOf(identity) &&
    wanted.every((segment, at) => (segment === '*' ? found[at] !== '' : segment === found[at]))
  );
}

function segmentsOf(text: string): readonly string[] {
  return text.split(/[/@]/);
}

function separatorsOf(text: string): string {
  return text.replace(/[^/@]/g, '');
}
