/**
 * The situation behind a failure that has an answer: a program says it in its own words, with its flags, commands
 * or settings. The set is closed, so that the compiler checks a table over it; `hint` is the answer for any program.
 */
export type ErrorReason =
  /** No credential was sent. */
  | { readonly kind: 'login-missing'; readonly host: string }
  /** The credential that was sent is not accepted. */
  | { readonly kind: 'login-refused'; readonly host: string }
  /** The credential that was sent, if any, does not allow this. */
  | { readonly kind: 'access-denied'; readonly host: string }
  | {
      readonly kind: 'repository-unknown';
      /** `scheme://host:port` */
      readonly origin: string;
      /** What stands before the last `/` of its name; empty when there is none. */
      readonly namespace: string;
    }
  /** A repository has no such tag or digest. */
  | { readonly kind: 'manifest-unknown'; readonly host: string; readonly repository: string }
  /** A registry without HTTPS, asked by it. */
  | { readonly kind: 'plain-http-needed'; readonly host: string }
  /** A registry with HTTPS, asked without. */
  | { readonly kind: 'https-needed'; readonly host: string }
  | { readonly kind: 'certificate-untrusted'; readonly host: string }
  /** A file that a setting names cannot be read. */
  | { readonly kind: 'named-file-unreadable'; readonly file: 'certificate' | 'configuration' }
  /** A registry names a token server that its settings do not trust. */
  | { readonly kind: 'realm-untrusted'; readonly registry: string; readonly realm: string }
  /** Content of a public registry names an internal one. */
  | { readonly kind: 'registry-internal'; readonly registry: string }
  | { readonly kind: 'registry-blocked'; readonly registry: string }
  /** A name belongs to no registry, because no route is for it. */
  | { readonly kind: 'route-missing'; readonly repository: string }
  /** A registry lists no repositories, and no list of them was given. */
  | { readonly kind: 'repositories-unlisted'; readonly prefix: string }
  | { readonly kind: 'trust-rejected'; readonly scope: string }
  | { readonly kind: 'signature-missing' }
  /** Offline, and never brought here. */
  | { readonly kind: 'not-cached'; readonly what: 'content' | 'listing' | 'versions' }
  /** A file of the cache does not have the content that its digest says. */
  | { readonly kind: 'cache-damaged' }
  | { readonly kind: 'layer-ambiguous'; readonly layers: readonly string[] }
  /** An index lists a manifest that its registry does not have. */
  | { readonly kind: 'index-incomplete' }
  /** A probe is to write, and has no repository for that. */
  | { readonly kind: 'probe-repository-missing' }
  /** A tag is published with other content. */
  | { readonly kind: 'tag-taken' }
  /** A registry lets nobody move or delete a tag, or delete what it points to. */
  | { readonly kind: 'tag-immutable' }
  /** A file is in the way of one that is to be written. */
  | { readonly kind: 'file-taken'; readonly by: 'file' | 'directory' | 'foreign-install' }
  /** A layer's title is no path below a directory. */
  | { readonly kind: 'file-name-unsafe' }
  /** A file to push is not there. */
  | { readonly kind: 'input-missing' }
  /** Neither files nor anything else was given to attach. */
  | { readonly kind: 'attachment-empty' }
  /** A lock file is needed, and none was named. */
  | { readonly kind: 'lock-missing' }
  /** A lock file cannot be read. */
  | { readonly kind: 'lock-invalid'; readonly of: 'extensions' | 'kcl' }
  /** A lock file lacks what is needed. */
  | { readonly kind: 'lock-incomplete'; readonly of: 'extensions' | 'kcl' }
  /** A version has another digest than the lock file says. */
  | { readonly kind: 'lock-contradicted' }
  /** A package is needed from git. */
  | { readonly kind: 'dependency-from-git' }
  | { readonly kind: 'extension-not-installed' }
  | { readonly kind: 'version-in-use'; readonly type: string; readonly name: string }
  /** Other extensions need it. */
  | { readonly kind: 'extension-needed' }
  /** A private key is sealed, and its password is missing or wrong. */
  | { readonly kind: 'key-password' }
  | { readonly kind: 'key-missing' };
