import { OciError } from '@oci/spec-types';

/** Kinds of words that the shell may offer; names and tags come from the cache. */
export type Completion =
  | 'directory'
  | 'extension-name'
  | 'extension-type'
  | 'file'
  | 'kcl-name'
  | 'namespace'
  | 'reference'
  | 'registry'
  | 'repository'
  | 'topic'
  | 'version';

export interface ArgumentDefinition<Name extends string> {
  readonly name: Name;
  readonly description: string;
  readonly optional?: boolean;
  /** May be written behind the argument before it: `NAME:VERSION`. */
  readonly joins?: boolean;
  /** All words that are left. */
  readonly variadic?: boolean;
  readonly choices?: readonly string[];
  readonly completes?: Completion;
}

export interface OptionDefinition<Name extends string> {
  /** In camel case: `installDir` is `--install-dir`. */
  readonly name: Name;
  readonly short?: string;
  readonly description: string;
  /** Placeholder of the value in the help; an option without one is a switch. */
  readonly value?: string;
  /** May be given several times; the values are an array. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly conflicts?: string;
  /** Makes something else of the text, which follows the flag. @throws OciError `USAGE` */
  readonly parse?: (text: string, flag: string) => unknown;
  readonly completes?: Completion;
}

/** The flag of an option: `installDir` is `--install-dir`. */
export function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Returns a parser of whole numbers; without `to`, of up to 15 digits. */
export function wholeNumber({
  from = 0,
  to,
}: {
  readonly from?: number;
  readonly to?: number;
}): (text: string, flag: string) => number {
  const greatest = to ?? 999_999_999_999_999;
  return (text: string, flag: string): number => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= from && value <= greatest) return value;
    const range = to === undefined ? `from ${from}` : `from ${from} to ${to}`;
    throw new OciError('USAGE', `${flag} ${text.slice(0, 50)}: it is a whole number ${range}`, {
      hint: `Leave ${flag} out for the default.`,
    });
  };
}
