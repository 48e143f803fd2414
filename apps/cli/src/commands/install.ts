import { resolve } from 'node:path';

import { installExtension } from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';

import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/invocation.js';

interface InstallArguments {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly installDir?: string;
}

export async function install(args: InstallArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, settings, signal }) => {
    const { name, version } = args;
    const target = { type: parseExtensionType(args.type), name, version };
    const installDir =
      args.installDir === undefined ? settings.values.install_dir : resolve(args.installDir);
    const operation = installExtension(manager, target, { installDir, signal });
    operation.on(progress);
    const installed = await operation;
    output.print({
      json: {
        path: installed.path,
        type: target.type,
        name,
        version,
        digest: installed.digest,
        changed: installed.changed,
      },
      text: fields([
        [installed.changed ? 'installed' : 'unchanged', `${target.type} ${name} ${version}`],
        ['digest', installed.digest],
        ['path', installed.path],
      ]),
      brief: installed.path,
    });
  });
}
