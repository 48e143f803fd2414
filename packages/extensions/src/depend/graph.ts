import { OciError } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { exactVersion, selectVersion, isWithin } from './version-range.js';

/** That something needs a package, in a range of versions. */
export interface Requirement {
  readonly id: string;
  /** Undefined takes any version. */
  readonly range: string | undefined;
}

/** A version of a package, with what it needs. */
export interface Loaded<Content> {
  readonly content: Content;
  readonly requirements: readonly Requirement[];
}

/** What there is, and what is asked for. */
export interface Choice {
  readonly versions: readonly string[];
  readonly ranges: readonly (string | undefined)[];
}

/** Where a graph's packages come from. */
export interface PackageProvider<Content> {
  /** Every version that there is. */
  versions(id: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Chooses a version within all ranges; default: the newest. */
  choose?(id: string, among: Choice, signal: AbortSignal): Promise<string | undefined>;
  load(id: string, version: string, signal: AbortSignal): Promise<Loaded<Content>>;
}

/** A package of a resolved graph. */
export interface GraphNode<Content> extends Loaded<Content> {
  readonly id: string;
  readonly version: string;
}

export interface Graph<Content> {
  /** What is needed comes before what needs it. */
  readonly nodes: readonly GraphNode<Content>[];
  /** What the root decided against the wish of a package. */
  readonly warnings: readonly string[];
}

export interface ResolveOptions {
  /** The version of an id to stay at while it fits: of a lock file, or of what is installed. */
  readonly preferred?: ((id: string) => string | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Packages that are loaded at once. */
const parallelLoads = 6;
/** Packages of one graph: each is pulled, and a registry may invent as many as it likes. */
const maxPackages = 256;
/** Packages that an error names. */
const maxNamed = 10;
/** Rounds after which choices that go to and fro count as a conflict. */
const maxRounds = 50;

/**
 * Chooses one version of each package that is needed, directly or not: the newest that fits everything
 * that needs it. Where nothing fits all, the root's own word stands, with a warning.
 *
 * @throws OciError `DEPENDENCY_CONFLICT` for cycles, and versions that fit nobody, each with its names;
 * `LIMIT_EXCEEDED` for a graph of too many packages
 */
export async function resolveGraph<Content>(
  root: { readonly name: string; readonly requirements: readonly Requirement[] },
  provider: PackageProvider<Content>,
  options: ResolveOptions = {},
): Promise<Graph<Content>> {
  const resolution = new Resolution(root, provider, options);
  for (let round = 0; round < maxRounds; round += 1) {
    if (!(await resolution.step())) return resolution.finish();
  }
  throw conflict(`the versions that ${root.name} needs never settle`);
}

interface Wish {
  readonly by: string;
  readonly isRoot: boolean;
  readonly range: string | undefined;
}

class Resolution<Content> {
  readonly #root: { readonly name: string; readonly requirements: readonly Requirement[] };
  readonly #provider: PackageProvider<Content>;
  readonly #options: ResolveOptions;
  readonly #versions = new Map<string, readonly string[]>();
  /** By package and ranges: most rounds ask the same again. */
  readonly #choices = new Map<string, string | undefined>();
  readonly #loaded = new Map<string, Loaded<Content>>();
  #chosen: ReadonlyMap<string, string> = new Map();
  #warnings: readonly string[] = [];

  constructor(
    root: { readonly name: string; readonly requirements: readonly Requirement[] },
    provider: PackageProvider<Content>,
    options: ResolveOptions,
  ) {
    this.#root = root;
    this.#provider = provider;
    this.#options = options;
  }

  /** Chooses anew by what is known, and loads what that adds. @returns whether anything changed */
  async step(): Promise<boolean> {
    const wishes = this.#wishes();
    const chosen = new Map<string, string>();
    const warnings: string[] = [];
    const choose = async (id: string, signal: AbortSignal): Promise<void> => {
      chosen.set(id, await this.#choose(id, wishes.get(id) ?? [], { warnings, signal }));
    };
    const pool = { limit: parallelLoads, signal: this.#options.signal };
    await forEachConcurrent(wishes.keys(), choose, pool);
    const isSame =
      chosen.size === this.#chosen.size &&
      [...chosen].every(([id, version]) => this.#chosen.get(id) === version);
    this.#chosen = chosen;
    this.#warnings = warnings.sort();
    if (isSame) return false;
    const missing = [...chosen].filter(([id, version]) => !this.#loaded.has(keyOf(id, version)));
    await forEachConcurrent(
      missing,
      async ([id, version], signal) => {
        this.#loaded.set(keyOf(id, version), await this.#provider.load(id, version, signal));
      },
      pool,
    );
    return true;
  }

  finish(): Graph<Content> {
    const ordered: GraphNode<Content>[] = [];
    const done = new Set<string>();
    const visit = (id: string, path: readonly string[]): void => {
      if (path.includes(id)) {
        const cycle = [...path.slice(path.indexOf(id)), id];
        throw conflict(`these need each other in a circle: ${cycle.join(' → ')}`);
      }
      const node = this.#node(id);
      if (done.has(id) || !node) return;
      for (const needed of node.requirements) visit(needed.id, [...path, id]);
      done.add(id);
      ordered.push(node);
    };
    for (const { id } of this.#root.requirements) visit(id, []);
    return { nodes: ordered, warnings: this.#warnings };
  }

  /** Who wants what of each package that the root reaches, by the versions that are chosen. */
  #wishes(): ReadonlyMap<string, readonly Wish[]> {
    const wishes = new Map<string, Wish[]>();
    const { name, requirements } = this.#root;
    const queue = [{ by: name, requirements, isRoot: true }];
    const seen = new Set<string>();
    // Breadth first, so that what is nearest to the root is named first.
    for (const { by, requirements, isRoot } of queue) {
      for (const { id, range } of requirements) {
        const wish = { by, isRoot, range };
        const known = wishes.get(id);
        if (known) known.push(wish);
        else wishes.set(id, [wish]);
        const node = this.#node(id);
        if (!node || seen.has(id)) continue;
        seen.add(id);
        queue.push({
          by: `${id} ${node.version}`,
          requirements: node.requirements,
          isRoot: false,
        });
      }
    }
    if (wishes.size > maxPackages) throw tooManyPackages(name);
    return wishes;
  }

  #node(id: string): GraphNode<Content> | undefined {
    const version = this.#chosen.get(id);
    const loaded = version === undefined ? undefined : this.#loaded.get(keyOf(id, version));
    return version === undefined || !loaded ? undefined : { id, version, ...loaded };
  }

  async #choose(
    id: string,
    wishes: readonly Wish[],
    { warnings, signal }: { readonly warnings: string[]; readonly signal: AbortSignal },
  ): Promise<string> {
    const ranges = wishes.map(({ range }) => range);
    const fitsAll = (version: string): boolean => ranges.every((range) => isWithin(version, range));
    const preferred = this.#options.preferred?.(id);
    if (preferred !== undefined && fitsAll(preferred)) return preferred;
    // A version that is written out needs no list of all versions, so no network either.
    const exact = ranges.map(exactVersion).find((version) => version !== undefined);
    if (exact !== undefined && fitsAll(exact)) return exact;
    const versions = this.#versions.get(id) ?? (await this.#provider.versions(id, signal));
    this.#versions.set(id, versions);
    const best = await this.#best(id, { versions, ranges }, signal);
    if (best !== undefined) return best;
    const named = wishes.slice(0, maxNamed);
    const said = named.map(({ by, range }) => `${by} needs ${range ?? 'any version'}`).join(', ');
    const ofRoot = wishes.filter(({ isRoot }) => isRoot).map(({ range }) => range);
    const decided =
      ofRoot.length > 0 ? await this.#best(id, { versions, ranges: ofRoot }, signal) : undefined;
    if (decided !== undefined) {
      warnings.push(`${id} is ${decided}, as ${this.#root.name} says, although ${said}`);
      return decided;
    }
    throw conflict(`no version of ${id} fits: ${said}`, versions);
  }

  async #best(id: string, among: Choice, signal: AbortSignal): Promise<string | undefined> {
    const key = JSON.stringify([id, ...among.ranges.map((range) => range ?? null)]);
    if (this.#choices.has(key)) return this.#choices.get(key);
    const best = this.#provider.choose
      ? await this.#provider.choose(id, among, signal)
      : selectVersion(among.versions, ...among.ranges);
    this.#choices.set(key, best);
    return best;
  }
}

function keyOf(id: string, version: string): string {
  return `${id} ${version}`;
}

function tooManyPackages(name: string): OciError {
  return new OciError('LIMIT_EXCEEDED', `${name} needs more than ${maxPackages} packages`, {
    hint: 'Nothing was installed. See what its dependencies need, and whether that is right.',
  });
}

function conflict(message: string, versions: readonly string[] = []): OciError {
  const newest = versions.slice(-5).join(', ');
  return new OciError('DEPENDENCY_CONFLICT', message, {
    hint: newest === '' ? 'Change one of them.' : `There are ${newest}.`,
  });
}
