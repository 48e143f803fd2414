import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Finding,
  type Inspection,
  type ValidateOptions,
  contentRoot,
  extractArchive,
  inspectDirectory,
} from '@oci/extensions';
import { type ExtensionType, parseExtensionType } from '@oci/manager';
import { exitCodes } from '@oci/manager/program';
import { OciError } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

import { withTemporaryDirectory } from '@oci/files';
import { Exit, type Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { wrapped } from '../render/page.js';
import { type ValidationArguments, validationOf } from './extension-settings.js';

interface ValidateArguments extends ValidationArguments {
  readonly path: string;
  readonly type?: string;
  readonly strict?: boolean;
}

interface Expected {
  readonly type?: ExtensionType;
}

export async function validate(args: ValidateArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output }) => {
    const expected = args.type === undefined ? {} : { type: parseExtensionType(args.type) };
    const options = { ...(await validationOf(args)), env: invocation.terminal.env };
    const { findings, profile, metadata } = await inspect(args.path, expected, options);
    const isBad = ({ severity }: Finding): boolean => args.strict === true || severity === 'error';
    const isValid = !findings.some(isBad);
    output.print({
      json: {
        valid: isValid,
        profile: profile ?? null,
        name: metadata?.name ?? null,
        version: metadata?.version ?? null,
        required_env: metadata?.requiredEnv ?? [],
        dependencies: metadata?.dependencies ?? [],
        findings: findings.map(({ severity, path, message }) => ({ severity, path, message })),
      },
      text: (page) =>
        [
          ...findings.map(({ severity, path, message }) => `${severity}: ${path}: ${message}`),
          `${args.path} is ${isValid ? 'valid' : 'not valid'}${profile ? `, by the profile ${profile}` : ''}`,
        ]
          .map((line) => wrapped(printable(line), page))
          .join('\n'),
    });
    if (!isValid) throw new Exit(exitCodes.other);
  });
}

/** A directory as it is; an archive is unpacked for it, and removed again. */
async function inspect(
  path: string,
  expected: Expected,
  options: ValidateOptions,
): Promise<Inspection> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isDirectory()) return inspectDirectory(path, expected, options);
  if (!info?.isFile()) {
    throw new OciError('USAGE', `${path} can be read neither as a directory nor as an archive`, {
      hint: 'Name the directory or the archive that the extension is in.',
    });
  }
  return withTemporaryDirectory('ocictl-validate', async (work) => {
    const tree = await extractArchive(path, join(await work(), 'tree'));
    return inspectDirectory(await contentRoot(tree), expected, options);
  });
}
