import { type ErrorReason, OciError } from '@oci/spec-types';

import { isInternalHost } from '../transport/address-policy.js';

/**
 * Refuses a token server that no registry should name: one without HTTPS for a registry with it, or
 * an internal address that is not the registry's own host (CVE-2026-48978).
 *
 * @param mayBeInternal true when the registry is internal, or the user trusts the token server
 * @throws OciError `POLICY_REFUSED`
 */
export function refuseUnsafeRealm(registry: URL, realm: URL, mayBeInternal: boolean): void {
  const refuse = (why: string, more?: ReturnType<typeof howToTrust>): never => {
    throw new OciError(
      'POLICY_REFUSED',
      `${registry.host} names the token server ${realm.protocol}//${realm.host}, ${why}`,
      more ?? { hint: 'A registry that is set up correctly does not do this; ask who runs it.' },
    );
  };
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:') refuse('which is not HTTP');
  if (realm.protocol === 'http:' && registry.protocol === 'https:')
    refuse('which is not encrypted');
  if (!mayBeInternal && realm.hostname !== registry.hostname && isInternalHost(realm))
    refuse('an internal address', howToTrust(registry.host, realm));
}

/** How to trust a token server. */
export function howToTrust(
  registry: string,
  { host }: URL,
): { readonly hint: string; readonly reason: ErrorReason } {
  return {
    hint: `If that is right, trust it: trustedRealms: ['${host}'].`,
    reason: { kind: 'realm-untrusted', registry, realm: host },
  };
}

/**
 * Whether stored credentials may go to a token server: on the registry's host, below the same
 * registrable domain (public suffix list; CVE-2026-33540), or on a host that the user trusts.
 */
export async function mayReceiveCredentials(
  registry: URL,
  realm: URL,
  trustedRealms: readonly string[],
): Promise<boolean> {
  if (realm.hostname === registry.hostname || trustedRealms.includes(realm.host)) return true;
  // The list of suffixes is long, and few registries have their tokens elsewhere.
  const { getDomain } = await import('tldts');
  const domain = getDomain(registry.hostname, { allowPrivateDomains: true });
  return domain !== null && domain === getDomain(realm.hostname, { allowPrivateDomains: true });
}
