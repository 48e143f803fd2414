import { rollbackExtension } from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import { installDirOf } from './extension-settings.js';

interface RollbackArguments {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly installDir?: string;
}

export async function rollback(args: RollbackArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output, settings, signal }) => {
    const extension = { type: parseExtensionType(args.type), name: args.name };
    const { from, version, path } = await rollbackExtension(extension, {
      installDir: installDirOf(settings, args.installDir),
      to: args.version,
      signal,
    });
    output.print({
      json: { ...extension, from, version, path },
      text: fields([
        ['in use', `${extension.type} ${extension.name} ${version}`],
        ['before', from ?? '-'],
        ['path', path],
      ]),
      brief: path,
    });
  });
}
