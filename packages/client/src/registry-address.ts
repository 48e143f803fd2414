import { OciError, type RegistryHost, parseRegistryHost } from '@oci/spec-types';
import { isLoopback } from '@oci/spec-types/node';
import { quoted } from '@oci/spec-types/text';

/** Which registry, and how it is spoken to. */
export interface RegistryAddress {
  readonly host: RegistryHost;
  readonly scheme: 'http' | 'https';
}

/**
 * Parses what a user writes for a registry: a URL without a path, or a bare `host[:port]`, which means
 * HTTPS, on loopback HTTP as in docker, crane and oras.
 *
 * @throws OciError `REFERENCE_INVALID`
 */
export function parseRegistryAddress(
  text: string,
  options: { plainHttp: boolean },
): RegistryAddress {
  if (typeof text !== 'string') throw notAnAddress(text);
  const match = /^(https?):\/\/([^/?#@]+)\/?$/.exec(text);
  if (match)
    return {
      host: parseRegistryHost(match[2] ?? ''),
      scheme: match[1] === 'http' ? 'http' : 'https',
    };
  const bare = text.replace(/\/$/, '');
  if (bare.includes('/') || text.includes('@')) {
    throw notAnAddress(text);
  }
  const host = parseRegistryHost(bare);
  return { host, scheme: options.plainHttp || isLoopback(hostName(host)) ? 'http' : 'https' };
}

function notAnAddress(text: unknown): OciError {
  return new OciError('REFERENCE_INVALID', `${quoted(text)} is not the address of a registry`, {
    hint: 'It looks like https://registry.example or localhost:5000, without a path, user or password.',
  });
}

/** Leaves out the port, and the brackets of IPv6. */
function hostName(host: RegistryHost): string {
  return host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}
