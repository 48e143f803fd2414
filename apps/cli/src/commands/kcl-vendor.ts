import {
  type VendorDirectory,
  type VendoredPackage,
  managerSource,
  vendorKclPackage,
} from '@oci/extensions';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import type { Drawing } from '../render/page.js';
import { table } from '../render/table.js';
import { shortDigest } from '../render/quantity.js';

interface VendorArguments {
  readonly dir?: string;
  readonly layout?: VendorDirectory;
  readonly frozen?: boolean;
}

export async function vendorKcl(args: VendorArguments, invocation: Invocation): Promise<void> {
  const { env } = invocation.terminal;
  await withContext(invocation, async ({ manager, output, progress, signal }) => {
    const defaults = { registry: env['KPM_REG'], repository: env['KPM_REPO'] };
    const source = managerSource(manager, defaults);
    try {
      const { layout, frozen } = args;
      const options = { layout, frozen, env, signal, onEvent: progress };
      const { packages, warnings } = await vendorKclPackage(args.dir ?? '.', source, options);
      for (const message of warnings) progress({ type: 'warning', message });
      output.print({
        json: { packages: packages.map(packageJson) },
        text: packages.length === 0 ? 'it needs no packages' : rows(packages),
        brief: packages.map(({ path }) => path),
      });
    } finally {
      await source.close();
    }
  });
}

function packageJson(vendored: VendoredPackage): object {
  const { name, version, source, digest, path, changed } = vendored;
  return { name, version, source, digest, manifest_digest: digest, path, changed };
}

function rows(packages: readonly VendoredPackage[]): Drawing {
  return table(
    [
      { heading: 'NAME', shrinksTo: 12 },
      { heading: 'VERSION', shrinksTo: 8 },
      { heading: 'MANIFEST', leaves: 2 },
      { heading: 'PATH', shrinksTo: 20, keeps: 'ends', leaves: 1 },
    ],
    packages.map(({ name, version, digest, path }) => [name, version, shortDigest(digest), path]),
  );
}
