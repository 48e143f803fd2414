import { OciError } from '@oci/spec-types';

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 for a port that the system chooses. */
  readonly port: number;
}

/** Parses `host:port` or `[ipv6]:port`. @throws OciError `CONFIG_INVALID` */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new OciError('CONFIG_INVALID', `invalid listen address ${JSON.stringify(text)}`, {
      hint: 'It looks like 127.0.0.1:5000 or [::1]:5000; port 0 takes a free one.',
    });
  }
  return { host, port };
}

export function formatOrigin(
  { host, port }: ListenAddress,
  scheme: 'http' | 'https' = 'http',
): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
