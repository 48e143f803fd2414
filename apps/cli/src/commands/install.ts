import { resolve } from 'node:path';

import {
  type InstalledExtension,
  askingSource,
  installExtensionGraph,
  policyFromEnvironment,
} from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';

import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/definition.js';
import { type ValidationArguments, installDirOf, validationOf } from './extension-settings.js';

interface InstallArguments extends ValidationArguments {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly installDir?: string;
  readonly lock?: string;
  readonly frozen?: boolean;
}

export async function install(args: InstallArguments, invocation: Invocation): Promise<void> {
  const { env } = invocation.terminal;
  await withContext(invocation, async (context) => {
    const { manager, output, progress, registries, settings, signal } = context;
    registries.ensureRoute(manager.extensionPlace(args.type, args.name).repository);
    const request = { type: parseExtensionType(args.type), name: args.name, range: args.version };
    // What a lock file has is the version that is meant, whatever its tag points to.
    const isSettled = invocation.options.offline === true || args.lock !== undefined;
    const source = isSettled ? manager : askingSource(manager, progress);
    const operation = installExtensionGraph(source, request, {
      ...(await validationOf(args)),
      env,
      policy: policyFromEnvironment(env),
      installDir: installDirOf(settings, args.installDir),
      lockFile: args.lock === undefined ? undefined : resolve(args.lock),
      frozen: args.frozen,
      signal,
    });
    operation.on(progress);
    const { extension, dependencies } = await operation;
    output.print({
      json: { ...installedJson(extension), dependencies: dependencies.map(installedJson) },
      text: fields([
        ...dependencies.map((needed) => line(needed)),
        line(extension),
        ['manifest', extension.manifestDigest],
        ['content', extension.digest],
        ['path', extension.path],
      ]),
      brief: extension.path,
    });
  });
}

function line({ changed, type, name, version }: InstalledExtension): [string, string] {
  return [changed ? 'installed' : 'unchanged', `${type} ${name} ${version}`];
}

function installedJson(installed: InstalledExtension): object {
  const { type, name, version, path, digest, manifestDigest, changed } = installed;
  const digests = { digest, manifest_digest: manifestDigest, content_digest: digest };
  return { path, type, name, version, ...digests, changed };
}
