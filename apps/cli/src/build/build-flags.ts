import { parseReference } from '@wharf/oci/reference';
import { bool, int, list, parsed, parsedList, strings, text } from '../flags/flag.ts';
import { checkLabel } from '../flags/key-values.ts';
import { parseSize, parseSwapSize } from '../flags/size.ts';
import { checkExtraHost } from '../flags/values/checks.ts';
import { parseUlimit } from '../flags/values/device.ts';

/** Flags of builds that say how they are shown and what of them is kept beside the image. */
export const reportFlags = {
  'metadata-file': text('Write what is known of the result to this file', { complete: 'file' }),
  progress: text('How to show progress: "auto", "plain", "tty", "rawjson" or "quiet"', {
    initial: 'auto',
    complete: ['auto', 'plain', 'tty', 'rawjson', 'quiet'],
  }),
};

/** Flags that the classic builder alone knows: limits of the steps. */
export const classicFlags = {
  'cpu-period': int('Length of a period of the CPU quota, in microseconds'),
  'cpu-quota': int('CPU time in a period, in microseconds'),
  'cpu-shares': int('Weight of CPU time', { short: 'c' }),
  'cpuset-cpus': text('CPUs that may run the steps (0-3, 0,1)', { complete: 'none' }),
  'cpuset-mems': text('Memory nodes that the steps may use (0-3, 0,1)', { complete: 'none' }),
  memory: parsed('Memory limit of the steps', 'bytes', 0, parseSize, { short: 'm', complete: 'none' }),
  'memory-swap': parsed("Limit of memory and swap together; '-1' for unlimited swap", 'bytes', 0, parseSwapSize, {
    complete: 'none',
  }),
};

/** Flags that only BuildKit's interface can carry. */
export const wireFlags = {
  allow: strings('Let steps have more rights (network.host, security.insecure)', {
    complete: ['network.host', 'security.insecure'],
  }),
  annotation: list('Add an annotation to the image ([place:]key=value)', { kind: 'stringArray', complete: 'none' }),
  attest: list('Attach an attestation (type=sbom, type=provenance,mode=max)', {
    kind: 'stringArray',
    complete: 'none',
  }),
  'build-context': list('A further context (name=path, name=docker-image://image, name=https://...)', {
    kind: 'stringArray',
    complete: 'file',
  }),
  'cache-to': list('Where to put the cache (type=inline, type=local,dest=..., type=registry,ref=...)', {
    kind: 'stringArray',
    complete: 'none',
  }),
  call: text('What to do: "build", "check", "outline", "targets"', {
    initial: 'build',
    complete: ['build', 'check', 'outline', 'targets'],
  }),
  check: bool('Look for what should be written otherwise, and do not build (--call=check)'),
  load: bool('Keep the image in the engine (--output=type=docker)'),
  'no-cache-filter': list('Run the steps of this stage again', { kind: 'stringArray', complete: 'none' }),
  output: list('Where to put the result (a directory, -, type=local|tar|oci|docker|image|registry,...)', {
    kind: 'stringArray',
    short: 'o',
    complete: 'file',
  }),
  provenance: text('Attach how it was made (--attest=type=provenance)', { complete: ['true', 'false', 'mode=max'] }),
  push: bool('Push the image to its registry (--output=type=registry)'),
  sbom: text('Attach what it consists of (--attest=type=sbom)', { complete: ['true', 'false'] }),
  secret: list('A secret for steps that ask for it (id=name[,src=file|,env=NAME])', {
    kind: 'stringArray',
    complete: 'none',
  }),
  ssh: list('An agent or keys for steps that ask for them (default|id[=socket|key[,key]])', {
    kind: 'stringArray',
    complete: 'none',
  }),
};

/** Every flag of `build`. */
export const flags = {
  ...reportFlags,
  ...classicFlags,
  ...wireFlags,
  'add-host': list('Add a name to /etc/hosts of the steps (host:ip)', { check: checkExtraHost, complete: 'none' }),
  'build-arg': list('Set a variable that the Dockerfile declares with ARG (NAME=value, or NAME to pass it on)', {
    complete: 'environment',
  }),
  builder: text('Kept for scripts: the one builder is the daemon ("default")', { complete: ['default'] }),
  'cache-from': list('Where to take results from (an image, type=registry,ref=...)', {
    kind: 'stringArray',
    complete: 'image',
  }),
  'cgroup-parent': text('Control group below which the steps run', { complete: 'none' }),
  explain: bool('Say at the end why each step was cached or not'),
  file: text('Path of the Dockerfile; "-" reads it from standard input', { short: 'f', complete: 'file' }),
  'force-rm': bool('Kept for scripts: no container is left behind in any case', { hidden: true }),
  iidfile: text("Write the image's id to this file", { complete: 'file' }),
  label: list('Set a label of the image (key=value)', { check: checkLabel, complete: 'none' }),
  network: text('Network of RUN: "default", "none" or "host"', {
    initial: 'default',
    complete: ['default', 'none', 'host'],
  }),
  'no-cache': bool('Run every step again'),
  platform: list('Platform of the image (os/arch)', { kind: 'stringArray', complete: 'platform' }),
  pull: bool('Ask the registries for newer base images'),
  quiet: bool("Print only the image's id", { short: 'q' }),
  rm: bool('Kept for scripts: no container is left behind in any case', { initial: true, hidden: true }),
  'shm-size': parsed('Size of /dev/shm of the steps', 'bytes', 0, parseSize, { complete: 'none' }),
  tag: list('Name of the image (name[:tag])', { short: 't', check: checkTag, complete: 'image' }),
  target: text('Stage to build', { complete: 'none' }),
  ulimit: parsedList('Set a limit of the steps (nofile=soft[:hard])', 'ulimit', parseUlimit, {
    shown: '[]',
    complete: 'none',
  }),
};

function checkTag(name: string): string {
  parseReference(name);
  return name;
}
