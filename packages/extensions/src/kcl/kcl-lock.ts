import { type Digest, OciError, isDigest } from '@oci/spec-types';
import { stringify } from 'smol-toml';

import { asTable, parseToml, textOf } from '../document/toml.js';

/** A package that `kcl.mod.lock` holds to one content. */
export interface LockedPackage {
  /** What it is imported by. */
  readonly name: string;
  readonly version: string;
  /** kpm's sum; empty when nobody published one. */
  readonly sum: string;
  readonly registry: string | undefined;
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** Of the manifest. kpm neither writes nor reads it. */
  readonly digest: Digest | undefined;
}

/** @throws OciError `EXTENSION_INVALID`, `LIMIT_EXCEEDED` */
export function parseKclLock(text: string): ReadonlyMap<string, LockedPackage> {
  const table = asTable(parseToml(text, 'kcl.mod.lock')['dependencies']) ?? {};
  return new Map(Object.entries(table).map(([name, entry]) => [name, lockedOf(name, entry)]));
}

function lockedOf(key: string, value: unknown): LockedPackage {
  const table = asTable(value);
  const version = textOf(table, 'version');
  const digest = textOf(table, 'digest');
  if (!table || (digest !== undefined && !isDigest(digest))) {
    throw new OciError('EXTENSION_INVALID', `the entry ${key} of kcl.mod.lock is not valid`, {
      hint: 'Remove it, and vendor the packages again.',
      reason: { kind: 'lock-invalid', of: 'kcl' },
    });
  }
  return {
    name: textOf(table, 'name') ?? key,
    version: version ?? textOf(table, 'oci_tag') ?? '',
    sum: textOf(table, 'sum') ?? '',
    registry: textOf(table, 'reg'),
    repository: textOf(table, 'repo'),
    tag: textOf(table, 'oci_tag'),
    digest,
  };
}

/** The text of a `kcl.mod.lock` in kpm's form, names in order, with the digest of each manifest beside. */
export function formatKclLock(packages: Iterable<LockedPackage>): string {
  const sorted = [...packages].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const dependencies = Object.fromEntries(
    sorted.map((entry) => [
      entry.name,
      {
        name: entry.name,
        full_name: `${entry.name}_${entry.version}`,
        version: entry.version,
        ...(entry.sum !== '' && { sum: entry.sum }),
        ...(entry.registry !== undefined && { reg: entry.registry }),
        ...(entry.repository !== undefined && { repo: entry.repository }),
        ...(entry.tag !== undefined && { oci_tag: entry.tag }),
        ...(entry.digest !== undefined && { digest: entry.digest }),
      },
    ]),
  );
  return sorted.length === 0 ? '' : `${stringify({ dependencies }).trimEnd()}\n`;
}
