import {
  type CallOptions,
  OciError,
  Operation,
  type RepositoryName,
  asOciError,
  throwIfAborted,
} from '@oci/spec-types';

import { parseRegistryAddress } from '../registry-address.js';
import type { RegistryOptions } from '../registry-options.js';
import {
  type FirstAnswer,
  firstAnswer,
  probeApi,
  probeAuthentication,
  probeCatalog,
  probeClock,
  probeConnection,
  probeTls,
} from './host-probes.js';
import { type Patient, admit } from './patient.js';
import type { Finding, Probe, ProbeName, RegistryReport } from './probe.js';
import { probeManifests, probeRanges, probeReferrers, probeTags } from './repository-probes.js';
import { WriteProbes } from './write-probes.js';

export interface ProbeOptions extends CallOptions {
  /** Where tags, ranges and referrers are looked at; without it only the registry itself is. */
  readonly repository?: RepositoryName | undefined;
  /** Pushes something small into the repository, and deletes it again. Default false. */
  readonly write?: boolean | undefined;
  /** Another repository, into which a blob is mounted and deleted again; needs `write`. */
  readonly mountInto?: RepositoryName | undefined;
}

/**
 * Finds out what a registry can and how it is reached. What fails is a finding: only an abort, or options
 * that make no sense, are failures. Each probe is an event as it ends. Mirrors are left out.
 *
 * @throws OciError `REFERENCE_INVALID`, `CONFIG_INVALID`, `USAGE`, `ABORTED`
 */
export function probeRegistry(
  registry: RegistryOptions,
  options: ProbeOptions = {},
): Operation<RegistryReport, Probe> {
  return new Operation(async (emit) => {
    const { repository, write = false, mountInto, signal } = options;
    if ((write && !repository) || (mountInto !== undefined && !write)) {
      throw new OciError('USAGE', 'a probe that writes needs a repository to write to', {
        hint: 'Name one in which something may be pushed and deleted.',
        reason: { kind: 'probe-repository-missing' },
      });
    }
    const patient = admit(registry, { signal });
    const examination = new Examination(patient, emit);
    try {
      const first = await examination.reach();
      if (first) {
        await examination.host(first);
        if (repository !== undefined) await examination.repository(repository, write);
        if (repository !== undefined && write) await examination.write(repository, mountInto);
      }
    } finally {
      await patient.close();
    }
    const { host } = parseRegistryAddress(registry.url, { plainHttp: registry.plainHttp ?? false });
    const { origin } = patient.origin;
    return { host, origin, probes: examination.probes };
  });
}

class Examination {
  readonly probes: Probe[] = [];
  readonly #patient: Patient;
  readonly #emit: (probe: Probe) => void;

  constructor(patient: Patient, emit: (probe: Probe) => void) {
    this.#patient = patient;
    this.#emit = emit;
  }

  /** @returns undefined when there is no answer, and so nothing else to learn but why */
  async reach(): Promise<FirstAnswer | undefined> {
    let first: FirstAnswer | undefined;
    await this.#probe('connection', async () => {
      first = await firstAnswer(this.#patient);
      return probeConnection(this.#patient, first);
    });
    await this.#probe('tls', () => probeTls(this.#patient));
    return first;
  }

  async host(first: FirstAnswer): Promise<void> {
    await this.#probe('api', async () => probeApi(first));
    await this.#probe('clock', async () => probeClock(first));
    await this.#probe('authentication', () => probeAuthentication(this.#patient, first));
    await this.#probe('catalog', () => probeCatalog(this.#patient));
  }

  async repository(name: RepositoryName, mayBegin: boolean): Promise<void> {
    const patient = this.#patient;
    let seen: Awaited<ReturnType<typeof probeTags>>['tag'];
    await this.#probe('tags', async () => {
      const { finding, tag } = await probeTags(patient, name, mayBegin);
      seen = tag;
      return finding;
    });
    const tag = seen;
    const none = { outcome: 'skipped', summary: `There is no tag in ${name} to look at` } as const;
    await this.#probe('manifests', async () => (tag ? probeManifests(patient, name, tag) : none));
    await this.#probe('ranges', async () => (tag ? probeRanges(patient, name, tag) : none));
    await this.#probe('referrers', () => probeReferrers(patient, name));
  }

  async write(name: RepositoryName, mountInto: RepositoryName | undefined): Promise<void> {
    const probes = new WriteProbes(this.#patient, name);
    try {
      await this.#probe('upload', () => probes.upload());
      await this.#probe('chunks', () => probes.chunks());
      await this.#probe('mount', () => probes.mount(mountInto));
      await this.#probe('push', () => probes.push());
    } finally {
      await this.#probe('deletion', () => probes.cleanUp(), { isAbortable: false });
    }
    throwIfAborted(this.#patient.call.signal);
  }

  async #probe<Name extends ProbeName>(
    name: Name,
    work: () => Promise<Finding<Name>>,
    { isAbortable = true }: { readonly isAbortable?: boolean } = {},
  ): Promise<void> {
    const { signal } = this.#patient.call;
    if (isAbortable) throwIfAborted(signal);
    const finding = await work().catch((thrown: unknown): Finding<Name> => {
      const error = asOciError(thrown);
      return { outcome: 'problem', summary: error.message, error };
    });
    if (isAbortable) throwIfAborted(signal);
    // The finding is of this name, which a union of all can't tell.
    const probe = { name, ...finding } as unknown as Probe;
    this.probes.push(probe);
    this.#emit(probe);
  }
}
