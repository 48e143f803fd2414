import { OciError, type RegistryHost, isRepositoryName } from '@oci/spec-types';

import type { HostOptions } from '../host-options.js';
import { parseRegistryAddress } from '../registry-address.js';

/** Which pulls a mirror is asked for (containers-registries.conf, `pull-from-mirror`). */
export type PullFromMirror = 'all' | 'digest-only' | 'tag-only';

/** Another registry that has copies of this one's content. */
export interface MirrorOptions extends HostOptions {
  /** `host[:port]` or a URL, with a path of repositories when the copies are below one. */
  readonly location: string;
  /** Default `all`. */
  readonly pullFrom?: PullFromMirror | undefined;
  /** Tells the mirror the registry's name (`?ns=`), as a mirror of several registries needs. */
  readonly ns?: boolean | undefined;
}

export interface MirrorLocation {
  readonly host: RegistryHost;
  readonly scheme: 'http' | 'https';
  /** In front of a repository's name; empty or with a slash at its end. */
  readonly prefix: string;
}

/** @throws OciError `REFERENCE_INVALID` */
export function parseMirrorLocation(
  location: string,
  options: { plainHttp: boolean },
): MirrorLocation {
  const match = /^((?:https?:\/\/)?[^/]+)(?:\/(.*?))?\/?$/.exec(location);
  const address = parseRegistryAddress(match?.[1] ?? location, options);
  const path = match?.[2] ?? '';
  if (path === '') return { ...address, prefix: '' };
  if (isRepositoryName(path)) return { ...address, prefix: `${path}/` };
  throw new OciError(
    'REFERENCE_INVALID',
    `the mirror ${JSON.stringify(location.slice(0, 200))} has a path that no repository can have`,
    { hint: 'It looks like mirror.example, or mirror.example/some/path.' },
  );
}
