import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The state LISTEN of `/proc/net/tcp`. */
const listening = '0A';

/**
 * The first TCP port that a process listens on; undefined as long as it doesn't. So no server has to log, or to
 * be given a port that another may take meanwhile.
 *
 * @param {number} pid
 * @returns {number | undefined}
 */
export function listeningPort(pid) {
  const inodes = socketsOf(pid);
  for (const table of ['tcp', 'tcp6']) {
    for (const line of readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === listening && inodes.has(inode)) return parseInt(local.split(':')[1] ?? '', 16);
    }
  }
  return undefined;
}

/**
 * The inodes of the sockets that a process has open.
 *
 * @param {number} pid
 */
function socketsOf(pid) {
  const directory = `/proc/${pid}/fd`;
  const inodes = new Set();
  for (const name of readdirSync(directory)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${directory}/${name}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed meanwhile.
    }
  }
  return inodes;
}
