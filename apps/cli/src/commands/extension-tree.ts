import { ageText, shortDigest } from '../render/quantity.js';
import type { Drawing } from '../render/page.js';
import { type TreeNode, tree } from '../render/tree.js';
import { type ListedExtension, hasNewer } from './listed-extension.js';

/** What is installed, as a tree: types, names, versions, and what each version needs. */
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
