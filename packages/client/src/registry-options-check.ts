import { OciError } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

import type { MirrorOptions } from './mirrors/mirror.js';
import type { RegistryOptions } from './registry-options.js';

/** What an option can be, in words and as a test. */
type Kind = readonly [what: string, test: (value: unknown) => boolean];

const text: Kind = ['text', (value) => typeof value === 'string'];
const flag: Kind = ['true or false', (value) => typeof value === 'boolean'];
const number: Kind = ['a number', (value) => typeof value === 'number'];
const callback: Kind = ['a function', (value) => typeof value === 'function'];
const object: Kind = ['an object', isObject];
const texts: Kind = ['a list of text', (value) => isListOf(value, text[1])];
const objects: Kind = ['a list of objects', (value) => isListOf(value, isObject)];
const headers: Kind = [
  'an object of text, or a function that finds one',
  (value) => typeof value === 'function' || (isObject(value) && hasOnly(value, text[1])),
];
const proxy: Kind = ['an object, or false', (value) => value === false || isObject(value)];
const numbers: Kind = [
  'an object of numbers from 0',
  (value) =>
    isObject(value) &&
    hasOnly(value, (one) => typeof one === 'function' || (typeof one === 'number' && one >= 0)),
];

const kinds: Readonly<Record<keyof RegistryOptions | keyof MirrorOptions, Kind>> = {
  url: text,
  plainHttp: flag,
  credentials: callback,
  onHelperFailure: [
    'anonymous, fail or a function',
    (value) => typeof value === 'function' || ['anonymous', 'fail'].includes(String(value)),
  ],
  trustedRealms: texts,
  insecure: flag,
  ca: text,
  clientCertificate: object,
  headers,
  mirrors: objects,
  retry: numbers,
  limits: numbers,
  download: numbers,
  timeouts: numbers,
  pace: numbers,
  bytesPerSecond: number,
  proxy,
  publicOnly: flag,
  tokenCacheFile: text,
  userAgent: ['one line of ASCII text', (value) => /^[\x20-\x7e]*$/.test(String(value))],
  observer: callback,
  location: text,
  repositories: text,
  pullFrom: [
    'all, digest-only or tag-only',
    (value) => ['all', 'digest-only', 'tag-only'].includes(String(value)),
  ],
  ns: flag,
};

/** Checks the kind of each option, of mirrors too. @throws OciError `USAGE` */
export function checkRegistryOptions(options: Partial<RegistryOptions> | MirrorOptions): void {
  const given: unknown = options;
  if (!isObject(given)) throw usage(`options are an object, not ${quoted(options)}`);
  for (const [name, [what, test]] of Object.entries(kinds)) {
    const value = given[name];
    if (value === undefined || test(value)) continue;
    throw usage(`the option ${name} is ${what}, not ${quoted(value)}`);
  }
  const { mirrors = [] } = options as Partial<RegistryOptions>;
  for (const mirror of mirrors) checkRegistryOptions(mirror);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, test: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(test);
}

/** Whether all members that are given pass. */
function hasOnly(value: object, test: (member: unknown) => boolean): boolean {
  return Object.values(value).every((member) => member === undefined || test(member));
}

function usage(message: string): OciError {
  return new OciError('USAGE', message, {
    hint: 'Options of a registry look like { url, credentials, mirrors }.',
  });
}
