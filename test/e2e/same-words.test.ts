import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { comparedDocker } from '../harness/target.ts';

const engine = useDaemon();

// Both speak a version that every daemon has: newer ones say more.
const same = { env: { DOCKER_API_VERSION: '1.41' } };

/** One name for both programs, nothing of what they say of themselves, nor of what differs from call to call. */
function neutral(text: string): string {
  return (
    text
      .replace(/^Client:[\s\S]*?\n\nServer/, 'Server')
      .replace(/\b(docker|wharf)(?=[ :'])/g, 'CLIENT')
      // Docker's own slip: "SRun 'docker images --help'".
      .replace(/^(?:See|SRun) '/gm, "Run '")
      .replace(/(\d+|Less than a|About a|About an) (second|minute)s?( ago)?/g, 'TIME')
      // Go's maps have no order.
      .replace(/Runtimes: (.*)/g, (_, names: string) => `Runtimes: ${names.split(' ').sort().join(' ')}`)
      .replace(/ +/g, ' ')
  );
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
  ['plugin', 'ls'],
  ['plugin', 'ls', '-q'],
  ['plugin', 'ls', '--format', 'json'],
  ['plugin', 'inspect', 'nobody'],
  ['plugin', 'rm', 'nobody'],
  ['plugin', 'enable', 'nobody'],
  ['plugin', 'disable', 'nobody'],
  ['plugin', 'set', 'nobody', 'a=b'],
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
  ['tag', 'busybox', 'UPPER'],
  ['tag', 'busybox', 'a@sha256:0000000000000000000000000000000000000000000000000000000000000000'],
  ['tag', 'busybox'],
  ['images', '-q', '--no-trunc'],
  ['images', '-f', 'dream=1'],
  ['images', '-f', 'dangling=dream'],
  ['images', '--format', 'json'],
  ['images', 'nope'],
  ['images', 'a', 'b'],
  ['image', 'history', '-q', 'busybox'],
  ['image', 'history', '--format', '{{.ID}} {{.CreatedBy}} {{.Size}} {{.Comment}}', 'busybox'],
  ['image', 'history', 'nope'],
  ['image', 'inspect', 'nope', 'busybox'],
  ['image', 'prune', '-f', '--filter', 'dream=1'],
  ['image', 'prune', '-af', '--filter', 'label=nobody=has'],
  ['image', 'prune', '-f', '--filter', 'until=1h'],
  ['image', 'save', 'nope'],
  ['image', 'save'],
  ['image', 'save', '-o', '/nowhere/x.tar', 'busybox'],
  ['image', 'save', '-o', '/tmp', 'busybox'],
  ['image', 'save', '-o', '/dev/null', 'busybox'],
  ['image', 'save', '-o', '/etc/hostname/x', 'busybox'],
  ['image', 'save', '-o', '/nowhere/', 'busybox'],
  ['export', '-o', '/nowhere/x.tar', 'same'],
  ['export', '-o', '/dev/null', 'same'],
  ['image', 'load', '-i', '/nowhere/x.tar'],
  ['image', 'load', '-q', '-i', '/etc/hostname'],
  ['commit'],
  ['commit', 'a', 'b', 'c'],
  ['image', 'import', '/nowhere/x.tar'],
  ['image', 'import', '/etc/hostname', 'x'],
  ['image', 'import', '-c', 'DREAM 1', '/etc/hostname', 'x'],
  ['image', 'import', '/etc/hostname', 'UPPER'],
  ['push', 'nope'],
  ['push', 'UPPER'],
  ['push'],
  ['push', '-a', 'nope'],
  ['push', '-a', 'nope:tag'],
  ['push', '127.0.0.1:1/nope:tag'],
  ['pull', 'UPPER'],
  ['pull', '-a', 'nope:tag'],
  ['login', '-p', 'a', '--password-stdin', '127.0.0.1:1'],
  ['login', '--password-stdin', '127.0.0.1:1'],
  ['login', '-u', 'a', '-p', 'b', '127.0.0.1:1'],
  ['login', 'a', 'b'],
  ['logout', '127.0.0.1:1'],
  ['logout', 'a', 'b'],
  ['search'],
  ['search', '--limit', '1000', 'x'],
  ['search', '-f', 'dream=1', 'x'],
  ['search', '-f', 'stars=x', 'x'],
  ['manifest', 'inspect'],
  ['manifest', 'inspect', 'UPPER'],
  ['manifest', 'inspect', 'one', 'two'],
  ['manifest', 'create', 'one'],
  ['manifest', 'create', 'UPPER', 'x'],
  ['manifest', 'annotate', 'one'],
  ['manifest', 'annotate', 'one', 'two'],
  ['manifest', 'annotate', 'UPPER', 'two'],
  ['manifest', 'annotate', 'one', 'UPPER'],
  ['manifest', 'push', 'one'],
  ['manifest', 'push', 'one', 'two'],
  ['manifest', 'rm', 'one'],
  ['manifest', 'rm'],
  ['volume', 'create', '--driver', 'local', '--label', 'a=b', '-o', 'type=tmpfs', '-o', 'device=tmpfs', 'vol'],
  ['volume', 'create', '-d', 'gone', 'none'],
  ['volume', 'create', '-o', 'color=blue', 'none'],
  ['volume', 'create', '-o', 'color', 'none'],
  ['volume', 'create', '../up'],
  ['volume', 'create', '--name', 'a', 'b'],
  ['volume', 'create', '--type', 'mount', '--limit-bytes', '2g', 'cluster'],
  ['volume', 'create', '--required-bytes', 'some', 'cluster'],
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
  ['volume', 'ls', '--cluster'],
  ['volume', 'update', '--availability', 'drain', 'vol'],
  ['volume', 'update', 'nope'],
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

const compared = comparedDocker();

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
    test(line.join(' '), compared, async () => {
      const [docker, wharf] = [await engine.daemon.docker(line, same), await engine.daemon.wharf(line, same)];
      assert.equal(neutral(wharf.stdout), neutral(docker.stdout));
      assert.equal(neutral(wharf.stderr), neutral(docker.stderr));
      assert.equal(wharf.code, docker.code);
    });
  }

  test('images --tree, but for colours and the place of the legend', compared, async () => {
    const rows = (text: string) => text.split('\n').filter((line) => /^busybox|^[├└]/.test(line));
    const line = ['images', '--tree'];
    const [docker, wharf] = [await engine.daemon.docker(line), await engine.daemon.wharf(line)];
    assert.equal(wharf.code, 0, wharf.stderr);
    assert.ok(rows(wharf.stdout).length > 1, wharf.stdout);
    const words = (text: string) => rows(text).map((row) => row.trimEnd().split(/ +/));
    assert.deepEqual(words(wharf.stdout), words(docker.stdout));
    for (const flag of ['-q', '--no-trunc', '--digests', '--format=json']) {
      const refused = [await engine.daemon.docker([...line, flag]), await engine.daemon.wharf([...line, flag])];
      assert.equal(refused[1]?.stderr, refused[0]?.stderr);
      assert.equal(refused[1]?.code, 1);
    }
  });
});
