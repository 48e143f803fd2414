import { OciError } from '@oci/spec-types';

import type { CommandDefinition } from './definition.js';

/** The schemes that skopeo, Helm and kpm write in front of a reference. */
export const referenceScheme = /^(?:docker|oci):\/\//;

/**
 * Splits `NAME:VERSION` where a command takes `NAME VERSION`, so that commands get both, whichever was written.
 *
 * @throws OciError `USAGE` for two versions that differ, for none where one is needed, for a reference with a host
 */
export function splitJoinedVersion(
  { name: command, arguments: taken = [] }: CommandDefinition,
  input: Readonly<Record<string, unknown>>,
): object {
  const names: readonly {
    readonly name: string;
    readonly joins?: boolean;
    readonly optional?: boolean;
  }[] = taken;
  const at = names.findIndex(({ joins }) => joins);
  const [before, argument] = [names[at - 1]?.name ?? '', names[at]];
  const text = input[before];
  if (!argument || typeof text !== 'string') return input;
  const [, name = text, joined] = /^([^:]*):(.*)$/s.exec(text.replace(referenceScheme, '')) ?? [];
  if (referenceScheme.test(text) || (joined !== undefined && joined.includes('/'))) {
    throw new OciError('USAGE', `${text} is a reference, and ${command} takes a name`, {
      hint: `Name it as NAME:VERSION or NAME VERSION. For any reference: ocictl pull ${text.replace(referenceScheme, '')}`,
    });
  }
  const given = input[argument.name] as string | undefined;
  if (joined !== undefined && given !== undefined && joined !== given) {
    throw new OciError('USAGE', `${text} and ${given} name two versions`, {
      hint: `Name one: ${name} ${given}`,
    });
  }
  const version = joined ?? given;
  if (version === undefined && !argument.optional) {
    throw new OciError('USAGE', `missing required argument '${argument.name}'`, {
      hint: `Name it as NAME:VERSION or NAME VERSION. See: ocictl ${command} --help`,
    });
  }
  return { ...input, [before]: name, [argument.name]: version };
}
