import type { Digest } from '@oci/spec-types';

import type { Content } from './children.js';

interface Node {
  readonly content: Content;
  holders: number;
  children: Digest[];
  /** Whether its children are known, of a manifest. */
  isRead: boolean;
}

/** How the graph learns what content leads to. */
export interface GraphSource {
  /** Returns undefined for a manifest that cannot be read. */
  childrenOf(content: Content): readonly Content[] | undefined;
  referrersOf(subject: Digest): readonly Content[];
}

/** Which content needs which: for each blob, how many references, manifests and subjects hold it. */
export class ReferenceGraph {
  readonly #source: GraphSource;
  readonly #nodes = new Map<Digest, Node>();

  constructor(source: GraphSource) {
    this.#source = source;
  }

  /** Whether something holds a blob. */
  has(digest: Digest): boolean {
    return (this.#nodes.get(digest)?.holders ?? 0) > 0;
  }

  /** Bytes, as whatever led to it says; undefined for content that nothing ever led to. */
  sizeOf(digest: Digest): number | undefined {
    return this.#nodes.get(digest)?.content.size;
  }

  /** Holds content once more, and with the first time what it leads to. */
  hold(root: Content): void {
    const pending = [root];
    for (let content = pending.pop(); content; content = pending.pop()) {
      const node = this.#nodes.get(content.digest) ?? newNode(content);
      this.#nodes.set(content.digest, node);
      node.holders += 1;
      if (node.holders > 1) continue;
      const children = this.#source.childrenOf(content);
      const all = [...(children ?? []), ...this.#source.referrersOf(content.digest)];
      node.isRead = children !== undefined;
      node.children = all.map(({ digest }) => digest);
      pending.push(...all);
    }
  }

  /** Holds content for as long as another is held. */
  holdFor(holder: Digest, content: Content): void {
    this.#nodes.get(holder)?.children.push(content.digest);
    this.hold(content);
  }

  /** Reads the manifests again that could not be read: somebody may have put them there. */
  holdUnread(): void {
    for (const [digest, node] of this.#nodes) {
      if (node.isRead || node.holders === 0) continue;
      const children = this.#source.childrenOf(node.content);
      node.isRead = children !== undefined;
      for (const child of children ?? []) this.holdFor(digest, child);
    }
  }

  /** Lets content go once. @returns what nothing holds any more; what is leased stays, and what it leads to */
  release(root: Digest, isLeased: (digest: Digest) => boolean): readonly Digest[] {
    const free: Digest[] = [];
    const pending = [root];
    for (let digest = pending.pop(); digest; digest = pending.pop()) {
      const node = this.#nodes.get(digest);
      if (!node || node.holders === 0) continue;
      if (node.holders === 1 && isLeased(digest)) continue;
      node.holders -= 1;
      if (node.holders > 0) continue;
      free.push(digest);
      pending.push(...node.children);
    }
    return free;
  }
}

function newNode(content: Content): Node {
  return { content, holders: 0, children: [], isRead: false };
}
