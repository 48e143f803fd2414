/** The path and the query of a request; the path with its percent-encoding decoded. */
export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * Splits the target of a request (RFC 9112, section 3.2). The path is decoded once, here only, so that
 * what is routed, what the rules are asked about and what is opened is one text; a path that cannot be
 * decoded stays as it is, and names nothing.
 */
export function parseTarget(target: string): RequestTarget {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  return {
    path: decoded(path),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
  };
}

function decoded(path: string): string {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
