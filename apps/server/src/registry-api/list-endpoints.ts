import { type RepositoryName, isRepositoryName, isTag } from '@oci/spec-types';
import { type Page, registryPaths } from '@oci/spec-types/registry-api';

import { ApiError } from './api-error.js';
import { type ApiRequest, answerJson } from './api-request.js';

/** Entries of one page, at most and when none is asked for. */
const pageSize = { most: 10_000, usual: 1000 };

/** end-8: the tags of a repository. */
export async function serveTags(api: ApiRequest, name: RepositoryName): Promise<void> {
  if (!(await api.registry.hasRepository(name))) {
    throw new ApiError(404, 'NAME_UNKNOWN', `there is no repository ${name}`);
  }
  const page = pageOf(api);
  const { last } = page;
  const after = last !== undefined && isTag(last) ? last : undefined;
  const { entries, more } = await take(
    api.registry.manifests.tags(name, { after, pageSize: page.n + 1, signal: api.signal }),
    page,
  );
  const next = (last: string): string => registryPaths.tags(name, { n: page.n, last });
  answerJson(api, { name, tags: entries }, linkTo(entries, more, next));
}

/** The catalog, which registries have in common though the specification only reserves its name. */
export async function serveCatalog(api: ApiRequest): Promise<void> {
  const page = pageOf(api);
  const { entries, more } = await take(shown(api, page), page);
  const next = (last: string): string => registryPaths.catalog({ n: page.n, last });
  answerJson(api, { repositories: entries }, linkTo(entries, more, next));
}

async function* shown(
  { registry, permits, signal }: ApiRequest,
  { n, last }: Page & { readonly n: number },
): AsyncGenerator<RepositoryName, void, undefined> {
  const after = last !== undefined && isRepositoryName(last) ? last : undefined;
  const names = registry.listRepositories({ after, pageSize: n + 1, signal });
  for await (const name of names) if (permits.list(name)) yield name;
}

function pageOf({ query }: ApiRequest): Page & { readonly n: number } {
  const text = query.get('n');
  const last = query.get('last');
  if (text !== null && !/^\d{1,9}$/.test(text)) {
    throw new ApiError(400, 'UNSUPPORTED', 'n is not a whole number');
  }
  const n = text === null ? pageSize.usual : Math.min(Number(text), pageSize.most);
  return { n, ...(last !== null && { last }) };
}

async function take<T extends string>(
  all: AsyncIterable<T>,
  { n, last }: Page & { readonly n: number },
): Promise<{ entries: readonly T[]; more: boolean }> {
  const entries: T[] = [];
  for await (const entry of all) {
    if (last !== undefined && entry <= last) continue;
    if (entries.length >= n) return { entries, more: n > 0 };
    entries.push(entry);
  }
  return { entries, more: false };
}

function linkTo(
  entries: readonly string[],
  more: boolean,
  next: (last: string) => string,
): Readonly<Record<string, string>> {
  const last = entries.at(-1);
  return more && last !== undefined ? { link: `<${next(last)}>; rel="next"` } : {};
}
