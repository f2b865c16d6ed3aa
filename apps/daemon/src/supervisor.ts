import { superviseContainers } from '@wharf/runtime/supervisor/main';

superviseContainers(process.argv.slice(2));
