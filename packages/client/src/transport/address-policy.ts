import { lookup as lookUp } from 'node:dns';
import { lookup as resolveHost } from 'node:dns/promises';
import { BlockList, type LookupFunction, isIP } from 'node:net';

import { OciError } from '@oci/spec-types';

/**
 * Networks that are not of the public internet: those of the IANA special-purpose address registries (RFC 6890) that
 * are not globally reachable as a whole, with multicast, and what was withdrawn.
 */
const internal = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  internal.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
] as const) {
  internal.addSubnet(network, prefix, 'ipv6');
}

/** All that IANA has given out as global unicast (RFC 4291); the rest is local, reserved or multicast. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address is loopback, private, link-local or otherwise not public. */
export function isInternalAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  if (isIP(bare) !== 6) return internal.check(bare, 'ipv4');
  const inner = embeddedAddress(bare);
  if (inner !== undefined) return internal.check(inner, 'ipv4');
  return !globalUnicast.check(bare, 'ipv6') || internal.check(bare, 'ipv6');
}

/** The IPv4 address that an IPv6 address leads to: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056). */
function embeddedAddress(address: string): string | undefined {
  const groups = groupsOf(address);
  const leads = (...first: readonly number[]): boolean =>
    first.every((group, index) => groups[index] === group);
  const at = (index: number): string => {
    const [high = 0, low = 0] = groups.slice(index, index + 2);
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  };
  if (leads(0, 0, 0, 0, 0, 0xffff) || leads(0x64, 0xff9b, 0, 0, 0, 0)) return at(6);
  return leads(0x2002) ? at(1) : undefined;
}

/** The eight groups, as the URL parser writes them: without a dotted part. */
function groupsOf(address: string): readonly number[] {
  const { hostname } = new URL(`http://[${address}]`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const parse = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const first = parse(head);
  const last = parse(tail ?? '');
  const zeros = Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array.from({ length: zeros }, () => 0), ...last];
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

/**
 * Refuses a host that is internal as it is written: no name is looked up for an address. What a proxy
 * connects to is not seen here, so its target is looked up as well as it can be.
 *
 * @throws OciError `POLICY_REFUSED`
 */
export async function refuseInternal(
  url: URL,
  { behindProxy }: { behindProxy: boolean },
): Promise<void> {
  if (!(behindProxy ? await resolvesInternally(url) : isInternalHost(url))) return;
  throw new OciError('POLICY_REFUSED', `${url.hostname} is an internal address`, {
    hint: 'A public registry led there; ask who runs it.',
  });
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
