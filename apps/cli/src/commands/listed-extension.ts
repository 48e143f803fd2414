import type { InventoryEntry } from '@oci/extensions';
import { compareVersions } from '@oci/manager';

import type { Drawing } from '../render/page.js';
import { ageText, shortDigest } from '../render/quantity.js';
import { table } from '../render/table.js';
import { type TreeNode, tree } from '../render/tree.js';

/** What is installed, and what the registry has of it. */
export interface ListedExtension extends InventoryEntry {
  /** Undefined when nobody asked; null when the registry has none. */
  readonly latest?: string | null;
  /** True when the tag of the version in use names other content now; undefined when the registry was not asked. */
  readonly republished?: boolean;
}

export function isOutdated(entry: ListedExtension): boolean {
  return entry.republished === true || hasNewer(entry);
}

function hasNewer({ current, latest }: ListedExtension): boolean {
  return current !== null && latest != null && compareVersions(latest, current) > 0;
}

/** Table of the installed extensions, one row each. */
export function extensionTable(listed: readonly ListedExtension[]): Drawing {
  const hasLatest = listed.some(({ latest }) => latest !== undefined);
  return table(
    [
      { heading: 'TYPE' },
      { heading: 'NAME', shrinksTo: 12 },
      { heading: 'IN USE', shrinksTo: 8 },
      ...(hasLatest ? [{ heading: 'LATEST', shrinksTo: 8 }] : []),
      { heading: 'PREVIOUS', shrinksTo: 8, leaves: 1 },
      { heading: 'SOURCE', shrinksTo: 20, leaves: 2, keeps: 'ends' },
    ],
    listed.map((entry) => [
      entry.type,
      entry.name,
      entry.current ?? '-',
      ...(hasLatest ? [`${entry.latest ?? '-'}${noteOf(entry)}`] : []),
      entry.previous ?? '-',
      entry.versions.find(({ version }) => version === entry.current)?.source ?? '-',
    ]),
  );
}

function noteOf(entry: ListedExtension): string {
  if (hasNewer(entry)) return ' (newer)';
  return entry.republished === true ? ' (published again)' : '';
}

/** Tree of the installed extensions: types, names, versions, and what each version needs. */
export function extensionTree(installDir: string, listed: readonly ListedExtension[]): Drawing {
  const types = [...new Set(listed.map(({ type }) => type))];
  return tree({
    label: installDir,
    children: types.map((type) => ({
      label: type,
      children: listed
        .filter((entry) => entry.type === type)
        .map((entry) => extensionNode(entry, listed)),
    })),
  });
}

function extensionNode(entry: ListedExtension, listed: readonly ListedExtension[]): TreeNode {
  const needing = listed.filter((other) => needs(other, keyOf(entry))).map(keyOf);
  const notes = [
    ...(entry.current === null ? ['none in use'] : []),
    ...(hasNewer(entry) ? [`newer: ${entry.latest}`] : []),
    ...(entry.republished === true ? ['published again'] : []),
    ...(needing.length > 0 ? [`needed by ${needing.join(', ')}`] : []),
  ];
  return {
    label: entry.name,
    ...(notes.length > 0 && { note: notes.join('; ') }),
    children: entry.versions.map((version) => versionNode(entry, version, listed)),
  };
}

function versionNode(
  { current, previous }: ListedExtension,
  { version, digest, installedAt, dependencies }: ListedExtension['versions'][number],
  listed: readonly ListedExtension[],
): TreeNode {
  const marks = new Map([
    [previous, ' (previous)'],
    [current, ' (in use)'],
  ]);
  return {
    label: `${version}${marks.get(version) ?? ''}`,
    note: `content ${shortDigest(digest)}, ${ageText(new Date(installedAt))}`,
    children: dependencies.map((key) => ({
      label: `needs ${key}`,
      note: inUse(listed.find((entry) => keyOf(entry) === key)),
    })),
  };
}

function inUse(entry: ListedExtension | undefined): string {
  return entry === undefined ? 'not installed' : (entry.current ?? 'none in use');
}

/** Whether the version in use needs it: another one does not keep it from being uninstalled. */
function needs({ current, versions }: ListedExtension, key: string): boolean {
  return versions.some(
    ({ version, dependencies }) => version === current && dependencies.includes(key),
  );
}

/** As dependencies are named. */
function keyOf({ type, name }: ListedExtension): string {
  return `${type}/${name}`;
}
