import { randomBytes } from 'node:crypto';

import {
  type CallOptions,
  type Descriptor,
  type OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isOciError,
  mediaTypes,
  parseTag,
  singleChunk,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';

import { reportCredential } from '../credentials/credential.js';
import type { RemoteRepository } from '../repository/remote-repository.js';
import { beginSession, cancelSession } from '../upload/upload-session.js';
import type { Patient } from './patient.js';
import type { Finding } from './probe.js';

/** Media type of what is pushed for a moment. */
const probeType = 'application/vnd.oci-toolkit.probe';

/** Something small to push, that nobody else has. */
interface Sample {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

function sample(): Sample {
  const bytes = randomBytes(64);
  const descriptor = { mediaType: probeType, digest: digestOf(bytes), size: bytes.byteLength };
  return { descriptor, bytes };
}

/** The probes that write; each leaves what it wrote to {@link WriteProbes.cleanUp}. */
export class WriteProbes {
  readonly #patient: Patient;
  readonly #name: RepositoryName;
  readonly #repository: RemoteRepository;
  readonly #blobs: { readonly name: RepositoryName; readonly descriptor: Descriptor }[] = [];
  #pushed: { readonly manifest: ResolvedManifest; readonly tag: Tag } | undefined;

  constructor(patient: Patient, name: RepositoryName) {
    this.#patient = patient;
    this.#name = name;
    this.#repository = patient.repository(name);
  }

  async upload(): Promise<Finding<'upload'>> {
    const { requests } = this.#patient;
    requests.length = 0;
    await this.#push(sample());
    const evidence = { requests: [...requests] };
    return { outcome: 'ok', summary: 'It takes a blob', evidence };
  }

  async chunks(): Promise<Finding<'chunks'>> {
    const { requests, call } = this.#patient;
    const { descriptor, bytes } = sample();
    const endpoint = this.#patient.endpoint(this.#name);
    const session = await beginSession(endpoint, descriptor, call);
    await cancelSession(endpoint, { descriptor, session });
    const { minChunkBytes } = session;
    if (minChunkBytes > bytes.byteLength) {
      const summary = `It wants chunks of ${minChunkBytes} bytes at least, more than is tried`;
      return { outcome: 'skipped', summary, evidence: { requests: [], minChunkBytes } };
    }
    requests.length = 0;
    await this.#push({ descriptor, bytes }, { chunkBytes: bytes.byteLength / 2 });
    const evidence = { requests: [...requests], minChunkBytes };
    const patches = requests.filter((request) => request.startsWith('PATCH 2')).length;
    return patches >= 1
      ? { outcome: 'ok', summary: 'It takes a blob in chunks', evidence }
      : { outcome: 'missing', summary: 'It takes a blob in one piece only', evidence };
  }

  /** Whether a blob of the repository can be had in another without being sent. */
  async mount(into: RepositoryName | undefined): Promise<Finding<'mount'>> {
    if (into === undefined)
      return { outcome: 'skipped', summary: 'No other repository was named to mount into' };
    const blob = this.#blobs[0] ?? (await this.#push(sample()));
    const { descriptor } = blob;
    const { call } = this.#patient;
    const isMounted = await this.#patient.repository(into).mountBlob(descriptor, this.#name, call);
    if (isMounted) this.#blobs.push({ name: into, descriptor });
    const evidence = { isMounted };
    return isMounted
      ? { outcome: 'ok', summary: 'It mounts blobs from repository to repository', evidence }
      : { outcome: 'missing', summary: 'It does not mount blobs: all is sent again', evidence };
  }

  /** A manifest under a tag, which the deletion is tried with. */
  async push(): Promise<Finding<'push'>> {
    const { call } = this.#patient;
    const { descriptor } = await this.#push(sample());
    const tag = parseTag(`oci-doctor-${randomBytes(6).toString('hex')}`);
    const document = {
      schemaVersion: 2,
      mediaType: mediaTypes.imageManifest,
      config: descriptor,
      layers: [descriptor],
      annotations: { 'org.opencontainers.image.description': `a probe, to be deleted: ${tag}` },
    };
    const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
    await this.#repository.pushManifest(manifest, { ...call, tag });
    this.#pushed = { manifest, tag };
    const { digest } = manifest.descriptor;
    return { outcome: 'ok', summary: 'It takes an artifact', evidence: { tag, digest } };
  }

  /** Removes all that was written, which shows what can be removed. It is not kept from that by an abort. */
  async cleanUp(): Promise<Finding<'deletion'>> {
    const call: CallOptions = { signal: AbortSignal.timeout(30_000) };
    const left: string[] = [];
    const failures: OciError[] = [];
    const remove = async (work: () => Promise<void>): Promise<boolean> => {
      const failure = await failureOf(work);
      if (failure) failures.push(failure);
      return failure === undefined;
    };
    const pushed = this.#pushed;
    const tags = pushed ? await remove(() => this.#repository.deleteTag(pushed.tag, call)) : false;
    const manifests = pushed
      ? await remove(() => this.#repository.deleteManifest(pushed.manifest.descriptor, call))
      : false;
    if (pushed && !manifests)
      left.push(
        tags ? `${this.#name}@${pushed.manifest.descriptor.digest}` : `${this.#name}:${pushed.tag}`,
      );
    let blobs = this.#blobs.length > 0;
    for (const { name, descriptor } of this.#blobs) {
      if (await remove(() => this.#patient.repository(name).deleteBlob(descriptor, call))) continue;
      blobs = false;
      left.push(`${name}@${descriptor.digest}`);
    }
    const evidence = { tags, manifests, blobs, left };
    if (manifests && blobs) {
      const summary = `It deletes manifests and blobs${tags ? ', and single tags' : ''}`;
      return { outcome: 'ok', summary, evidence };
    }
    const remains = `left there: ${left.join(', ')}`;
    const denied = failures.find((error) => isOciError(error, 'DENIED', 'UNAUTHORIZED'));
    if (denied) {
      const summary = `Deleting is denied for ${await this.#user()}; ${remains}`;
      return { outcome: 'problem', summary, evidence, error: denied };
    }
    const summary = `It does not delete ${manifests ? 'blobs' : 'manifests'}; ${remains}`;
    return { outcome: 'missing', summary, evidence };
  }

  /** Who the probes are, in words. */
  async #user(): Promise<string> {
    const { options, origin } = this.#patient;
    const none = async (): Promise<undefined> => undefined;
    const { kind, username } = await reportCredential(options.credentials ?? none, origin.host);
    if (kind === 'anonymous') return 'a user without a login';
    return username ?? 'the user of the configured token';
  }

  async #push(
    { descriptor, bytes }: Sample,
    options: { readonly chunkBytes?: number } = {},
  ): Promise<{ readonly name: RepositoryName; readonly descriptor: Descriptor }> {
    const { call } = this.#patient;
    await this.#repository.pushBlob(
      descriptor,
      { open: (offset) => singleChunk(bytes.subarray(offset)) },
      {
        ...call,
        ...options,
      },
    );
    const blob = { name: this.#name, descriptor };
    this.#blobs.push(blob);
    return blob;
  }
}

async function failureOf(work: () => Promise<void>): Promise<OciError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isOciError(error)) return error;
    throw error;
  }
}
