import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from '@wharf/base/decode';
import { containerCreateRequest } from './container.ts';

// What the stock client sends for `docker run -p 80:80 --mount type=bind,src=/a,dst=/b busybox`, in short.
const sent = {
  Hostname: '',
  AttachStdout: true,
  ExposedPorts: { '80/tcp': {} },
  Env: null,
  Cmd: null,
  Image: 'busybox',
  Volumes: {},
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
  HostConfig: {
    Binds: null,
    ContainerIDFile: '',
    LogConfig: { Type: '', Config: {} },
    NetworkMode: 'default',
    PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '80' }] },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    ConsoleSize: [24, 80],
    CapAdd: null,
    Dns: [],
    MemorySwappiness: -1,
    OomKillDisable: false,
    PidsLimit: 0,
    Ulimits: null,
    Mounts: [{ Type: 'bind', Source: '/a', Target: '/b' }],
    MaskedPaths: null,
  },
  NetworkingConfig: { EndpointsConfig: { default: null } },
};

test('a create request of the stock client is whole after decoding', () => {
  const request = decode(containerCreateRequest, sent);
  assert.equal(request.Image, 'busybox');
  assert.equal(request.Healthcheck, null);
  assert.equal(request.StopTimeout, null);
  assert.equal(request.HostConfig.Memory, 0);
  assert.equal(request.HostConfig.Init, null);
  assert.deepEqual(request.HostConfig.Dns, []);
  assert.deepEqual(request.HostConfig.ConsoleSize, [24, 80]);
  assert.deepEqual(request.HostConfig.PortBindings, { '80/tcp': [{ HostIp: '', HostPort: '80' }] });
  assert.deepEqual(request.HostConfig.Mounts?.[0]?.BindOptions, null);
  assert.equal(request.NetworkingConfig.EndpointsConfig.default?.IPAMConfig, null);
});

test('a command may be one text', () => {
  const request = decode(containerCreateRequest, { Cmd: 'ls', Entrypoint: '' });
  assert.deepEqual([request.Cmd, request.Entrypoint], [['ls'], ['']]);
});
