import {
  OciError,
  type RegistryHost,
  type RepositoryName,
  isRepositoryName,
} from '@oci/spec-types';

import type { HostOptions } from '../host-options.js';
import { parseRegistryAddress } from '../registry-address.js';

/** Which pulls a mirror is asked for (containers-registries.conf, `pull-from-mirror`). */
export type PullFromMirror = 'all' | 'digest-only' | 'tag-only';

/** Another registry that has copies of this one's content. */
export interface MirrorOptions extends HostOptions {
  /** `host[:port]` or a URL, with a path of repositories when the copies are below one. */
  readonly location: string;
  /**
   * Only these repositories, which the location stands for: one, and those below it. Default: all.
   */
  readonly repositories?: string | undefined;
  /** Default `all`. */
  readonly pullFrom?: PullFromMirror | undefined;
  /** Tells the mirror the registry's name (`?ns=`), as a mirror of several registries needs. */
  readonly ns?: boolean | undefined;
}

export interface MirrorLocation {
  readonly host: RegistryHost;
  readonly scheme: 'http' | 'https';
  /** The path of the location, empty when it is the whole registry. */
  readonly path: string;
  /** What it stands for; empty for all repositories. */
  readonly standsFor: string;
}

/** What a mirror calls a repository; undefined for one that it is not for. */
export function nameAt(
  { path, standsFor }: MirrorLocation,
  name: RepositoryName,
): RepositoryName | undefined {
  const parts = standsFor === '' ? [] : standsFor.split('/');
  const rest = name.split('/');
  if (!parts.every((part, index) => rest[index] === part)) return undefined;
  const full = [...(path === '' ? [] : [path]), ...rest.slice(parts.length)].join('/');
  return isRepositoryName(full) ? full : undefined;
}

/** @throws OciError `REFERENCE_INVALID` */
export function parseMirrorLocation(mirror: MirrorOptions): MirrorLocation {
  const { location, plainHttp = false, repositories: standsFor = '' } = mirror;
  const isText = typeof location === 'string';
  const match = isText ? /^((?:https?:\/\/)?[^/]+)(?:\/(.*?))?\/?$/.exec(location) : null;
  const address = parseRegistryAddress(match?.[1] ?? location, { plainHttp });
  const path = match?.[2] ?? '';
  for (const name of [path, standsFor]) {
    if (name === '' || isRepositoryName(name)) continue;
    throw new OciError(
      'REFERENCE_INVALID',
      `the mirror ${JSON.stringify(location.slice(0, 200))} has a path that no repository can have`,
      { hint: 'It looks like mirror.example, or mirror.example/some/path.' },
    );
  }
  return { ...address, path, standsFor };
}
