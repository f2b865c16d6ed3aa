import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { closeDescriptor, createPipe, readDescriptor, setNonBlocking, wouldBlock } from './descriptor.ts';
import { reapChild, spawnProcess } from './process.ts';
import { hangup, Reactor, readable } from './reactor.ts';
import { clearSignalDescriptor, openSignalDescriptor } from './signal.ts';

function fail(error: unknown): never {
  throw error;
}

describe('reactor', () => {
  test('a child writes into a pipe and exits: output, end and exit code arrive', () => {
    const before = readdirSync('/proc/self/fd').length;
    const reactor = new Reactor(fail);
    const SIGCHLD = 17;
    const children = openSignalDescriptor(SIGCHLD);
    const out = createPipe();
    setNonBlocking(out.read);
    const none = createPipe();
    const pid = spawnProcess({
      command: ['/bin/sh', '-c', 'read x; echo "got $x $A"; exit 7'],
      stdio: [none.read, out.write, out.write],
      environment: { A: 'b', PATH: '/bin' },
    });
    for (const fd of [out.write, none.read, none.write]) closeDescriptor(fd);
    const buffer = Buffer.alloc(1024);
    let text = '';
    let code = -1;
    let open = 2;
    const close = (fd: number) => {
      reactor.unwatch(fd);
      closeDescriptor(fd);
      open -= 1;
      if (open === 0) reactor.stop();
    };
    reactor.watch(out.read, readable, () => {
      const length = readDescriptor(out.read, buffer);
      if (length === wouldBlock) return;
      if (length <= 0) close(out.read);
      else text += buffer.toString('utf8', 0, length);
    });
    reactor.watch(children, readable, () => {
      clearSignalDescriptor(children);
      const child = reapChild();
      assert.equal(child?.pid, pid);
      code = child.exitCode;
      // It stays open: the handler goes on writing into it.
      reactor.unwatch(children);
      open -= 1;
      if (open === 0) reactor.stop();
    });
    reactor.run();
    assert.equal(text, 'got  b\n');
    assert.equal(code, 7);
    assert.equal(reapChild(), undefined);
    assert.equal(readdirSync('/proc/self/fd').length, before + 2);
  });

  test('timers run in order, promises between them, and a thrown error is reported, not fatal', () => {
    const errors: unknown[] = [];
    const reactor = new Reactor((error) => errors.push(error));
    const seen: string[] = [];
    reactor.after(2, () => reactor.stop());
    reactor.after(1, () => seen.push('second'));
    reactor.after(0, () => {
      void reactor.delay(0).then(() => seen.push('promise'));
      throw new Error('no');
    });
    reactor.cancel(reactor.after(1, () => seen.push('cancelled')));
    reactor.run();
    assert.deepEqual(seen, ['promise', 'second']);
    assert.equal(errors.length, 1);
  });

  test('a descriptor closed by an earlier handler of the same batch is left alone', () => {
    const reactor = new Reactor(fail);
    const pipes = [createPipe(), createPipe()];
    let calls = 0;
    for (const { read, write } of pipes) {
      closeDescriptor(write);
      reactor.watch(read, readable, (events) => {
        calls += 1;
        assert.ok(events & hangup);
        for (const pipe of pipes) {
          reactor.unwatch(pipe.read);
          closeDescriptor(pipe.read);
        }
        reactor.stop();
      });
    }
    reactor.run();
    assert.equal(calls, 1);
  });

  test('a missing program is an error of the spawn', () => {
    assert.throws(() => spawnProcess({ command: ['/nosuch'], stdio: [] }), { code: 'ENOENT' });
  });
});
