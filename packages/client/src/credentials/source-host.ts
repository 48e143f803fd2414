import { OciError, type RegistryHost, parseRegistryHost } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Returns the host that a credential is for, as sources are asked for it. @throws OciError `USAGE` */
export function sourceHost(registry: string): RegistryHost {
  try {
    return parseRegistryHost(registry);
  } catch (cause) {
    throw new OciError('USAGE', `a credential is for the host of a registry: ${quoted(registry)}`, {
      cause,
      hint: 'Give host[:port] without https:// and without a path, e.g. ghcr.io.',
    });
  }
}
