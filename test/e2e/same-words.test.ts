import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';

const engine = useDaemon();

// Both speak a version that every daemon has: newer ones say more.
const same = { env: { DOCKER_API_VERSION: '1.41' } };

/** One name for both programs, nothing of what they say of themselves, nor of what differs from call to call. */
function neutral(text: string): string {
  return text
    .replace(/^Client:[\s\S]*?\n\nServer/, 'Server')
    .replace(/\b(docker|wharf)(?=[ :'])/g, 'CLIENT')
    .replace(/^See '/gm, "Run '")
    .replace(/(\d+|Less than a|About a|About an) (second|minute)s?( ago)?/g, 'TIME')
    .replace(/ +/g, ' ');
}

/** Lines that both clients must answer alike, byte for byte: output, errors and exit code. */
const lines: readonly (readonly string[])[] = [
  ['ps'],
  ['ps', '-aq'],
  ['ps', '--no-trunc', '-s'],
  ['ps', '--format', 'json'],
  ['ps', '--format', 'raw'],
  ['ps', '--format', '{{.ID}}: {{.Names}} {{.Label "a"}} {{json .Ports}}'],
  ['ps', '--format', 'table {{.ID}}\\t{{.Names}}\\t{{.Label "a"}}\\t{{.Size}}'],
  ['ps', '--format', '{{.Foo}}'],
  ['ps', '--format', '{{.ID'],
  ['ps', '--format', '{{if eq .Names "same"}}yes{{else}}no{{end}} {{upper .Names}} {{printf "%-9s|" .Names}}'],
  ['ps', '-f', 'name=same'],
  ['ps', '-f', 'dream=1'],
  ['ps', '-f', 'dream'],
  ['ps', 'extra'],
  ['ps', '--dream'],
  ['ps', '-n', 'x'],
  ['images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}'],
  ['images', '--digests'],
  ['history', 'busybox'],
  ['history', '-H=false', '--no-trunc', 'busybox'],
  ['volume', 'ls'],
  ['network', 'ls'],
  ['network', 'ls', '--format', 'json'],
  ['inspect', 'same'],
  ['inspect', 'nope'],
  ['inspect', 'same', 'nope'],
  ['inspect', '--type', 'container', 'busybox'],
  [
    'inspect',
    '-f',
    '{{.State.Status}} {{.Config.Cmd}} {{json .HostConfig.PortBindings}} {{.HostConfig.Memory}}',
    'same',
  ],
  [
    'inspect',
    '-f',
    '{{range $p, $b := .NetworkSettings.Ports}}{{$p}} {{end}}{{with .State.Health}}h{{else}}none{{end}}',
    'same',
  ],
  ['inspect', '-f', '{{.State.Health}} {{.Config.Env}} {{index .Config.Labels "a"}}', 'same'],
  ['image', 'inspect', 'busybox'],
  ['network', 'inspect', 'bridge'],
  ['container', 'inspect', 'nope'],
  ['volume', 'inspect', 'nope'],
  ['top', 'same'],
  ['port', 'same'],
  ['port', 'same', '81'],
  ['logs', 'same'],
  ['logs', '--tail', '1', 'same'],
  // Until a time to come: what is before it is then the same for the first that asks and the second.
  ['events', '--since=1h', '--until=-1s', '-f=container=same', '--format', '{{.Type}} {{.Action}} {{.Actor.ID}}'],
  ['version', '--format', '{{.Server.Version}} {{.Server.APIVersion}}'],
  ['info', '--format', '{{.NCPU}} {{.Driver}} {{.ServerVersion}}'],
  ['system', 'df'],
  ['system', 'df', '-v'],
  ['system', 'df', '--format', '{{json .}}'],
  ['system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}} {{.Reclaimable}}'],
  ['version'],
  ['version', '--format', '{{json .Server.Components}}'],
  ['info'],
  ['info', '--format', '{{json .Plugins}} {{.OperatingSystem}} {{.ClientInfo.Debug}}'],
  ['info', 'extra'],
  ['system', 'events', '--until', 'dream'],
  ['system', 'events', '--filter', 'dream=1', '--until', '1'],
  ['system', 'prune', '-f', '--filter', 'dream=1'],
  ['system', 'prune', '-f', '--filter', 'label=nobody=has'],
  ['system', 'prune', '-f', '--volumes', '--filter', 'until=1h'],
  ['system', 'prune', '-af', '--filter', 'label=nobody=has'],
  ['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7'],
  ['run', '--rm', 'busybox', 'nope'],
  ['run', '--rm', '--name', 'a/b', 'busybox'],
  ['run', '--rm', '--pull', 'dream', 'busybox'],
  ['run', '--rm', '-p', 'abc', 'busybox'],
  ['run', '--rm', '--memory', 'x', 'busybox'],
  ['run', '--rm', '-it', 'busybox'],
  ['run', 'UPPER'],
  ['run'],
  ['exec', 'same', 'sh', '-c', 'exit 4'],
  ['exec', 'nope', 'true'],
  ['exec', 'same'],
  ['start', 'nope'],
  ['stop', 'nope'],
  ['kill', 'nope', 'nada'],
  ['rm', 'same'],
  ['rm', 'nope', 'nada'],
  ['rm', '-f', 'nope'],
  ['wait', 'nope'],
  ['rename', 'nope', 'x'],
  ['pause', 'nope'],
  ['attach', 'nope'],
  ['rmi', 'nope'],
  ['tag', 'nope', 'x'],
  ['volume', 'create', '--driver', 'local', '--label', 'a=b', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'vol'],
  ['volume', 'create', '-d', 'gone', 'none'],
  ['volume', 'create', '-o', 'color=blue', 'none'],
  ['volume', 'create', '-o', 'color', 'none'],
  ['volume', 'create', '../up'],
  ['volume', 'create', '--name', 'a', 'b'],
  ['volume', 'inspect', 'vol'],
  ['volume', 'inspect', '-f', '{{.Options.type}} {{.Labels}} {{.Status}}', 'vol'],
  ['volume', 'inspect', 'vol', 'nope'],
  ['volume', 'ls', '-f', 'label=a=b'],
  ['volume', 'ls', '-f', 'dangling=dream'],
  ['volume', 'ls', '-f', 'dream=1'],
  ['volume', 'ls', '-q', '-f', 'driver=local', '-f', 'name=vo'],
  ['volume', 'ls', '--format', 'json'],
  ['volume', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Label "a"}} {{.Labels}} {{.Links}} {{.Size}}'],
  ['volume', 'ls', 'extra'],
  ['volume', 'prune', '-f', '--filter', 'label=nobody=has'],
  ['volume', 'prune', '-f', '--filter', 'dream=1'],
  ['volume', 'rm', '-f', 'nope'],
  ['volume', 'rm'],
  ['volume', 'rm', 'nope'],
  ['network', 'rm', 'nope'],
  ['network', 'connect', 'nope', 'same'],
  ['network', 'create', '--subnet', 'x', 'n'],
  ['dream'],
  ['container', 'dream'],
  ['--dream', 'ps'],
];

describe('wharf and docker say the same', () => {
  before(async () => {
    const made = await engine.daemon.docker([
      ...[
        'run',
        '-d',
        '--name',
        'same',
        '-l',
        'a=b',
        '-p',
        '80',
        'busybox',
        'sh',
        '-c',
        'echo one; echo two; exec sleep 1000',
      ],
    ]);
    assert.equal(made.code, 0, made.stderr);
  });

  for (const line of lines) {
    test(line.join(' '), async () => {
      const [docker, wharf] = [await engine.daemon.docker(line, same), await engine.daemon.wharf(line, same)];
      assert.equal(neutral(wharf.stdout), neutral(docker.stdout));
      assert.equal(neutral(wharf.stderr), neutral(docker.stderr));
      assert.equal(wharf.code, docker.code);
    });
  }
});
