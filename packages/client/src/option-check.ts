import { OciError } from '@oci/spec-types';
import { isObject } from '@oci/spec-types/schemas';
import { nearest, quoted } from '@oci/spec-types/text';

/** The values that an option takes, in words and as a test. */
export type Kind = readonly [what: string, test: (value: unknown) => boolean];

/** The kind of each option, and under `members` the options that are in one. */
export type Kinds<O extends object = Readonly<Record<string, unknown>>> = Readonly<
  Record<keyof O, Kind | OptionGroup>
>;

export interface OptionGroup {
  readonly kind: Kind;
  readonly members: Readonly<Record<string, Kind | OptionGroup>>;
}

export const anything: Kind = ['anything', () => true];
export const text: Kind = ['text', (value) => typeof value === 'string'];
export const texts: Kind = ['a list of text', (value) => isListOf(value, text[1])];
export const flag: Kind = ['true or false', (value) => typeof value === 'boolean'];
export const callback: Kind = ['a function', (value) => typeof value === 'function'];
const object: Kind = ['an object', isObject];
export const objects: Kind = ['a list of objects', (value) => isListOf(value, isObject)];
/** Milliseconds or bytes; NaN is none. */
export const amount: Kind = ['a number from 0', (value) => typeof value === 'number' && value >= 0];
export const positive: Kind = [
  'a number from 1',
  (value) => typeof value === 'number' && value >= 1,
];
export const count: Kind = [
  'a whole number from 1',
  (value) => value === Infinity || (Number.isInteger(value) && Number(value) >= 1),
];

export function wholeUpTo(most: number): Kind {
  return [
    `1 to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most,
  ];
}

export function oneOf(...words: readonly string[]): Kind {
  const what = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return [what, (value) => typeof value === 'string' && words.includes(value)];
}

/** An object of options. */
export function group<O extends object>(members: Kinds<O>): OptionGroup {
  return { kind: object, members };
}

/**
 * Refuses options with a name that does not exist or a value of another kind; undefined is an option left out.
 *
 * @param path of the options in those that the caller gave, such as `retry.`
 * @throws OciError `USAGE`, with the nearest name
 */
export function checkOptions<O extends object>(given: unknown, kinds: Kinds<O>, path = ''): void {
  if (!isObject(given)) throw refused(`options are an object, not ${shown(given)}`, kinds);
  const known: Kinds = kinds;
  for (const name of Object.keys(given)) {
    const value = given[name];
    if (value === undefined) continue;
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (rule === undefined) throw unknown(`${path}${name}`, name, kinds);
    const [what, test] = 'kind' in rule ? rule.kind : rule;
    if (!test(value))
      throw refused(`the option ${path}${name} is ${what}, not ${shown(value)}`, kinds);
    if ('kind' in rule && isObject(value)) checkOptions(value, rule.members, `${path}${name}.`);
  }
}

export function shown(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : quoted(value);
}

function isListOf(value: unknown, test: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(test);
}

function unknown(path: string, name: string, kinds: object): OciError {
  const [near] = nearest(name, Object.keys(kinds), 1);
  const meant = near === undefined ? '' : `Did you mean ${near}? `;
  const message = `there is no option ${quoted(path)}`;
  if (name === 'timeout' && 'signal' in kinds)
    return new OciError('USAGE', message, {
      hint: 'Limit the time of a call with { signal: AbortSignal.timeout(milliseconds) }.',
    });
  return new OciError('USAGE', message, { hint: `${meant}${listed(kinds)}` });
}

function refused(message: string, kinds: object): OciError {
  return new OciError('USAGE', message, { hint: listed(kinds) });
}

function listed(kinds: object): string {
  return `Options here: ${Object.keys(kinds).join(', ')}.`;
}
