import { text } from '../../flags/flag.ts';

export const checkpointDir = text('Keep checkpoints in this directory instead', { complete: 'file' });
