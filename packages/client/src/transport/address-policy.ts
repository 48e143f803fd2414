import { lookup as lookUp } from 'node:dns';
import { lookup as resolveHost } from 'node:dns/promises';
import { BlockList, type LookupFunction, isIP } from 'node:net';

import { OciError } from '@oci/spec-types';

/** Addresses that are not of the public internet (RFC 6890). */
const internal = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  internal.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  internal.addSubnet(network, prefix, 'ipv6');
}

/** Whether an IP address is loopback, private, link-local or otherwise not public. */
export function isInternalAddress(address: string): boolean {
  return internal.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Whether a URL's host is an internal address, or `localhost`, as it is written. */
export function isInternalHost(url: URL): boolean {
  const host = bareHost(url);
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    (isIP(host) !== 0 && isInternalAddress(host))
  );
}

/** Whether a URL's host is reached at an internal address; a name that resolves to nothing is not. */
export async function resolvesInternally(url: URL): Promise<boolean> {
  if (isInternalHost(url)) return true;
  const host = bareHost(url);
  if (isIP(host) !== 0) return false;
  const addresses = await resolveHost(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => isInternalAddress(address));
}

/**
 * Refuses where a registry must not send us: from HTTPS to HTTP, to a scheme that is none of the
 * two, and from a public registry to an internal host (GHSA-h7vf-4x9w-h99v and its kin).
 *
 * @throws OciError `POLICY_REFUSED`
 */
export function refuseUnsafeHop(from: URL, to: URL): void {
  const refuse = (why: string): never => {
    throw new OciError(
      'POLICY_REFUSED',
      `${from.host} sent us to ${to.protocol}//${to.host}, ${why}`,
      {
        hint: 'A registry that is set up correctly does not do this; ask who runs it.',
      },
    );
  };
  if (to.protocol !== 'http:' && to.protocol !== 'https:') refuse('which is not HTTP');
  if (from.protocol === 'https:' && to.protocol === 'http:') refuse('which is not encrypted');
  if (to.hostname !== from.hostname && !isInternalHost(from) && isInternalHost(to))
    refuse('an internal address');
}

/** A `lookup` for connections that refuses names of internal addresses, at the moment of connecting. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookUp(hostname, options, (error, address, family) => {
    const found = Array.isArray(address) ? address : [{ address }];
    const bad = error ? undefined : found.find((entry) => isInternalAddress(entry.address));
    if (!bad) return callback(error, address, family);
    const refusal = new OciError(
      'POLICY_REFUSED',
      `${hostname} is at the internal address ${bad.address}`,
    );
    return callback(refusal, '', 0);
  });
};

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}
