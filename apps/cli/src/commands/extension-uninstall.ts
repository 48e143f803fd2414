import { uninstallExtension } from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { installDirOf } from './extension-settings.js';

interface UninstallArguments {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly installDir?: string;
  readonly force?: boolean;
}

export async function uninstall(args: UninstallArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output, settings, signal }) => {
    const extension = { type: parseExtensionType(args.type), name: args.name };
    const { type, name, versions } = await uninstallExtension(extension, {
      installDir: installDirOf(settings, args.installDir),
      version: args.version,
      force: args.force,
      signal,
    });
    output.print({
      json: { type, name, versions },
      text: `uninstalled ${type} ${name} ${versions.join(', ')}`,
    });
  });
}
