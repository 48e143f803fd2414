/** One of several archives and files that make one tree. */
export interface LayerArchive {
  readonly path: string;
  /** Where below the destination: the directory of an archive (`''` is the destination), or the name of a file. */
  readonly under: string;
  /** Default `archive`; `unknown` is decided by the first bytes. */
  readonly form?: LayerForm | undefined;
  /** Directory that the names in the archive begin with, as ORAS writes them, and that is left out of them. */
  readonly strip?: string | undefined;
  /** Make symbolic links that stay within the archive's directory; by default links are refused. */
  readonly links?: boolean | undefined;
  /** That the tar without its compression has to have. */
  readonly tarDigest?: string | undefined;
}

type LayerForm = 'archive' | 'file' | 'unknown';
