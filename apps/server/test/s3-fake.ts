import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Ways in which a service speaks S3 and does something else. */
export interface S3Faults {
  readonly ignoresIfNoneMatch?: boolean;
  readonly ignoresIfMatch?: boolean;
  /** Looks at conditions before it reads the body, so that two may hold at once. */
  readonly looksTooEarly?: boolean;
  /** Reads are answered with what was there two writes of the key before. */
  readonly staleReads?: boolean;
  /** Lists are those of before the first write. */
  readonly staleLists?: boolean;
  readonly unorderedLists?: boolean;
  readonly ignoresStartAfter?: boolean;
  readonly listsWithoutTimes?: boolean;
  readonly ignoresRange?: boolean;
  readonly keepsDeleted?: boolean;
  /** Loses all parts but the first. */
  readonly losesParts?: boolean;
  /** Keeps the parts of uploads that are aborted. */
  readonly keepsParts?: boolean;
  readonly maxKeyLength?: number;
  /** Milliseconds by which its clock is ahead. */
  readonly clockMs?: number;
}

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly modifiedAt: number;
}

export interface S3Fake {
  readonly endpoint: string;
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** Settles when so many requests of a method have come. */
  requested(method: string, times: number): Promise<void>;
  close(): Promise<void>;
}

/** A service of one bucket in memory, that signs nothing off. */
export async function startS3Fake(faults: S3Faults = {}): Promise<S3Fake> {
  const service = new Service(faults);
  const server = createServer((request, response) => {
    service.answer(request, response).catch((error: unknown) => {
      response.statusCode = 500;
      response.end(String(error));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objects: service.objects,
    requested: (method, times) => service.requested(method, times),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

class Service {
  readonly objects = new Map<string, StoredObject>();
  readonly #faults: S3Faults;
  readonly #uploads = new Map<
    string,
    { readonly key: string; readonly parts: Map<number, Buffer> }
  >();
  readonly #before = new Map<string, StoredObject | undefined>();
  readonly #counts = new Map<string, number>();
  readonly #waiting: {
    readonly method: string;
    readonly times: number;
    readonly go: () => void;
  }[] = [];
  #listed: readonly (readonly [string, StoredObject])[] = [];

  constructor(faults: S3Faults) {
    this.#faults = faults;
  }

  requested(method: string, times: number): Promise<void> {
    if ((this.#counts.get(method) ?? 0) >= times) return Promise.resolve();
    return new Promise((go) => this.#waiting.push({ method, times, go }));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    this.#count(method);
    response.sendDate = false;
    response.setHeader('date', new Date(this.#now()).toUTCString());
    const { pathname, searchParams: query } = new URL(url, 'http://s3');
    const [, , ...rest] = decodeURIComponent(pathname).split('/');
    const key = rest.join('/');
    const early = this.#faults.looksTooEarly ? this.#refusal(request, key) : undefined;
    const body = await bytesOf(request);
    if (this.#faults.looksTooEarly) await sleep(20);
    if (key === '')
      return query.has('uploads') ? this.#openUploads(response) : this.#list(query, response);
    if (key.length > (this.#faults.maxKeyLength ?? 1024))
      return fail(response, 400, 'KeyTooLongError');
    if (method === 'POST') return this.#post(key, query, response);
    if (method === 'DELETE') return this.#delete(key, query, response);
    if (method !== 'PUT') return this.#get(key, request, response);
    if (query.has('uploadId')) return this.#putPart(query, { request, body }, response);
    const refusal = this.#faults.looksTooEarly ? early : this.#refusal(request, key);
    if (refusal !== undefined)
      return fail(response, refusal, refusal === 412 ? 'PreconditionFailed' : 'NoSuchKey');
    response.setHeader('etag', this.#store(key, body).etag);
    response.end();
  }

  #count(method: string): void {
    const count = (this.#counts.get(method) ?? 0) + 1;
    this.#counts.set(method, count);
    for (const waiting of this.#waiting)
      if (waiting.method === method && count >= waiting.times) waiting.go();
  }

  #now(): number {
    return Date.now() + (this.#faults.clockMs ?? 0);
  }

  #refusal({ headers }: IncomingMessage, key: string): number | undefined {
    const there = this.objects.get(key);
    if (headers['if-none-match'] === '*' && there && !this.#faults.ignoresIfNoneMatch) return 412;
    const wanted = headers['if-match'];
    if (wanted === undefined || this.#faults.ignoresIfMatch) return undefined;
    if (!there) return 404;
    return there.etag === wanted ? undefined : 412;
  }

  #store(key: string, bytes: Buffer): StoredObject {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const object = { bytes, etag, modifiedAt: this.#now() };
    this.#before.set(key, this.objects.get(key));
    this.objects.set(key, object);
    return object;
  }

  #get(key: string, request: IncomingMessage, response: ServerResponse): void {
    const stale = this.#faults.staleReads ? this.#before.get(key) : undefined;
    const object = stale ?? this.objects.get(key);
    if (!object) return fail(response, 404, 'NoSuchKey');
    const { size, first, last } = this.#rangeOf(request, object);
    if (first > 0 && first >= size) return fail(response, 416, 'InvalidRange');
    const part = object.bytes.subarray(first, last + 1);
    if (part.length !== size) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${first}-${last}/${size}`);
    }
    response.setHeader('etag', object.etag);
    response.setHeader('last-modified', new Date(object.modifiedAt).toUTCString());
    response.setHeader('content-length', part.length);
    response.end(request.method === 'HEAD' ? undefined : part);
  }

  #rangeOf({ headers }: IncomingMessage, { bytes: { length: size } }: StoredObject) {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    if (first === undefined || this.#faults.ignoresRange) return { size, first: 0, last: size - 1 };
    return { size, first: Number(first), last: Math.min(size - 1, last ? Number(last) : size) };
  }

  #delete(key: string, query: URLSearchParams, response: ServerResponse): void {
    const upload = query.get('uploadId');
    if (upload === null) {
      if (!this.#faults.keepsDeleted) this.objects.delete(key);
    } else if (!this.#faults.keepsParts) this.#uploads.delete(upload);
    response.statusCode = 204;
    response.end();
  }

  #putPart(
    query: URLSearchParams,
    { request, body }: { request: IncomingMessage; body: Buffer },
    response: ServerResponse,
  ): void {
    const upload = this.#uploads.get(query.get('uploadId') ?? '');
    const source = request.headers['x-amz-copy-source'];
    const part = typeof source === 'string' ? this.#copied(source, request) : body;
    upload?.parts.set(Number(query.get('partNumber')), part);
    const etag = `"${createHash('md5').update(part).digest('hex')}"`;
    response.setHeader('etag', etag);
    response.end(
      source === undefined ? undefined : `<CopyPartResult><ETag>${etag}</ETag></CopyPartResult>`,
    );
  }

  #copied(source: string, { headers }: IncomingMessage): Buffer {
    const key = decodeURIComponent(source).split('/').slice(1).join('/');
    const [, first, last] =
      /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-amz-copy-source-range'])) ?? [];
    return (
      this.objects.get(key)?.bytes.subarray(Number(first), Number(last) + 1) ?? Buffer.alloc(0)
    );
  }

  #post(key: string, query: URLSearchParams, response: ServerResponse): void {
    const id = query.get('uploadId');
    if (id === null) {
      const begun = randomUUID();
      this.#uploads.set(begun, { key, parts: new Map() });
      response.end(
        `<InitiateMultipartUploadResult><UploadId>${begun}</UploadId></InitiateMultipartUploadResult>`,
      );
      return;
    }
    const parts = [...(this.#uploads.get(id)?.parts ?? [])].sort(([a], [b]) => a - b);
    const kept = this.#faults.losesParts ? parts.slice(0, 1) : parts;
    this.#uploads.delete(id);
    const { etag } = this.#store(key, Buffer.concat(kept.map(([, bytes]) => bytes)));
    response.end(
      `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    );
  }

  #openUploads(response: ServerResponse): void {
    const uploads = [...this.#uploads].map(
      ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
    );
    response.end(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`);
  }

  #list(query: URLSearchParams, response: ServerResponse): void {
    const { staleLists, unorderedLists, ignoresStartAfter, listsWithoutTimes } = this.#faults;
    if (!staleLists) this.#listed = [...this.objects];
    const startAfter = ignoresStartAfter ? '' : (query.get('start-after') ?? '');
    const after = query.get('continuation-token') ?? startAfter;
    const prefix = query.get('prefix') ?? '';
    const order = unorderedLists ? -1 : 1;
    const found = this.#listed
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => order * Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .filter(([key]) => after === '' || (unorderedLists ? key < after : key > after));
    const page = found.slice(0, Number(query.get('max-keys') ?? 1000));
    const contents = page.map(([key, { bytes, etag, modifiedAt }]) => {
      const time = `<LastModified>${new Date(modifiedAt).toISOString()}</LastModified>`;
      const facts = `<ETag>${etag}</ETag><Size>${bytes.length}</Size>${listsWithoutTimes ? '' : time}`;
      return `<Contents><Key>${key}</Key>${facts}</Contents>`;
    });
    const isCut = page.length < found.length;
    const next = isCut ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>` : '';
    response.end(
      `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
    );
  }
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
