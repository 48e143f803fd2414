import { parseByteSize } from '@oci/manager/config';

import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { wholeNumber } from '../command/options.js';

const dryRun = { name: 'dryRun', description: 'tell what would be done, and do nothing' } as const;

const count = wholeNumber({});

export const cacheCommands: readonly CommandDefinition[] = [
  defineCommand<{ repository?: string; limit?: number; after?: string }>({
    name: 'cache list',
    aliases: ['cache ls'],
    summary: 'list what is in the cache: size, last use, and what is pinned',
    arguments: [
      {
        name: 'repository',
        description: 'e.g. kcl/provisioning-core, or kcl for all below; default: all',
        optional: true,
        completes: 'repository',
      },
    ],
    options: [
      {
        name: 'limit',
        value: 'n',
        description: 'versions to list, 1 to 10000; default: 1000',
        parse: wholeNumber({ from: 1, to: 10_000 }),
      },
      {
        name: 'after',
        value: 'reference',
        description: 'go on behind this one: the last of the page before',
        completes: 'reference',
      },
    ],
    examples: ['ocictl cache list', 'ocictl cache list kcl --format json'],
    json: 'cache-list',
    load: async () => (await import('./cache-list.js')).listCache,
  }),
  defineCommand<object>({
    name: 'cache stats',
    summary: 'count what is in the cache',
    examples: ['ocictl cache stats', 'ocictl cache stats --format json'],
    json: 'cache-stats',
    load: async () => (await import('./cache-contents.js')).cacheStats,
  }),
  defineCommand<{
    maxAge?: number;
    maxUnused?: number;
    maxVersions?: number;
    maxSize?: number;
    grace?: number;
    dryRun?: boolean;
  }>({
    name: 'cache prune',
    summary: 'remove what the rules let go, and what crashes left behind',
    description:
      'Without a rule of its own it goes by the settings cache.max_age_days, cache.max_unused_days, cache.max_versions and cache.max_size. It never removes what is pinned, or what a running pull of any process relies on.',
    options: [
      { name: 'maxAge', value: 'days', description: 'what came longer ago goes', parse: count },
      {
        name: 'maxUnused',
        value: 'days',
        description: 'what was not used for longer goes',
        parse: count,
      },
      {
        name: 'maxVersions',
        value: 'n',
        description: 'versions of a package that stay: those used last',
        parse: count,
      },
      {
        name: 'maxSize',
        value: 'size',
        description: 'e.g. 500MB, 10GiB; what was not used for longest goes',
        parse: (text) => parseByteSize(text),
      },
      {
        name: 'grace',
        value: 'minutes',
        description: 'what was used since stays; default 10',
        parse: count,
      },
      dryRun,
    ],
    examples: ['ocictl cache prune --max-age 30', 'ocictl cache prune --max-size 10GiB --dry-run'],
    json: 'cache-prune',
    load: async () => (await import('./cache-prune.js')).pruneCache,
  }),
  defineCommand<{ limit?: number; restart?: boolean; dryRun?: boolean }>({
    name: 'cache verify',
    summary: 'hash everything in the cache: exit 7 when something was damaged',
    description:
      'What is damaged is set aside, and fetched again when it is needed. A run that was interrupted is gone on with.',
    options: [
      { name: 'limit', value: 'n', description: 'blobs to look at in this run', parse: count },
      { name: 'restart', description: 'begin with the first blob' },
      { ...dryRun, description: 'set nothing aside' },
    ],
    examples: ['ocictl cache verify', 'ocictl cache verify --limit 1000'],
    json: 'cache-verify',
    load: async () => (await import('./cache-verify.js')).verifyCache,
  }),
  defineCommand<{ dryRun?: boolean }>({
    name: 'cache clear',
    summary: 'remove everything that was downloaded',
    options: [dryRun],
    examples: ['ocictl cache clear'],
    json: 'cache-clear',
    load: async () => (await import('./cache-contents.js')).clearCache,
  }),
  defineCommand<{ path: string; references: readonly string[]; dryRun?: boolean }>({
    name: 'cache export',
    summary: 'write what is in the cache to an OCI image layout',
    description:
      'A tar when the path ends with .tar, else a directory. Signatures and whatever else refers to an artifact come along, when they are in the cache.',
    arguments: [
      { name: 'path', description: 'a directory, or a file NAME.tar', completes: 'file' },
      {
        name: 'references',
        description: 'registry/repository:tag, or the end of one; default all',
        optional: true,
        variadic: true,
        completes: 'reference',
      },
    ],
    options: [dryRun],
    examples: [
      'ocictl cache export packages.tar',
      'ocictl cache export ./layout kcl/provisioning-core:1.0.0',
    ],
    json: 'cache-export',
    load: async () => (await import('./cache-layout.js')).exportCache,
  }),
  defineCommand<{ path: string; repository?: string; dryRun?: boolean }>({
    name: 'cache import',
    summary: 'read an OCI image layout into the cache',
    description: 'What was exported is pulled from then on without a network, also with --offline.',
    arguments: [{ name: 'path', description: 'a directory, or a tar', completes: 'file' }],
    options: [
      {
        name: 'repository',
        value: 'name',
        description: 'registry/repository of entries that are named by a tag alone',
        completes: 'repository',
      },
      dryRun,
    ],
    examples: ['ocictl cache import packages.tar'],
    json: 'cache-import',
    load: async () => (await import('./cache-layout.js')).importCache,
  }),
  defineCommand<{ reference: string }>({
    name: 'cache pin',
    summary: 'keep a version from being pruned',
    arguments: [
      { name: 'reference', description: 'registry/repository:tag', completes: 'reference' },
    ],
    examples: ['ocictl cache pin localhost:5000/kcl/provisioning-core:1.0.0'],
    json: 'cache-pin',
    load: async () => (await import('./cache-pin.js')).pin,
  }),
  defineCommand<{ reference: string }>({
    name: 'cache unpin',
    summary: 'let a version be pruned again',
    arguments: [
      { name: 'reference', description: 'registry/repository:tag', completes: 'reference' },
    ],
    examples: ['ocictl cache unpin localhost:5000/kcl/provisioning-core:1.0.0'],
    json: 'cache-pin',
    load: async () => (await import('./cache-pin.js')).unpin,
  }),
];
