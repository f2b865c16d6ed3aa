import { FluentdSender } from './fluentd.ts';
import type { Forwarding } from './forwarding.ts';
import { createGelfSender } from './gelf.ts';
import { createJournaldSender } from './journald.ts';
import type { Sender } from './sender.ts';
import { createSyslogSender } from './syslog.ts';

export function createSender(forwarding: Forwarding): Sender {
  switch (forwarding.driver) {
    case 'fluentd':
      return new FluentdSender(forwarding);
    case 'gelf':
      return createGelfSender(forwarding);
    case 'journald':
      return createJournaldSender(forwarding);
    case 'syslog':
      return createSyslogSender(forwarding);
  }
}
