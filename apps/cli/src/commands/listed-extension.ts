import type { InventoryEntry } from '@oci/extensions';
import { compareVersions } from '@oci/manager';

/** What is installed, and what the registry has of it. */
export interface ListedExtension extends InventoryEntry {
  /** Undefined when nobody asked; null when the registry has none. */
  readonly latest?: string | null;
  /** Whether the tag of the version in use has another content by now; undefined when nobody asked. */
  readonly republished?: boolean;
}

export function isOutdated(entry: ListedExtension): boolean {
  return entry.republished === true || hasNewer(entry);
}

export function hasNewer({ current, latest }: ListedExtension): boolean {
  return current !== null && latest != null && compareVersions(latest, current) > 0;
}
