import { OciError, type RepositoryName, parseRepositoryName } from '@oci/spec-types';

/** The kinds of platform extension (the guide, "Extension Artifacts"). */
export const extensionTypes = ['provider', 'taskserv', 'cluster'] as const;

export type ExtensionType = (typeof extensionTypes)[number];

/** Where artifacts live in a registry; `{namespace}`, `{type}` and `{name}` are filled in. */
export interface RepositoryTemplates {
  /** Default `kcl/{name}`. */
  readonly kcl: string;
  /** Default `{namespace}/{type}/{name}`. */
  readonly extension: string;
}

export const defaultTemplates: RepositoryTemplates = {
  kcl: 'kcl/{name}',
  extension: '{namespace}/{type}/{name}',
};

/** @throws OciError `USAGE` */
export function parseExtensionType(text: string): ExtensionType {
  const type = extensionTypes.find((known) => known === text);
  if (type) return type;
  throw new OciError('USAGE', `unknown extension type ${JSON.stringify(text.slice(0, 100))}`, {
    hint: `The types are ${extensionTypes.join(', ')}.`,
  });
}

/** @throws OciError `REFERENCE_INVALID` */
export function kclRepository(templates: RepositoryTemplates, name: string): RepositoryName {
  return fill(templates.kcl, { name: artifactName(name) });
}

/** @throws OciError `REFERENCE_INVALID` */
export function extensionRepository(
  templates: RepositoryTemplates,
  extension: { namespace: string; type: ExtensionType; name: string },
): RepositoryName {
  return fill(templates.extension, { ...extension, name: artifactName(extension.name) });
}

/** A name is a path of its own, so that it can't climb out of the place that a template gives it. */
function artifactName(name: string): string {
  return parseRepositoryName(name);
}

function fill(template: string, values: Readonly<Record<string, string>>): RepositoryName {
  return parseRepositoryName(
    template.replace(/\{(\w+)\}/g, (hole, key: string) => values[key] ?? hole),
  );
}
