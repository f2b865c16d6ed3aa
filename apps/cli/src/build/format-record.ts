import { alignTabs, type TabStyle } from '../format/tab-writer.ts';
import { localClock, localDate } from '../format/time.ts';
import type { InspectedBuild, NamedValue } from './inspect-record.ts';
import { shortDuration } from './record-texts.ts';

const style: TabStyle = { minWidth: 1, padding: 1 };
const configLabels: Readonly<Record<string, string>> = {
  Network: 'Network',
  Hostname: 'Hostname',
  ExtraHosts: 'Extra Hosts',
  CgroupParent: 'Cgroup Parent',
  ImageResolveMode: 'Image Resolve Mode',
  MultiPlatform: 'Multi-Platform',
  NoCache: 'No Cache',
  NoCacheFilter: 'No Cache Filter',
  ShmSize: 'Shm Size',
  Ulimit: 'Resource Limits',
  CacheMountNS: 'Cache Mount Namespace',
  DockerfileCheckConfig: 'Dockerfile Check Config',
  SourceDateEpoch: 'Source Date Epoch',
  SandboxHostname: 'Sandbox Hostname',
};

/** A build for people, in buildx's sections. `showRef` where it was not asked for by its reference. */
export function formatRecord(build: InspectedBuild, { showRef }: { showRef: boolean }): string {
  const { Config, Error: error, Status, NumCompletedSteps, NumTotalSteps, NumCachedSteps } = build;
  const cached = NumTotalSteps === 0 ? 0 : (NumCachedSteps / NumTotalSteps) * 100;
  const sections = [
    facts({
      Name: build.Name,
      Ref: showRef ? build.Ref : undefined,
      Context: build.Context,
      Dockerfile: build.Dockerfile,
      'VCS Repository': build.VCSRepository,
      'VCS Revision': build.VCSRevision,
      Target: build.Target,
      Platforms: build.Platform?.join(', '),
      'Keep Git Dir': build.KeepGitDir?.toString(),
    }),
    table('NAMED CONTEXT', build.NamedContexts),
    facts({
      Started: timeOf(build.StartedAt),
      Duration: `${shortDuration(build.Duration / 1e6)}${Status === 'running' ? ' (running)' : ''}`,
      Error: Status === 'failed' ? error?.Message : undefined,
      Status: Status === 'canceled' ? 'Canceled' : undefined,
      'Build Steps': `${NumCompletedSteps}/${NumTotalSteps} (${cached.toFixed(0)}% cached)`,
    }),
    facts(
      Object.fromEntries(Object.entries(configLabels).map(([field, label]) => [label, shown(Config[field])])),
      ((Config.RestRaw as readonly NamedValue[] | undefined) ?? []).map(({ Name, Value }) => [Name, Value]),
    ),
    table('BUILD ARG', build.BuildArgs),
    table('LABEL', build.Labels),
    rows(
      'Materials:\nURI\tDIGEST\n',
      build.Materials?.map(({ URI, Digests }) => `${URI}\t${Digests.join(', ')}`),
    ),
    rows(
      'Attachments:\nDIGEST\tPLATFORM\tTYPE\n',
      build.Attachments?.map(({ Digest, Type }) => `${Digest}\t\t${Type}`),
    ),
    error?.Logs ? `Logs:\n> => ${error.Name ?? ''}:\n${error.Logs.map((line) => `> ${line}\n`).join('')}` : '',
  ];
  const text = sections.filter((section) => section !== '').join('\n');
  return `${text}\nPrint build logs: wharf builder history logs ${build.Ref}\n`;
}

function facts(
  fields: Readonly<Record<string, string | undefined>>,
  more: readonly (readonly [string, string])[] = [],
) {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return alignTabs([...known, ...more].map(([name, value]) => `${name}:\t${value}\n`).join(''), style);
}

function table(title: string, values: readonly NamedValue[] | undefined): string {
  return rows(
    `${title}\tVALUE\n`,
    values?.map(({ Name, Value }) => `${Name}\t${Value}`),
  );
}

function rows(header: string, lines: readonly string[] | undefined): string {
  return lines ? alignTabs(header + lines.map((line) => `${line}\n`).join(''), style) : '';
}

function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.join(', ') : String(value);
}

function timeOf(text: string): string {
  const date = new Date(text);
  return `${localDate(date)} ${localClock(date)}`;
}
