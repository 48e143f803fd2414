import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '../temporary-directory.js';
import { freePort } from './free-port.js';
import { peer } from './peer.js';
import { run } from './run.js';
import { type RunningProgram, startProgram } from './running-program.js';
import { type S3Service, answers, putBucket } from './s3-service.js';

/** Programs of Ceph that {@link startRadosgw} runs: Debian has them in ceph-mon, ceph-osd and radosgw. */
export const radosgwPrograms: readonly string[] = [
  'ceph',
  'ceph-mon',
  'ceph-osd',
  'monmaptool',
  'radosgw',
  'radosgw-admin',
];

let buckets = 0;

/** Starts Ceph's S3 service over one monitor and one store in memory, all in a temporary directory. */
export async function startRadosgw(): Promise<S3Service> {
  const directory = await temporaryDirectory('oci-ceph-');
  const daemons: RunningProgram[] = [];
  const endDaemons = async (): Promise<void> => {
    for (const daemon of daemons.splice(0).toReversed()) {
      daemon.process.kill('SIGKILL');
      await daemon.end;
    }
  };
  try {
    const cluster = await Cluster.create(directory.path);
    daemons.push(await cluster.startMonitor());
    daemons.push(await cluster.startStore());
    const port = await freePort();
    daemons.push(cluster.startGateway(port));
    const credentials = await cluster.createUser();
    const service = { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials };
    await answers(service.endpoint);
    return {
      ...service,
      async createBucket() {
        const bucket = `bucket-${(buckets += 1)}`;
        await putBucket(service, bucket);
        return bucket;
      },
      stop: endDaemons,
      async close() {
        await endDaemons();
        await directory.remove();
      },
    };
  } catch (error) {
    await endDaemons();
    await directory.remove();
    throw error;
  }
}

/** The programs of one cluster, which all read its configuration. */
class Cluster {
  readonly #dir: string;
  readonly #id: string;
  readonly #monitor: string;

  private constructor(dir: string, { id, monitor }: { id: string; monitor: string }) {
    this.#dir = dir;
    this.#id = id;
    this.#monitor = monitor;
  }

  static async create(dir: string): Promise<Cluster> {
    const id = randomUUID();
    const monitor = `127.0.0.1:${await freePort()}`;
    await writeFile(join(dir, 'ceph.conf'), configuration(dir, { id, monitor }));
    return new Cluster(dir, { id, monitor });
  }

  async startMonitor(): Promise<RunningProgram> {
    const map = join(this.#dir, 'monmap');
    await this.#run('monmaptool', [
      '--create',
      '--fsid',
      this.#id,
      '--addv',
      'a',
      `[v2:${this.#monitor}]`,
      map,
    ]);
    const data = ['-i', 'a', '--mon-data', join(this.#dir, 'mon')];
    await this.#run('ceph-mon', ['--mkfs', '--monmap', map, ...data]);
    const monitor = this.#start('ceph-mon', ['-f', ...data]);
    await this.#run('ceph', ['osd', 'crush', 'add-bucket', 'localhost', 'host', 'root=default']);
    return monitor;
  }

  async startStore(): Promise<RunningProgram> {
    const id = randomUUID();
    await this.#run('ceph', ['osd', 'new', id]);
    await this.#run('ceph', ['osd', 'crush', 'add', 'osd.0', '1', 'host=localhost']);
    const data = join(this.#dir, 'osd');
    await mkdir(data);
    const args = ['-i', '0', '--osd-data', data];
    await this.#run('ceph-osd', ['--mkfs', '--osd-uuid', id, ...args]);
    return this.#start('ceph-osd', ['-f', ...args]);
  }

  startGateway(port: number): RunningProgram {
    const frontend = `beast endpoint=127.0.0.1:${port}`;
    // It wants a secured connection to the monitor unless its command line says that it need not.
    const open = ['--auth-client-required', 'none', '--ms-mon-client-mode', 'crc'];
    const args = ['-f', '-n', 'client.rgw', ...open, '--rgw-frontends', frontend];
    return this.#start('radosgw', args);
  }

  /** Waits for the store, too. */
  async createUser(): Promise<S3Service['credentials']> {
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'secretsecret' };
    const user = ['--uid', 'tester', '--display-name', 'tester'];
    const keys = ['--access-key', credentials.accessKeyId, '--secret', credentials.secretAccessKey];
    await this.#run('radosgw-admin', ['-n', 'client.rgw', 'user', 'create', ...user, ...keys]);
    return credentials;
  }

  #start(program: string, args: readonly string[]): RunningProgram {
    return startProgram(peer(program) ?? program, ['-c', join(this.#dir, 'ceph.conf'), ...args]);
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const conf = ['-c', join(this.#dir, 'ceph.conf')];
    const result = await run(peer(program) ?? program, [...conf, ...args]);
    if (result.exitCode === 0) return;
    throw new Error(`${program} ended with ${result.exitCode}: ${result.stderr.slice(-2000)}`);
  }
}

/** One store, which keeps each object once; nobody has to prove who they are. */
function configuration(dir: string, { id, monitor }: { id: string; monitor: string }): string {
  const settings = {
    fsid: id,
    'mon host': `[v2:${monitor}]`,
    'auth cluster required': 'none',
    'auth service required': 'none',
    'auth client required': 'none',
    'osd objectstore': 'memstore',
    'osd crush chooseleaf type': 0,
    'osd pool default size': 1,
    'osd pool default min size': 1,
    'osd pool default pg num': 1,
    'osd pool default pgp num': 1,
    'osd pool default pg autoscale mode': 'off',
    'mon allow pool size one': true,
    'mon max pg per osd': 1000,
    'mon warn on pool no redundancy': false,
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'run dir': dir,
    'admin socket': `${dir}/$name.asok`,
    'pid file': '',
    'crash dir': dir,
    'log to stderr': true,
    'log file': '',
    'mon cluster log to file': false,
    'rgw data': `${dir}/rgw`,
    'rgw enable usage log': false,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
  return `[global]\n${lines.join('\n')}\n`;
}
