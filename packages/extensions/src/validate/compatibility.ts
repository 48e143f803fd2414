import semver from 'semver';

import { isVersionRange } from '../depend/version-range.js';
import { type Finding, error, warning } from './finding.js';
import type { ExtensionMetadata } from './metadata.js';

/** Versions of what an extension will run with, by the names of `[compatibility]`. */
export type Runtime = Readonly<Record<string, string | undefined>>;

/** Holds the ranges that an extension declares against the versions that there are. */
export function compatibilityFindings(
  metadata: ExtensionMetadata,
  runtime: Runtime,
): readonly Finding[] {
  return Object.entries(metadata.compatibility).flatMap(([key, range]) => {
    if (!isVersionRange(range)) {
      const shown = JSON.stringify(range.slice(0, 200));
      return [error(metadata.file, `${key} ${shown} is no range of versions`)];
    }
    const running = runtime[key];
    if (running === undefined) return [];
    const version = semver.parse(running, { loose: true }) ?? semver.coerce(running);
    if (!version) return [error(metadata.file, `${key} ${JSON.stringify(running)} is no version`)];
    // A prerelease of what is asked for is what people test with.
    return semver.satisfies(version, range, { includePrerelease: true })
      ? []
      : [error(metadata.file, `needs ${key} ${range}, and this is ${running}`)];
  });
}

/** Warns of required variables that are not set. */
export function environmentFindings(
  metadata: ExtensionMetadata,
  env: Readonly<Record<string, string | undefined>>,
): readonly Finding[] {
  return metadata.requiredEnv
    .filter((name) => !env[name])
    .map((name) => warning(metadata.file, `needs the variable ${name}, which is not set`));
}
