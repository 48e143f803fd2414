import { type RegistryRoute, parseRegistryPath } from '@oci/spec-types/registry-api';

/** What a URL names; clients may write `%3A` for the colon of a digest. */
export function requestRoute({ pathname }: URL): RegistryRoute | undefined {
  try {
    return parseRegistryPath(decodeURIComponent(pathname));
  } catch {
    return undefined;
  }
}
