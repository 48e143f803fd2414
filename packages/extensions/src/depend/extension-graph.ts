import {
  type ExtensionType,
  type OciManager,
  type PulledArtifact,
  parseExtensionType,
  readPulled,
} from '@oci/manager';
import { type EventListener, OciError, type Operation } from '@oci/spec-types';

import { readArchiveFiles } from '../extract/archive-files.js';
import { withPackage } from '../extract/archive-rule.js';
import { declarationFiles, readMetadata } from '../validate/metadata.js';
import { type Graph, type Loaded, type Requirement, resolveGraph } from './graph.js';
import { extensionCandidates, newestWanted } from './newest.js';
import { isVersionRange } from './version-range.js';

/** Where a graph of extensions is pulled from; an `OciManager` is one. */
export type ExtensionGraphSource = Pick<
  OciManager,
  'extensionPlace' | 'getManifest' | 'listExtensionVersions' | 'pullExtensionArtifact'
>;

/** An extension of a graph, pulled. */
export interface ResolvedExtension {
  readonly type: ExtensionType;
  readonly name: string;
  readonly pulled: PulledArtifact;
}

/** An extension that is asked for: a version, a range of versions, or (undefined) the newest. */
export interface ExtensionRequest {
  readonly type: ExtensionType;
  readonly name: string;
  readonly range: string | undefined;
}

/**
 * An extension and every one that it needs, one version of each, pulled in parallel; what is needed comes
 * before what needs it.
 *
 * @param options.preferred the version of a `type/name` to stay at while it fits
 * @throws OciError `DEPENDENCY_CONFLICT`, `EXTENSION_INVALID`, and what pulling can fail with
 */
export function resolveExtensionGraph(
  request: ExtensionRequest,
  source: ExtensionGraphSource,
  options: {
    readonly preferred?: ((id: string) => string | undefined) | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Hears which versions were passed over, and why. */
    readonly onEvent?: EventListener | undefined;
  } = {},
): Promise<Graph<ResolvedExtension>> {
  const id = `${request.type}/${request.name}`;
  const requirements = [{ id, range: request.range }];
  return resolveGraph<ResolvedExtension>(
    { name: 'the command', requirements },
    {
      versions: (id, signal) => {
        const { type, name } = extensionOf(id);
        return source.listExtensionVersions(type, name, { signal });
      },
      choose: (id, { versions, ranges }, signal) => {
        const { type, name } = extensionOf(id);
        const candidates = extensionCandidates({ type, name, versions }, source, {
          signal,
          onEvent: options.onEvent,
        });
        return newestWanted(candidates, ...ranges);
      },
      load: async (id, version, signal) => {
        const extension = extensionOf(id);
        const { type, name } = extension;
        const pull = (): Operation<PulledArtifact> => {
          const operation = source.pullExtensionArtifact(type, name, version, { signal });
          if (options.onEvent) operation.on(options.onEvent);
          return operation;
        };
        return readPulled(pull, (pulled) => loaded({ ...extension, pulled }, signal));
      },
    },
    options,
  );
}

async function loaded(
  content: ResolvedExtension,
  signal: AbortSignal,
): Promise<Loaded<ResolvedExtension>> {
  const { type, pulled } = content;
  return { content, requirements: await requirementsOf(pulled, { type, signal }) };
}

async function requirementsOf(
  pulled: PulledArtifact,
  { type, signal }: { readonly type: ExtensionType; readonly signal: AbortSignal },
): Promise<readonly Requirement[]> {
  const options = { firstOnly: true, signal };
  const files = await readArchiveFiles(pulled.path, declarationFiles, options).catch(
    withPackage(pulled.reference),
  );
  const metadata = await readMetadata((path) => files.get(path)?.toString('utf8'));
  return (metadata?.dependencies ?? []).map((text) => parseExtensionDependency(text, type));
}

/**
 * Reads `taskserv/containerd@^1.7`, `containerd@^1.7` or `containerd`; without a type it is of the same one.
 *
 * @throws OciError `EXTENSION_INVALID`
 */
export function parseExtensionDependency(text: string, type: ExtensionType): Requirement {
  const [path = '', range, ...more] = text.trim().split('@');
  const [first = '', second, ...deeper] = path.split('/');
  const isWhole = more.length === 0 && deeper.length === 0 && /^[a-z0-9]/.test(second ?? first);
  if (!isWhole || (range !== undefined && (range.trim() === '' || !isVersionRange(range.trim())))) {
    throw new OciError('EXTENSION_INVALID', `the dependency ${JSON.stringify(text)} is not valid`, {
      hint: 'Write it as taskserv/containerd@^1.7.',
    });
  }
  const id = second === undefined ? `${type}/${first}` : `${parseExtensionType(first)}/${second}`;
  return { id, range: range?.trim() };
}

function extensionOf(id: string): { type: ExtensionType; name: string } {
  const [type = '', name = ''] = id.split('/');
  return { type: parseExtensionType(type), name };
}
