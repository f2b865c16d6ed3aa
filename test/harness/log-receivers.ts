import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sandbox } from './sandbox.ts';

const patience = 20_000;
const glance = 10;

/** Resolves with what `read` makes of a file that another program writes, as soon as that is something. */
export async function whenFileHas<T>(path: string, read: (text: string) => T | undefined): Promise<T> {
  for (const end = performance.now() + patience; ; ) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const found = read(text);
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${path} never had it:\n${text}`);
    await delay(glance);
  }
}

/** A process in a sandbox that takes logs. */
export class ReceiverProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Resolves when `ready` has happened. */
  static async start(sandbox: Sandbox, argv: readonly string[], ready?: Promise<unknown>): Promise<ReceiverProcess> {
    const [command, ...args] = sandbox.enter(argv);
    const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const receiver = new ReceiverProcess(child);
    const failed = receiver.#ended.then(() => {
      throw new Error(`${argv.join(' ')} has ended`);
    });
    const said = new Promise((resolve) => child.stdout!.once('data', resolve));
    await Promise.race([ready ?? said, failed]);
    failed.catch(() => {});
    return receiver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // nsenter forks for the pid namespace: the program is its child.
    for (const pid of childrenOf(this.#child.pid!)) process.kill(pid, 'SIGTERM');
    await this.#ended;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Whatever arrives at a port, undecoded. */
export class RawReceiver implements AsyncDisposable {
  readonly #process: ReceiverProcess;
  readonly #file: string;

  private constructor(process: ReceiverProcess, file: string) {
    this.#process = process;
    this.#file = file;
  }

  static async start(sandbox: Sandbox, kind: 'udp' | 'tcp', port: number, answer = ''): Promise<RawReceiver> {
    const file = join(sandbox.directory, `${kind}-${port}-${Date.now()}`);
    const program = join(import.meta.dirname, '../fixtures/log-receiver.ts');
    const process_ = await ReceiverProcess.start(sandbox, [
      process.execPath,
      program,
      kind,
      String(port),
      file,
      answer,
    ]);
    return new RawReceiver(process_, file);
  }

  /** Waits until `read` makes something of the datagrams, or of what each connection got. */
  has<T>(read: (received: Buffer[]) => T | undefined, by: 'datagram' | 'connection' = 'datagram'): Promise<T> {
    return whenFileHas(this.#file, (text) => {
      const lines = text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean);
      const chunks = lines.map((line) => JSON.parse(line) as { from: number; bytes: string });
      if (by === 'datagram') return read(chunks.map(({ bytes }) => Buffer.from(bytes, 'base64')));
      const connections = new Map<number, Buffer>();
      for (const { from, bytes } of chunks) {
        const before = connections.get(from) ?? Buffer.alloc(0);
        connections.set(from, Buffer.concat([before, Buffer.from(bytes, 'base64')]));
      }
      return read([...connections.values()]);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

export interface SyslogEntry {
  readonly facility: string;
  readonly severity: string;
  readonly host: string;
  readonly tag: string;
  readonly message: string;
  readonly time: string;
  readonly raw: string;
}

/** Debian's rsyslog, listening by everything that it has. */
export class Rsyslog implements AsyncDisposable {
  readonly #process: ReceiverProcess;
  readonly #directory: string;

  private constructor(process: ReceiverProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
  }

  /** `tls`: a directory with ca.pem, server.pem and server-key.pem. */
  static async start(sandbox: Sandbox, directory: string, tls: string): Promise<Rsyslog> {
    const configuration = join(directory, 'rsyslog.conf');
    writeFileSync(configuration, rsyslogConfiguration(directory, tls));
    const ready = whenFileHas(join(directory, 'rsyslog.out'), (text) => (text.includes('] start') ? true : undefined));
    const argv = ['rsyslogd', '-n', '-f', configuration, '-i', join(directory, 'rsyslog.pid')];
    return new Rsyslog(await ReceiverProcess.start(sandbox, argv, ready), directory);
  }

  /** The first entry whose message has the text. */
  entry(text: string): Promise<SyslogEntry> {
    return whenFileHas(join(this.#directory, 'rsyslog.out'), (lines) =>
      lines
        .slice(0, lines.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as SyslogEntry)
        .find(({ raw }) => raw.includes(text)),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

function rsyslogConfiguration(directory: string, tls: string): string {
  const fields = {
    facility: 'syslogfacility-text',
    severity: 'syslogseverity-text',
    host: 'hostname',
    tag: 'syslogtag',
    message: 'msg',
    time: 'timereported" dateFormat="rfc3339',
    raw: 'rawmsg',
  };
  const properties = Object.entries(fields).map(
    ([name, property], index) =>
      `constant(value="${index === 0 ? '{' : ', '}\\"${name}\\":\\"") property(name="${property}" format="json") constant(value="\\"")`,
  );
  return `
global(processInternalMessages="on" workDirectory="${directory}" defaultNetstreamDriverCAFile="${tls}/ca.pem"
  defaultNetstreamDriverCertFile="${tls}/server.pem" defaultNetstreamDriverKeyFile="${tls}/server-key.pem")
template(name="fields" type="list") { ${properties.join('\n')} constant(value="}\\n") }
ruleset(name="all") { action(type="omfile" file="${directory}/rsyslog.out" template="fields") }
$DefaultRuleset all
module(load="imudp") input(type="imudp" address="127.0.0.1" port="5140")
module(load="imptcp") input(type="imptcp" address="127.0.0.1" port="5141") input(type="imptcp" path="${directory}/stream.sock")
module(load="imuxsock" sysSock.use="off") input(type="imuxsock" socket="${directory}/datagram.sock" useSpecialParser="off" parseHostname="off")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="5142")
`;
}
