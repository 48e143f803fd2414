import { predicateTypes } from './predicate-type.js';
import type { Claim } from './statement.js';

/** Where, from which source and by which workflow an artifact was built, as its provenance says. */
export interface Provenance {
  /** URI of who built it. */
  readonly builder?: string | undefined;
  /** URL of the source repository, without `git+` and reference. */
  readonly repository?: string | undefined;
  /** A reference of git, as `refs/heads/main`. */
  readonly ref?: string | undefined;
  /** The path of the workflow within the repository, or the name of its entry point. */
  readonly workflow?: string | undefined;
  /** RFC 3339: when the build ended, or else when it began. */
  readonly builtAt?: string | undefined;
}

/** Reads SLSA provenance, versions 1 and 0.2; undefined for what is none. */
export function provenanceOf({ predicateType, predicate }: Claim): Provenance | undefined {
  if (predicateType === predicateTypes.slsaprovenance1) return version1(predicate);
  return predicateType === predicateTypes.slsaprovenance02 ? version02(predicate) : undefined;
}

/** SLSA `provenance/v1`: builds of GitHub name the workflow, of GitLab the source and the entry point. */
function version1(predicate: unknown): Provenance {
  const definition = at(predicate, 'buildDefinition');
  const parameters = at(definition, 'externalParameters');
  const workflow = at(parameters, 'workflow');
  const [dependency] = listAt(definition, 'resolvedDependencies');
  const source = sourceOf(
    textAt(workflow, 'repository') ??
      textAt(parameters, 'source') ??
      textAt(at(parameters, 'source'), 'uri') ??
      textAt(dependency, 'uri'),
  );
  const run = at(predicate, 'runDetails');
  const metadata = at(run, 'metadata');
  return {
    builder: textAt(at(run, 'builder'), 'id'),
    repository: source?.repository,
    ref: textAt(workflow, 'ref') ?? source?.ref,
    workflow: textAt(workflow, 'path') ?? textAt(parameters, 'entryPoint'),
    builtAt: textAt(metadata, 'finishedOn') ?? textAt(metadata, 'startedOn'),
  };
}

/** SLSA `provenance/v0.2`. */
function version02(predicate: unknown): Provenance {
  const config = at(at(predicate, 'invocation'), 'configSource');
  const source = sourceOf(textAt(config, 'uri'));
  const metadata = at(predicate, 'metadata');
  return {
    builder: textAt(at(predicate, 'builder'), 'id'),
    repository: source?.repository,
    ref: source?.ref,
    workflow: textAt(config, 'entryPoint'),
    builtAt: textAt(metadata, 'buildFinishedOn') ?? textAt(metadata, 'buildStartedOn'),
  };
}

/** `git+https://host/path@ref`, or the URL alone. */
function sourceOf(
  uri: string | undefined,
): { readonly repository: string; readonly ref: string | undefined } | undefined {
  if (uri === undefined) return undefined;
  const text = uri.replace(/^git\+/, '');
  const reference = /^([^@]+)@(refs\/.+)$/.exec(text);
  return reference
    ? { repository: reference[1] ?? text, ref: reference[2] }
    : { repository: text, ref: undefined };
}

function at(value: unknown, name: string): unknown {
  const fields = Object(value) as Readonly<Record<string, unknown>>;
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function textAt(value: unknown, name: string): string | undefined {
  const text = at(value, name);
  return typeof text === 'string' ? text : undefined;
}

function listAt(value: unknown, name: string): readonly unknown[] {
  const list = at(value, name);
  return Array.isArray(list) ? list : [];
}
