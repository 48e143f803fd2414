import { parseRegistryAddress } from '@oci/client/transport';
import { OciError } from '@oci/spec-types';

import type { OciManagerOptions } from './oci-manager-options.js';

/**
 * Refuses what JavaScript lets through: a value that is missing or no text.
 *
 * @throws OciError `USAGE`, with a hint that names it
 */
export function ensureTexts(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') continue;
    throw missing(name, value === undefined ? 'missing' : `${article(kindOf(value))} and no text`);
  }
}

/**
 * Refuses options of a call that JavaScript lets through.
 *
 * @throws OciError `USAGE`, with a hint that names it
 */
export function ensureCallOptions(options: unknown): void {
  ensureKinds({ options }, { options: 'object' });
  ensureKinds(options, {
    registry: 'string',
    layer: 'string',
    output: 'string',
    onEvent: 'function',
    signal: 'object',
  });
}

/**
 * Refuses a question of trust that JavaScript lets through.
 *
 * @throws OciError `USAGE`, with a hint that names what is wrong
 */
export function ensureTrustQuestion(question: unknown): void {
  const { name, manifest, source, cache } = fieldsOf(question);
  const { registry, repository } = fieldsOf(name);
  ensureTexts({ registry, repository });
  ensureTexts({
    'manifest.descriptor.digest': fieldsOf(fieldsOf(manifest)['descriptor'])['digest'],
  });
  ensureKinds({ cache }, { cache: 'object' });
  if (typeof source === 'function') return;
  throw new OciError('USAGE', `source is ${article(kindOf(source))}`, {
    hint: 'Give source as a function that returns the repository of the signatures.',
  });
}

/**
 * Refuses options that no call could work with.
 *
 * @throws OciError `USAGE` for one that is missing, `REFERENCE_INVALID` for a `registryUrl` that is no address
 */
export function ensureOptions(options: unknown): void {
  const { registryUrl, namespace, cacheDir } = fieldsOf(options);
  ensureTexts({ registryUrl, namespace, cacheDir });
  ensureKinds(options, {
    connection: 'object',
    credentials: 'function',
    freshness: 'object',
    manifestCache: 'object',
    openSource: 'function',
    repositories: 'array',
    retention: 'object',
    routes: 'object',
    templates: 'object',
    trust: 'array',
  });
  const { repositories = [], routes = {}, templates = {} } = options as OciManagerOptions;
  for (const repository of repositories) ensureTexts({ 'each of repositories': repository });
  ensureTexts({ ...routes, ...templates });
  // Empty it would be whatever directory the program runs in.
  if (cacheDir === '') throw missing('cacheDir', 'empty');
  parseRegistryAddress(String(registryUrl), { plainHttp: false });
}

type Kind = 'string' | 'object' | 'array' | 'function';

/** @throws OciError `USAGE` for a value that is given and of another kind */
function ensureKinds(given: unknown, kinds: Readonly<Record<string, Kind>>): void {
  const values = fieldsOf(given);
  for (const [name, kind] of Object.entries(kinds)) {
    const value = values[name];
    if (value === undefined || kindOf(value) === kind) continue;
    throw new OciError('USAGE', `${name} is ${article(kindOf(value))}`, {
      hint: `Give ${name} as ${article(kind)}, or leave it out.`,
    });
  }
}

const examples: Readonly<Record<string, string>> = {
  registryUrl: 'http://localhost:5000',
  namespace: 'provisioning-extensions',
  cacheDir: '/tmp/oci-cache',
  version: '1.0.0',
};

function missing(name: string, what: string): OciError {
  const example = Object.hasOwn(examples, name) ? `, such as '${examples[name]}'` : '';
  return new OciError('USAGE', `${name} is ${what}`, {
    hint: `Give ${name} as a string${example}.`,
  });
}

function fieldsOf(value: unknown): Readonly<Partial<Record<string, unknown>>> {
  return Object(value) as Readonly<Partial<Record<string, unknown>>>;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function article(kind: string): string {
  if (kind === 'null' || kind === 'undefined') return kind;
  return /^[ao]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}
