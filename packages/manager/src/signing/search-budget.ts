import { OciError, type ResolvedManifest } from '@oci/spec-types';

/** As cosign has it; a registry must not keep us busy for ever. */
const most = { signatures: 1000, bytes: 64 * 1024 * 1024 };

/** Bytes of one signature that are read. */
export const mostSignatureBytes: number = 4 * 1024 * 1024;

/** What is read of one place at most; only what came counts, and not what a descriptor claims. */
export class SearchBudget {
  readonly #subject: ResolvedManifest;
  #signatures = 0;
  #bytes = 0;

  constructor(subject: ResolvedManifest) {
    this.#subject = subject;
  }

  get isSpent(): boolean {
    return this.#signatures > most.signatures || this.#bytes > most.bytes;
  }

  /** @throws OciError `LIMIT_EXCEEDED` for more than 1000 signatures, or 64 MiB of them */
  spend({ signatures = 0, bytes = 0 }: { signatures?: number; bytes?: number }): void {
    this.#signatures += signatures;
    this.#bytes += bytes;
    if (!this.isSpent) return;
    const { digest } = this.#subject.descriptor;
    throw new OciError('LIMIT_EXCEEDED', `${digest} has too many signatures`, {
      hint: `At most ${most.signatures} are read, and ${most.bytes} bytes of them.`,
    });
  }
}
