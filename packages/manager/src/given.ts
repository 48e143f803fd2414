import { parseRegistryAddress } from '@oci/client';
import { OciError } from '@oci/spec-types';

/**
 * Refuses what JavaScript lets through: a value that is missing or no text.
 *
 * @throws OciError `USAGE`, with a hint that names it
 */
export function ensureTexts(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string') continue;
    throw missing(name, value === undefined ? 'missing' : `${kindOf(value)} and no text`);
  }
}

/**
 * Refuses options that no call could work with.
 *
 * @throws OciError `USAGE` for one that is missing, `REFERENCE_INVALID` for a `registryUrl` that is no address
 */
export function ensureOptions(options: unknown): void {
  const { registryUrl, namespace, cacheDir }: Readonly<Partial<Record<string, unknown>>> =
    Object(options);
  ensureTexts({ registryUrl, namespace, cacheDir });
  // Empty it would be whatever directory the program runs in.
  if (cacheDir === '') throw missing('cacheDir', 'empty');
  parseRegistryAddress(String(registryUrl), { plainHttp: false });
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

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a ${typeof value}`.replace('a object', 'an object');
}
