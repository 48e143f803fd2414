import { resolve } from 'node:path';

import { type Runtime, type ValidationProfile, parseProfiles } from '@oci/extensions';
import type { Settings } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import { readText } from '../read-text.js';

/** What an extension is validated with. */
export interface ValidationArguments {
  readonly profiles?: string;
  readonly runtime?: readonly string[];
}

export function installDirOf(settings: Settings, given: string | undefined): string {
  return given === undefined ? settings.values.install_dir : resolve(given);
}

/** @throws OciError `CONFIG_INVALID`, `USAGE` */
export async function validationOf(args: ValidationArguments): Promise<{
  readonly profiles: readonly ValidationProfile[];
  readonly runtime: Runtime;
}> {
  return {
    profiles: args.profiles === undefined ? [] : await readProfiles(args.profiles),
    runtime: Object.fromEntries((args.runtime ?? []).map(parseRuntime)),
  };
}

async function readProfiles(file: string): Promise<readonly ValidationProfile[]> {
  return parseProfiles(await readText(file), file);
}

function parseRuntime(text: string): readonly [key: string, version: string] {
  const match = /^([a-z][a-z0-9_]*)=(\S+)$/.exec(text);
  if (match) return [match[1] ?? '', match[2] ?? ''];
  throw new OciError('USAGE', `--runtime ${JSON.stringify(text)} is not key=version`, {
    hint: 'For example: --runtime kcl_version=0.11.2',
  });
}
