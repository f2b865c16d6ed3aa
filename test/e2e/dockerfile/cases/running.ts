import type { BuildCase } from '../build-case.ts';

/** RUN: what it finds, and the layer of what it leaves. */
export const running: readonly BuildCase[] = [
  { rule: 'RUN makes a file', dockerfile: 'RUN echo a > /o' },
  { rule: 'RUN changes a file', dockerfile: 'RUN echo more >> /etc/group' },
  { rule: 'RUN removes a file', dockerfile: 'RUN rm /etc/group' },
  { rule: 'RUN removes a directory', dockerfile: 'RUN rm -r /data' },
  { rule: 'RUN replaces a directory', dockerfile: 'RUN rm -r /data && mkdir /data && touch /data/new' },
  { rule: 'RUN replaces a directory by a file', dockerfile: 'RUN rm -r /data && touch /data' },
  { rule: 'RUN replaces a file by a directory', dockerfile: 'RUN rm /etc/group && mkdir /etc/group' },
  { rule: 'RUN moves a directory', dockerfile: 'RUN mv /data /moved' },
  { rule: 'RUN removes what the one before made', dockerfile: 'RUN mkdir /d && touch /d/a /d/b\nRUN rm /d/a' },
  { rule: 'RUN changes an owner alone', dockerfile: 'RUN chown 5:6 /etc/group' },
  { rule: 'RUN changes a mode alone', dockerfile: 'RUN chmod 600 /etc/group' },
  { rule: 'RUN changes a directory alone', dockerfile: 'RUN chmod 700 /data' },
  { rule: 'RUN changes the mode of the root', dockerfile: 'RUN chmod 711 /' },
  { rule: 'RUN makes links', dockerfile: 'RUN ln -s /none /l && echo a > /a && ln /a /b' },
  { rule: 'RUN makes fifos and devices', dockerfile: 'RUN mkfifo -m 600 /p && mknod -m 660 /n c 1 3' },
  {
    rule: 'RUN makes setuid files',
    dockerfile: 'RUN touch /s /t && chmod 4755 /s && chmod 2711 /t && mkdir -m 1777 /u',
  },
  { rule: 'RUN makes nothing', dockerfile: 'RUN true' },
  {
    rule: 'RUN leaves what the kernel is mounted on',
    dockerfile: 'FROM scratch\nCOPY --from=busybox /bin/busybox /\nRUN ["/busybox", "true"]',
  },
  { rule: 'RUN makes a file and removes it', dockerfile: 'RUN touch /a && rm /a' },
  { rule: 'RUN writes to /tmp', dockerfile: 'RUN echo a > /tmp/a' },
  { rule: 'RUN keeps times that it sets', dockerfile: 'RUN touch -d @1000000000 /a' },
  { rule: 'RUN has HOME of its user', dockerfile: 'USER user\nRUN echo $HOME > /tmp/o' },
  { rule: 'RUN has HOME of root', dockerfile: 'RUN echo $HOME > /o' },
  { rule: 'RUN has HOME from ENV', dockerfile: 'ENV HOME=/h\nRUN echo $HOME > /o' },
  { rule: 'RUN with a user by name', dockerfile: 'USER user\nRUN id -u > /tmp/o; id -g >> /tmp/o; id -G >> /tmp/o' },
  { rule: 'RUN with a user by number', dockerfile: 'USER 1000\nRUN id -u > /tmp/o; id -g >> /tmp/o' },
  { rule: 'RUN with a user that is in no file', dockerfile: 'USER 4321\nRUN id -u > /tmp/o; id -g >> /tmp/o' },
  { rule: 'RUN with a user and a group', dockerfile: 'USER 12:34\nRUN id -u > /tmp/o; id -g >> /tmp/o' },
  { rule: 'RUN with a user and a group by name', dockerfile: 'USER other:extra\nRUN id -u > /tmp/o; id -g >> /tmp/o' },
  { rule: 'RUN with a user that is nowhere', dockerfile: 'USER nobodyhere\nRUN true', fails: /nobodyhere/ },
  { rule: 'RUN makes files of its user', dockerfile: 'USER user\nRUN touch /home/user/f && mkdir /home/user/d' },
  { rule: 'RUN has the host name of builds', dockerfile: 'RUN hostname > /o' },
  { rule: 'RUN has a umask of 022', dockerfile: 'RUN umask > /o && mkdir /d' },
  { rule: 'RUN has no input', dockerfile: 'RUN cat > /o' },
  { rule: 'RUN has no terminal', dockerfile: 'RUN tty > /o || true' },
  { rule: 'RUN has these capabilities', dockerfile: 'RUN grep -i ^capeff /proc/self/status > /o' },
  { rule: 'RUN has no new privileges to refuse', dockerfile: 'RUN grep -i ^nonewprivs /proc/self/status > /o' },
  { rule: 'RUN does not see the files that it is lent', dockerfile: 'RUN cat /etc/hosts /etc/resolv.conf > /dev/null' },
  { rule: 'RUN cannot keep what it writes to resolv.conf', dockerfile: 'RUN echo x > /etc/resolv.conf || true' },
  { rule: 'RUN in a directory that it makes', dockerfile: 'WORKDIR /w\nRUN mkdir x && echo a > x/f' },
  { rule: 'RUN that fails', dockerfile: 'RUN exit 7', fails: /\/bin\/sh -c exit 7.*code: 7/s },
  { rule: 'RUN of a program that is not there', dockerfile: 'RUN ["/none"]', fails: /\/none/ },
  { rule: 'RUN that a signal ends', dockerfile: "RUN sh -c 'kill -9 $$' || exit $?", fails: /code: 137/ },
  {
    rule: 'RUN --mount=type=tmpfs is empty and stays outside',
    dockerfile: 'RUN --mount=type=tmpfs,target=/t ls -A /t > /o && touch /t/x',
  },
  {
    rule: 'RUN --mount=type=tmpfs over what is there',
    dockerfile: 'RUN --mount=type=tmpfs,target=/data ls -A /data > /o',
  },
  {
    rule: 'RUN --mount=type=tmpfs with a size',
    dockerfile: 'RUN --mount=type=tmpfs,target=/t,size=1m df -k /t | tail -1 | tr -s " " | cut -d" " -f2 > /o',
  },
  { rule: 'RUN --mount of the context', dockerfile: 'RUN --mount=target=/c cat /c/a > /o', files: { a: 'A' } },
  {
    rule: 'RUN --mount of the context is read only',
    dockerfile: 'RUN --mount=target=/c touch /c/x || echo refused > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount of the context that may be written',
    dockerfile: 'RUN --mount=target=/c,rw touch /c/x && ls /c > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount of one file of the context',
    dockerfile: 'RUN --mount=source=a,target=/m cat /m > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount of a directory of the context',
    dockerfile: 'RUN --mount=src=d,dst=/m ls /m > /o',
    files: { 'd/a': 'A', b: '' },
  },
  {
    rule: 'RUN --mount to a relative target',
    dockerfile: 'WORKDIR /w\nRUN --mount=target=c ls c > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount of a stage',
    dockerfile: 'FROM busybox AS s\nRUN echo a > /a\nFROM busybox\nRUN --mount=from=s,target=/s cat /s/a > /o',
  },
  {
    rule: 'RUN --mount of a stage that may be written',
    dockerfile:
      'FROM busybox AS s\nRUN echo a > /a\nFROM busybox\nRUN --mount=from=s,target=/s,rw echo b >> /s/a && cat /s/a > /o\nRUN --mount=from=s,target=/s cat /s/a > /p',
  },
  {
    rule: 'RUN --mount of a directory of a stage',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && echo a > /d/a\nFROM busybox\nRUN --mount=from=s,source=/d,target=/m ls /m > /o',
  },
  {
    rule: 'RUN --mount of an image',
    dockerfile: 'RUN --mount=from=busybox,source=/etc,target=/m head -1 /m/passwd > /o',
  },
  {
    rule: 'RUN --mount takes variables',
    dockerfile: 'ARG T=/m\nRUN --mount=target=$T cat $T/a > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount=type=cache is empty at first',
    dockerfile: 'RUN --mount=type=cache,id=first,target=/c ls -A /c > /o',
  },
  {
    rule: 'RUN --mount=type=cache keeps what is written',
    dockerfile:
      'RUN --mount=type=cache,id=kept,target=/c echo a > /c/f\nRUN --mount=type=cache,id=kept,target=/d cat /d/f > /o',
  },
  {
    rule: 'RUN --mount=type=cache has owner and mode',
    dockerfile: 'RUN --mount=type=cache,id=owned,target=/c,uid=5,gid=6,mode=0710 stat -c "%u %g %a" /c > /o',
  },
  {
    rule: 'RUN --mount=type=cache from a stage',
    dockerfile:
      'FROM busybox AS s\nRUN mkdir /d && echo a > /d/a\nFROM busybox\nRUN --mount=type=cache,id=filled,from=s,source=/d,target=/c cat /c/a > /o',
  },
  {
    rule: 'RUN --mount=type=cache read only',
    dockerfile: 'RUN --mount=type=cache,id=ro,target=/c,ro touch /c/x || echo refused > /o',
  },
  {
    rule: 'RUN --mount=type=cache by its target',
    dockerfile:
      'RUN --mount=type=cache,target=/by/target echo a > /by/target/f\nRUN --mount=type=cache,target=/by/target cat /by/target/f > /o',
  },
  {
    rule: 'RUN --mount=type=secret that is not there',
    dockerfile: 'RUN --mount=type=secret,id=s ls /run/secrets > /o 2>/dev/null || echo none > /o',
  },
  {
    rule: 'RUN --mount=type=secret that has to be there',
    dockerfile: 'RUN --mount=type=secret,id=s,required true',
    fails: /secret s: not found/,
  },
  {
    rule: 'RUN --mount=type=ssh that is not there',
    dockerfile: 'RUN --mount=type=ssh echo "[$SSH_AUTH_SOCK]" > /o',
  },
  {
    rule: 'RUN with two mounts',
    dockerfile: 'RUN --mount=type=tmpfs,target=/t --mount=target=/c cp /c/a /t/ && cat /t/a > /o',
    files: { a: 'A' },
  },
  {
    rule: 'RUN --mount leaves the directory that it needed',
    dockerfile: 'RUN --mount=type=tmpfs,target=/new/deep true',
  },
  { rule: 'RUN --network=none has only itself', dockerfile: 'RUN --network=none ls /sys/class/net > /o' },
  { rule: 'RUN --network=default', dockerfile: 'RUN --network=default ls /sys/class/net | grep -c . > /dev/null' },
  {
    rule: 'hosts of the request',
    dockerfile: 'RUN grep here /etc/hosts > /o',
    options: { extraHosts: ['here:10.1.2.3'] },
  },
  {
    rule: '/dev/shm of the request',
    dockerfile: 'RUN df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2 > /o',
    options: { shmSize: 8 << 20 },
  },
  {
    rule: 'limits of the request',
    dockerfile: 'RUN ulimit -n > /o',
    options: { ulimit: { Name: 'nofile', Soft: 123, Hard: 123 } },
  },
];
