import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';

import { type Bucket, abortable, copySource, locationOf, withContent } from './bucket.js';

/** A large object that comes in parts, and appears when it is completed. */
export class MultipartUpload {
  readonly #bucket: Bucket;
  readonly #location: { readonly Bucket: string; readonly Key: string };
  readonly #uploadId: string;
  readonly #parts: CompletedPart[] = [];

  private constructor(bucket: Bucket, key: string, uploadId: string) {
    this.#bucket = bucket;
    this.#location = locationOf(bucket, key);
    this.#uploadId = uploadId;
  }

  static async begin(
    bucket: Bucket,
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<MultipartUpload> {
    const command = new CreateMultipartUploadCommand(locationOf(bucket, key));
    const { UploadId = '' } = await bucket.client.send(command, abortable(signal));
    return new MultipartUpload(bucket, key, UploadId);
  }

  async add(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    const command = new UploadPartCommand({
      ...this.#location,
      UploadId: this.#uploadId,
      PartNumber,
      Body: bytes,
    });
    const { ETag } = await this.#bucket.client.send(command, withContent(this.#bucket, signal));
    this.#parts.push({ PartNumber, ETag });
  }

  /** Takes a part from a version of another object, without its bytes coming here. */
  async addCopy(
    from: {
      readonly key: string;
      readonly version: string;
      readonly first: number;
      readonly last: number;
    },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const PartNumber = this.#parts.length + 1;
    const command = new UploadPartCopyCommand({
      ...this.#location,
      UploadId: this.#uploadId,
      PartNumber,
      CopySource: copySource(this.#bucket, from.key),
      CopySourceIfMatch: from.version,
      CopySourceRange: `bytes=${from.first}-${from.last}`,
    });
    const { CopyPartResult } = await this.#bucket.client.send(
      command,
      withContent(this.#bucket, signal),
    );
    this.#parts.push({ PartNumber, ETag: CopyPartResult?.ETag });
  }

  /** @returns the version of the whole object */
  async complete(signal: AbortSignal | undefined): Promise<string> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#location,
      UploadId: this.#uploadId,
      MultipartUpload: { Parts: this.#parts },
    });
    const { ETag = '' } = await this.#bucket.client.send(
      command,
      withContent(this.#bucket, signal),
    );
    return ETag;
  }

  /** Gives the parts up; a bucket that does not answer keeps them until its lifecycle rule removes them. */
  async abort(): Promise<void> {
    const command = new AbortMultipartUploadCommand({
      ...this.#location,
      UploadId: this.#uploadId,
    });
    await this.#bucket.client.send(command).catch(() => {});
  }
}
