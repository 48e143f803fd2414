import { type OciErrorCode, type RepositoryName, asOciError } from '@oci/spec-types';

import type { Result } from '../output.js';
import type { Outcome } from './repository-content.js';

/** Something that is not at the target as it is at the source. */
export interface TransferProblem {
  readonly repository: string;
  /** A digest, or a tag. */
  readonly subject?: string | undefined;
  readonly code: OciErrorCode;
  readonly message: string;
}

/** How many were copied, and how many were there. */
export interface TransferCount {
  copied: number;
  present: number;
}

/** Problems that are told one by one; the others are counted. */
const mostProblems = 1000;

/** Counts what an export or import does. */
export class TransferReport {
  readonly manifests: TransferCount = { copied: 0, present: 0 };
  readonly blobs: TransferCount = { copied: 0, present: 0 };
  readonly tags: TransferCount = { copied: 0, present: 0 };
  readonly removed: Record<'repositories' | 'tags' | 'manifests' | 'blobs', number> = {
    repositories: 0,
    tags: 0,
    manifests: 0,
    blobs: 0,
  };
  repositories = 0;
  /** Bytes of blobs and manifests that were copied. */
  bytes = 0;
  readonly #problems: TransferProblem[] = [];
  #problemCount = 0;

  count(kind: 'manifests' | 'blobs' | 'tags', outcome: Outcome, bytes = 0): void {
    this[kind][outcome] += 1;
    if (outcome === 'copied') this.bytes += bytes;
  }

  problem(
    {
      repository,
      subject,
    }: { readonly repository: RepositoryName | string; readonly subject?: string | undefined },
    thrown: unknown,
  ): void {
    const { code, message } = asOciError(thrown);
    this.#problemCount += 1;
    if (this.#problems.length < mostProblems)
      this.#problems.push({ repository, subject, code, message });
  }

  get problemCount(): number {
    return this.#problemCount;
  }

  /** One line that says how far it is. */
  get line(): string {
    const { repositories, manifests, blobs, tags, bytes } = this;
    const sum = ({ copied, present }: TransferCount): number => copied + present;
    return `${repositories} repositories, ${sum(tags)} tags, ${sum(manifests)} manifests, ${sum(blobs)} blobs looked at; copied ${manifests.copied} manifests, ${blobs.copied} blobs, ${bytes} bytes`;
  }

  result(facts: Readonly<Record<string, unknown>>): Result {
    const { repositories, manifests, blobs, tags, bytes, removed } = this;
    const problems = this.#problems;
    const untold = this.#problemCount - problems.length;
    const counts = { repositories, manifests, blobs, tags, bytes, removed };
    return {
      json: { ...facts, ...counts, problem_count: this.#problemCount, problems },
      lines: [
        ...problems.map(lineOf),
        ...(untold > 0 ? [`and ${untold} more problems`] : []),
        ...this.#removedLines(),
        `${this.line}; ${this.#problemCount === 0 ? 'no problems' : `${this.#problemCount} problems`}`,
      ],
    };
  }

  #removedLines(): readonly string[] {
    const { repositories, tags, manifests, blobs } = this.removed;
    if (repositories + tags + manifests + blobs === 0) return [];
    return [
      `removed ${repositories} repositories, ${tags} tags, ${manifests} manifests, ${blobs} blobs`,
    ];
  }
}

function lineOf({ repository, subject, code, message }: TransferProblem): string {
  return `problem: ${repository}${subject === undefined ? '' : ` ${subject}`}: ${message} [${code}]`;
}
