import { LayoutIndex, createFileObjectStore } from '@oci/cache';
import type { RouteTable } from '@oci/manager';
import {
  type Reference,
  annotations,
  isOciError,
  parseReference,
  versionOfTag,
} from '@oci/spec-types';

import { referenceText } from '../registry/named-artifact.js';
import type { Wanted } from './words.js';

type Values = Extract<Wanted, { kind: 'values' }>;

export interface Place {
  readonly cacheDir: string;
  readonly routes: RouteTable;
  /** Of extensions. */
  readonly namespace: string;
}

/** What the cache knows that may stand for a word. Nothing is asked of a registry. */
export async function cachedNames(wanted: Values, place: Place): Promise<readonly string[]> {
  const all = await references(place.cacheDir);
  const isOwn = ({ registry, repository }: Reference): boolean =>
    place.routes.isOf(registry, repository);
  const own = all.filter(isOwn);
  return [...new Set(names(wanted, { all, own, place }))].sort();
}

interface Known {
  readonly all: readonly Reference[];
  /** Of the registries that their names belong to. */
  readonly own: readonly Reference[];
  readonly place: Place;
}

function names({ of, given, command }: Values, { all, own, place }: Known): readonly string[] {
  switch (of) {
    case 'registry':
      return [...place.routes.registries, ...all.map(({ registry }) => registry)];
    case 'namespace':
      return own.map(({ repository }) => repository.split('/').slice(0, -1).join('/'));
    case 'repository':
      return own.map(({ repository }) => repository);
    case 'reference':
      return all.flatMap((reference) => {
        const full = referenceText(reference);
        return own.includes(reference) ? [full, full.slice(reference.registry.length + 1)] : [full];
      });
    case 'kcl-name':
      return below(own, 'kcl/');
    case 'extension-name':
      return below(own, `${place.namespace}/${given['type'] ?? ''}/`);
    case 'version':
      return versions(own, repositoryOf({ given, command }, place));
    case 'directory':
    case 'extension-type':
    case 'file':
    case 'topic':
      return [];
  }
}

function repositoryOf({ given, command }: Pick<Values, 'given' | 'command'>, place: Place): string {
  const { repository, name = '', type = '' } = given;
  if (repository !== undefined) return repository;
  return command.startsWith('kcl ') ? `kcl/${name}` : `${place.namespace}/${type}/${name}`;
}

function below(references: readonly Reference[], prefix: string): readonly string[] {
  return references
    .filter(({ repository }) => repository.startsWith(prefix))
    .map(({ repository }) => repository.slice(prefix.length));
}

function versions(references: readonly Reference[], wanted: string): readonly string[] {
  return references.flatMap(({ repository, tag }) =>
    repository === wanted && tag ? [versionOfTag(tag)] : [],
  );
}

async function references(cacheDir: string): Promise<readonly Reference[]> {
  const index = new LayoutIndex(createFileObjectStore(cacheDir));
  return (await index.list()).flatMap((entry) => {
    const name = entry.annotations?.[annotations.refName];
    if (name === undefined) return [];
    try {
      return [parseReference(name)];
    } catch (error) {
      // Another tool's name in the layout is no reference.
      if (isOciError(error)) return [];
      throw error;
    }
  });
}
